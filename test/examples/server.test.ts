import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { imageOf, writeDigits } from './digits.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
let folder: string;
let server: ChildProcessWithoutNullStreams;
let printed = '';
let url: string;

async function untilPrinted(pattern: RegExp): Promise<RegExpExecArray> {
  await vi.waitFor(() => expect(printed).toMatch(pattern), 30_000);
  return pattern.exec(printed)!;
}

async function post(body: string): Promise<{ status: number; answer: Record<string, unknown> }> {
  const response = await fetch(url, { method: 'POST', body });
  return { status: response.status, answer: (await response.json()) as Record<string, unknown> };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nabla-server-'));
  await writeDigits(folder);
  const args = ['--port', '0', '--epochs', '1000000', '--data', folder];
  server = spawn(process.execPath, ['--import', 'tsx', 'examples/server.ts', ...args], { cwd: root });
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (text) => (printed += text));
  url = (await untilPrinted(/Listening on (\S+)/))[1]!;
});
afterAll(async () => {
  server.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

describe('the prediction server', () => {
  it('answers while it trains, better and better', async () => {
    const first = await post(JSON.stringify({ pixels: imageOf(3) }));
    expect(first).toMatchObject({ status: 200, answer: { probability: expect.any(Number) } });
    await untilPrinted(/Epoch 20:/);
    for (const digit of [0, 3, 9]) {
      const { answer } = await post(JSON.stringify({ pixels: imageOf(digit) }));
      expect(answer.digit).toBe(digit);
      expect(answer.probability).toBeGreaterThan(0.9);
      expect(answer.epochs).toBeGreaterThanOrEqual(20);
    }
  });

  it('says what is wrong with a request', async () => {
    expect(await post('seven')).toEqual({ status: 400, answer: { error: 'the body is not JSON' } });
    const expected = { status: 400, answer: { error: 'expected {"pixels": [784 numbers from 0 to 1]}' } };
    for (const body of [null, {}, { pixels: [1, 2] }, { pixels: imageOf(1).fill(2) }, { pixels: 'x'.repeat(784) }]) {
      expect(await post(JSON.stringify(body))).toEqual(expected);
    }
    expect(await post(' '.repeat(100_000))).toMatchObject({ status: 413 });
    expect((await fetch(url)).status).toBe(405);
    expect((await fetch(`${url}s`)).status).toBe(404);
  });

  it('stops when it is told to', async () => {
    server.kill('SIGTERM');
    expect(await once(server, 'close')).toEqual([0, null]);
    expect(printed).toMatch(/Stopped\n$/);
  });
});
