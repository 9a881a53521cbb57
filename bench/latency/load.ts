import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';
import { nn } from 'nabla';
import { saveSafetensors } from 'nabla/io';
import { classifier } from '../drivers/nabla/training.js';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/** What a server does while so many connections ask it without a pause. Times are in milliseconds. */
export interface Load {
  readonly connections: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p97_5: number;
  readonly p99: number;
}

/** How long to ask, in seconds, or how often. */
export type Bound = { readonly duration: number } | { readonly amount: number };

/** The example server of a checkpoint, in a process of its own, asked over so many connections, one number after the other. */
export async function serverUnderLoad(connections: readonly number[], bound: Bound): Promise<Load[]> {
  const folder = await mkdtemp(join(tmpdir(), 'nabla-load-'));
  const weights = join(folder, 'weights.safetensors');
  // What the example server builds.
  const model = new nn.Sequential<nn.Layer[]>(new nn.Flatten(), ...classifier([784, 256, 10]));
  await saveSafetensors(weights, model.stateDict());
  const server = spawn(
    process.execPath,
    ['--import', 'tsx', path('../../examples/server.ts'), '--port', '0', '--weights', weights],
    {
      env: { ...process.env, TSX_TSCONFIG_PATH: path('../tsconfig.dist.json') },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  try {
    const url = await addressOf(server.stdout);
    const loads: Load[] = [];
    for (const count of connections) loads.push(await ask(url, count, bound));
    return loads;
  } finally {
    const closed = once(server, 'close');
    server.kill('SIGTERM');
    await closed;
    await rm(folder, { recursive: true });
  }
}

async function addressOf(output: Readable): Promise<string> {
  let printed = '';
  for await (const chunk of output.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    printed += chunk;
    const url = /Listening on (\S+)/.exec(printed)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error(`the server did not start: ${printed}`);
}

async function ask(url: string, connections: number, bound: Bound): Promise<Load> {
  const body = JSON.stringify({ pixels: Array.from({ length: 784 }, (_, i) => (i % 256) / 255) });
  const { latency, requests, duration, errors, timeouts, non2xx } = await autocannon({
    url,
    connections,
    method: 'POST',
    body,
    ...bound,
  });
  const failed = errors + timeouts + non2xx;
  if (failed > 0) throw new Error(`${failed} of ${requests.total} requests over ${connections} connections failed`);
  const { p50, p97_5, p99 } = latency;
  return { connections, perSecond: requests.total / duration, p50, p97_5, p99 };
}
