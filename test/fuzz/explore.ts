import { fork } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AnyProperty } from './property.js';
import type { SearchOptions, Totals } from './search.js';

const worker = fileURLToPath(new URL('worker.ts', import.meta.url));

/** A process that says nothing for so long is hanging. */
const PATIENCE = 120_000;

/** What a process tells of its search: how far it is, and in the end how it went. */
type Message = { readonly programs: number } | { readonly totals: Totals };

/** Searches in a process of its own. That it crashes, or hangs, is a failure of the program that it was running. */
export async function searchApart(property: AnyProperty, options: SearchOptions): Promise<Totals> {
  const folder = mkdtempSync(join(tmpdir(), 'nabla-fuzz-'));
  const journal = join(folder, 'program.mjs');
  try {
    return await searchIn(property, { ...options, journal });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function searchIn(property: AnyProperty, options: SearchOptions & { readonly journal: string }): Promise<Totals> {
  const child = fork(worker, [property.name, JSON.stringify(options)], {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  let programs = 0;
  let totals: Totals | undefined;
  let silent = false;
  let said = '';
  const watch = setTimeout(() => {
    silent = true;
    child.kill('SIGKILL');
  }, PATIENCE);
  child.stderr!.on('data', (text: Buffer) => {
    said = `${said}${text}`.slice(-4000);
  });
  child.on('message', (message: Message) => {
    watch.refresh();
    if ('totals' in message) totals = message.totals;
    else programs = message.programs;
  });
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      clearTimeout(watch);
      if (totals !== undefined && code === 0) return resolve(totals);
      const how = silent
        ? `nothing happened for ${PATIENCE / 1000} seconds`
        : `the process ended with ${signal ?? `code ${code}`}`;
      const script = existsSync(options.journal) ? readFileSync(options.journal, 'utf8') : '';
      const failure = { message: `${how}\n${said}`.trimEnd(), script, seed: options.seed, path: options.path ?? '' };
      resolve({ programs, refused: 0, reasons: {}, failure });
    });
  });
}

/** Calls `act` for all items, as many at a time as there are processors. */
export async function eachOf<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const next = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await act(item);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, next));
}
