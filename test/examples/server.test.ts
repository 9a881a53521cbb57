import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nn, tensor } from 'nabla';
import { saveSafetensors } from 'nabla/io';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { bundled } from '../bundled.js';
import { imageOf, writeDigits } from './digits.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
let folder: string;
let program: string;
let server: ChildProcessWithoutNullStreams;
let printed = '';
let url: string;

function start(...args: string[]): ChildProcessWithoutNullStreams {
  const started = spawn(process.execPath, [program, '--port', '0', ...args], {
    cwd: root,
  });
  for (const stream of [started.stdout, started.stderr]) stream.on('data', (text) => (printed += text));
  return started;
}

async function untilPrinted(pattern: RegExp): Promise<RegExpExecArray> {
  await vi.waitFor(() => expect(printed).toMatch(pattern), 30_000);
  return pattern.exec(printed)!;
}

const at = (path: string): string => url.replace('predict', path);

async function post(body: string): Promise<{ status: number; answer: Record<string, unknown> }> {
  const response = await fetch(url, { method: 'POST', body });
  return { status: response.status, answer: (await response.json()) as Record<string, unknown> };
}

beforeAll(async () => {
  program = await bundled(new URL('../../examples/server.ts', import.meta.url));
  folder = await mkdtemp(join(tmpdir(), 'nabla-server-'));
  await writeDigits(folder);
  server = start('--epochs', '1000000', '--data', folder);
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
    expect((await fetch(at('health?verbose=1'))).status).toBe(200);
    const head = await fetch(at('health'), { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  it('tells its health, and what it did, to Prometheus', async () => {
    expect(await (await fetch(at('health'))).json()).toMatchObject({ status: 'ok' });
    const text = await (await fetch(at('metrics'))).text();
    expect(text).toMatch(/^http_requests_total\{status="200"\} \d+$/m);
    expect(text).toMatch(/^http_requests_total\{status="413"\} 1$/m);
    expect(text).toMatch(/^http_request_seconds_count \d+$/m);
    expect(text).toMatch(/^inputs_waiting 0$/m);
  });

  it('computes together what comes together', async () => {
    const batchesOf = async () => Number(/^batches_total (\d+)$/m.exec(await (await fetch(at('metrics'))).text())![1]);
    const body = JSON.stringify({ pixels: imageOf(5) });
    // How many come together is up to the machine: some do, before long.
    await vi.waitFor(async () => {
      const before = await batchesOf();
      const some = await Promise.all(Array.from({ length: 64 }, () => post(body)));
      expect(some.every(({ status, answer }) => status === 200 && answer.digit === 5)).toBe(true);
      expect((await batchesOf()) - before).toBeLessThan(64);
    }, 30_000);
  });

  it('stops when it is told to, though a request never ends', async () => {
    const { hostname, port } = new URL(url);
    const slow = connect(Number(port), hostname);
    slow.on('error', () => {});
    slow.write('POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"pix');
    await once(slow, 'connect');
    await fetch(at('health'));
    server.kill('SIGTERM');
    expect(await once(server, 'close')).toEqual([0, null]);
    expect(printed).toMatch(/Stopped\n$/);
  });
});

describe('the server of a checkpoint', () => {
  const weights = () => join(folder, 'weights.safetensors');
  const build = () =>
    new nn.Sequential(new nn.Flatten(), new nn.Linear(784, 256), new nn.ReLU(), new nn.Linear(256, 10));

  it('serves it, and what it becomes, with the bits of the model', async () => {
    const pixels = imageOf(7);
    const probabilityOf = (model: nn.Sequential) =>
      Math.max(
        ...model
          .forward(tensor([pixels]))
          .softmax(1)
          .toTypedArray(),
      );
    const [first, second] = [build(), build()];
    await saveSafetensors(weights(), first.stateDict());
    printed = '';
    server = start('--weights', weights());
    url = (await untilPrinted(/Listening on (\S+)/))[1]!;
    const answerOf = async () => (await post(JSON.stringify({ pixels }))).answer;
    expect(await answerOf()).toMatchObject({ probability: probabilityOf(first), epochs: 1 });

    await saveSafetensors(weights(), second.stateDict());
    await untilPrinted(/Weights 2/);
    expect(await answerOf()).toMatchObject({ probability: probabilityOf(second), epochs: 2 });

    await writeFile(weights(), 'no weights');
    await untilPrinted(/not a safetensors file/);
    expect(await answerOf()).toMatchObject({ probability: probabilityOf(second), epochs: 2 });
    server.kill('SIGTERM');
    expect(await once(server, 'close')).toEqual([0, null]);
  });

  it('refuses at once what is too much to wait, and answers what waits before it stops', async () => {
    await saveSafetensors(weights(), build().stateDict());
    printed = '';
    server = start('--weights', weights(), '--max-waiting', '2', '--max-wait-ms', '2500');
    url = (await untilPrinted(/Listening on (\S+)/))[1]!;
    const body = JSON.stringify({ pixels: imageOf(1) });
    const ask = () => fetch(url, { method: 'POST', body });
    const metric = async (name: string) =>
      Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(await (await fetch(at('metrics'))).text())![1]);

    const waiting = [ask(), ask()];
    await vi.waitFor(async () => expect(await metric('inputs_waiting')).toBe(2), { timeout: 2400, interval: 5 });
    const refused = await ask();
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await refused.json()).toEqual({ error: 'batched: 2 inputs wait already' });

    server.kill('SIGTERM');
    const closed = once(server, 'close');
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200]);
    expect(await closed).toEqual([0, null]);
    expect(printed).toMatch(/^Stopped$/m);
  });
});
