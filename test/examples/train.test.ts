import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckpointManager } from 'nabla/training';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bundled } from '../bundled.js';
import { writeDigits } from './digits.js';

const root = join(import.meta.dirname, '../..');
const EPOCHS = 40;

let folder: string;
let program: string;
beforeAll(async () => {
  program = await bundled(new URL('../../examples/train.ts', import.meta.url));
  folder = await mkdtemp(join(tmpdir(), 'nabla-example-'));
  await mkdir(join(folder, 'data'));
  await writeDigits(join(folder, 'data'));
});
afterAll(() => rm(folder, { recursive: true }));

interface Ended {
  readonly code: number | null;
  readonly printed: string;
}

/** Runs the example; `watch` may stop it. */
function run(args: readonly string[], watch: (child: ChildProcess) => void = () => {}): Promise<Ended> {
  const child = spawn(process.execPath, [program, ...args], { cwd: root });
  let printed = '';
  child.stdout.on('data', (text: Buffer) => {
    printed += text;
  });
  child.stderr.on('data', (text: Buffer) => {
    printed += text;
  });
  watch(child);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, printed }));
  });
}

const training = (out: string): string[] => [
  ...['--data', join(folder, 'data'), '--out', join(folder, out)],
  ...['--epochs', String(EPOCHS), '--patience', '1000', '--batch-size', '50'],
];

const epochsOf = async (out: string) =>
  (await new CheckpointManager(join(folder, out, 'checkpoints')).latest())?.step ?? 0;

/** Sends a signal as soon as so many epochs are saved. */
const after = (epochs: number, out: string, signal: NodeJS.Signals) => (child: ChildProcess) => {
  const look = async (): Promise<void> => {
    while (child.exitCode === null && (await epochsOf(out)) < 8 * epochs)
      await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill(signal);
  };
  void look();
};

it('ends with the same model after a kill, and after Ctrl-C', async () => {
  const whole = await run(training('whole'));
  expect(whole.printed).toMatch(/accuracy [\d.]+ % after 40 epochs/);
  expect((await run(training('broken'), after(2, 'broken', 'SIGKILL'))).code).toBeNull();
  expect(await epochsOf('broken')).toBeLessThan(8 * EPOCHS);
  const stopped = await run(training('broken'), after(6, 'broken', 'SIGINT'));
  expect(stopped).toMatchObject({ code: 0, printed: expect.stringContaining('the same command goes on from here') });
  expect(await epochsOf('broken')).toBeLessThan(8 * EPOCHS);
  const last = await run(training('broken'));
  expect(last.printed).toMatch(/accuracy [\d.]+ % after 40 epochs/);
  const model = (out: string) => readFile(join(folder, out, 'model.safetensors'));
  expect((await model('broken')).equals(await model('whole'))).toBe(true);
  const rows = async (out: string) => new Set((await readFile(join(folder, out, 'log.csv'), 'utf8')).split('\n'));
  expect(await rows('broken')).toEqual(await rows('whole'));
}, 300_000);

it('has help, and refuses what makes no sense', async () => {
  expect((await run(['--help'])).printed).toMatch(/--patience <n> +epochs without a better accuracy/);
  expect(await run(['--epochs', '0'])).toMatchObject({
    code: 1,
    printed: expect.stringContaining('integer from 1 to 1000'),
  });
}, 120_000);
