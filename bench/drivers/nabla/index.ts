import { serve } from '../serve.js';

const start = performance.now();
const { backendName, setNumThreads } = await import('nabla');
const loadSeconds = (performance.now() - start) / 1000;

setNumThreads(Number(process.argv[2]));
const { tasksOf } = await import('./tasks.js');
const version = process.env.npm_package_version ?? 'unknown';
const mode = process.argv[3] === 'captured' ? 'captured' : 'eager';
await serve({ name: `nabla, ${mode}, ${backendName()}`, version, loadSeconds }, tasksOf(mode));
