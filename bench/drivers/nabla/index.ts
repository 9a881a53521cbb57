import { serve } from '../serve.js';

const start = performance.now();
const { backendName, setNumThreads } = await import('nabla');
const loadSeconds = (performance.now() - start) / 1000;

setNumThreads(Number(process.argv[2]));
const { tasks } = await import('./tasks.js');
const version = process.env.npm_package_version ?? 'unknown';
await serve({ name: `nabla, ${backendName()}`, version, loadSeconds }, tasks);
