import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { loadSafetensors } from 'nabla/io';
import { CheckpointManager } from 'nabla/training';
import { bundled } from '../bundled.js';

interface Ended {
  /** The epoch after which it began. */
  readonly after: number;
  /** What came of it; null if it was killed. */
  readonly result: string | null;
  /** How long it trained, in milliseconds. */
  readonly ms: number;
}

/** Runs the program; kills it so many milliseconds after it has begun to train. */
function run(app: string, folder: string, epochs: number, killAfter: number | null): Promise<Ended> {
  const child = spawn(process.execPath, [app, folder, String(epochs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NABLA_NUM_THREADS: '1' },
  });
  let [said, start] = ['', 0];
  child.stdout.on('data', (text: Buffer) => {
    said += text;
    if (start > 0) return;
    start = performance.now();
    if (killAfter !== null) setTimeout(() => child.kill('SIGKILL'), killAfter);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code !== 0 && signal !== 'SIGKILL') reject(new Error(`the training failed with ${code ?? signal}`));
      const after = Number(/begins after (\d+)/.exec(said)?.[1]);
      resolve({ after, result: /ends with (\w+)/.exec(said)?.[1] ?? null, ms: performance.now() - start });
    });
  });
}

export interface Report {
  readonly kills: number;
  /** Where trainings went on: epochs that were over. */
  readonly resumed: readonly number[];
  /** What came of the training without a kill, and of those that were killed. */
  readonly expected: string;
  readonly got: readonly string[];
}

/**
 * Trains without a break; then again and again, killing it at random moments, until there were so many kills, and one of them after a checkpoint. After each kill every file with the
 * name of a checkpoint is read as a whole.
 */
export async function killAgainAndAgain(
  kills: number,
  epochs: number,
  log: (line: string) => void = () => {},
): Promise<Report> {
  const app = await bundled(new URL('./kill-app.ts', import.meta.url));
  const base = await mkdtemp(join(tmpdir(), 'nabla-kills-'));
  const resumed: number[] = [];
  const got: string[] = [];
  try {
    const whole = await run(app, join(base, 'whole'), epochs, null);
    let done = 0;
    // All of a few may come before the first checkpoint.
    const isEnough = () => done >= kills && resumed.length > 0;
    for (let i = 0; !isEnough() || got.length === 0; i++) {
      const folder = join(base, String(i));
      for (let ended: Ended | null = null; ended?.result == null; ) {
        const killAfter = isEnough() ? null : Math.random() * whole.ms * 0.5;
        ended = await run(app, folder, epochs, killAfter);
        if (ended.after > 0) resumed.push(ended.after);
        if (ended.result === null) await checkWhole(folder);
        if (ended.result === null) log(`kill ${++done} of ${kills}, having begun after epoch ${ended.after}`);
        else got.push(ended.result);
      }
      await rm(folder, { recursive: true });
    }
    return { kills: done, resumed, expected: whole.result!, got };
  } finally {
    await rm(base, { recursive: true, force: true });
  }
}

async function checkWhole(folder: string): Promise<void> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.startsWith('checkpoint-'));
  for (const name of names) await loadSafetensors(join(folder, name));
  const listed = await new CheckpointManager(folder).list();
  if (listed.length !== names.length)
    throw new Error(`${names.length} checkpoints, of which ${listed.length} are whole`);
}
