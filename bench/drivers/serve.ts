import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Greeting, Prepared, Request, Timing, Unsupported } from '../harness/protocol.js';
import type { Work } from '../harness/work.js';

const ANSWERS = 3;

/** Some work, its operands made. */
export interface Task {
  /** Does the work once; a promise is awaited. */
  run(): unknown;
  /** Does the work for the first time and says what came out; see `Prepared`. */
  first(): readonly number[] | Promise<readonly number[]>;
  readonly note?: string;
}

/** How a library does a piece of work, or null where it can't. */
export type Tasks = (work: Work) => Task | null;

/** Answers requests until standard input ends. */
export async function serve(greeting: Greeting, tasks: Tasks): Promise<void> {
  let task: Task | null = null;
  answer(greeting);
  for await (const line of createInterface({ input: process.stdin })) {
    const request: Request = JSON.parse(line);
    if (request.do === 'prepare') {
      task = null; // before the operands of the next are made
      task = tasks(request.work);
      answer(task === null ? { unsupported: `${greeting.name} cannot do it` } : await introduce(task));
    } else if (task !== null) {
      answer(await measure(task, request));
    }
  }
}

async function introduce(task: Task): Promise<Prepared> {
  const before = process.cpuUsage();
  const probe = await task.first();
  const { user, system } = process.cpuUsage(before);
  const prepared = { probe, cpuSeconds: (user + system) / 1e6 };
  return task.note === undefined ? prepared : { ...prepared, note: task.note };
}

function measure(task: Task, request: Exclude<Request, { readonly do: 'prepare' }>): Promise<Timing> {
  switch (request.do) {
    case 'warm':
      return warm(task, request.seconds);
    case 'time':
      return time(task, request.iterations);
    case 'quantile':
      return quantile(task, request.iterations, request.share);
  }
}

async function warm(task: Task, seconds: number): Promise<Timing> {
  const start = performance.now();
  let [iterations, elapsed] = [0, 0];
  do {
    const result = task.run();
    if (result instanceof Promise) await result;
    iterations++;
    elapsed = (performance.now() - start) / 1000;
  } while (elapsed < seconds);
  return { iterations, seconds: elapsed };
}

async function time(task: Task, iterations: number): Promise<Timing> {
  const start = performance.now();
  for (let i = 0; i < iterations; i++) {
    const result = task.run();
    if (result instanceof Promise) await result;
  }
  return { iterations, seconds: (performance.now() - start) / 1000 };
}

async function quantile(task: Task, iterations: number, share: number): Promise<Timing> {
  const times: number[] = [];
  for (let i = 0; i < iterations; i++) times.push((await time(task, 1)).seconds);
  times.sort((a, b) => a - b);
  return { iterations: 1, seconds: times[Math.min(iterations - 1, Math.floor(share * iterations))]! };
}

function answer(message: Greeting | Prepared | Unsupported | Timing): void {
  writeSync(ANSWERS, `${JSON.stringify(message)}\n`);
}
