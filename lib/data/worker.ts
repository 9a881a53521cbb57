import '../ops/methods.js';
import { parentPort, workerData } from 'node:worker_threads';
import { serve } from './workers/serve.js';
import type { Start } from './workers/protocol.js';

// The program of a worker of a DataLoader.
serve(parentPort!, workerData as Start);
