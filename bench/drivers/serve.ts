import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Greeting, Prepared, Request, Timing, Unsupported } from '../harness/protocol.js';
import type { Work } from '../harness/work.js';

const ANSWERS = 3;

/** Some work, its operands made. */
export interface Task {
  /** Does the work once. */
  run(): void;
  /** Does the work for the first time and says what came out; see `Prepared`. */
  first(): readonly number[];
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
      answer(task === null ? { unsupported: `${greeting.name} cannot do it` } : introduce(task));
    } else if (task !== null) {
      answer(request.do === 'warm' ? warm(task, request.seconds) : time(task, request.iterations));
    }
  }
}

function introduce(task: Task): Prepared {
  const probe = task.first();
  return task.note === undefined ? { probe } : { probe, note: task.note };
}

function warm(task: Task, seconds: number): Timing {
  const start = performance.now();
  let [iterations, elapsed] = [0, 0];
  do {
    task.run();
    iterations++;
    elapsed = (performance.now() - start) / 1000;
  } while (elapsed < seconds);
  return { iterations, seconds: elapsed };
}

function time(task: Task, iterations: number): Timing {
  const start = performance.now();
  for (let i = 0; i < iterations; i++) task.run();
  return { iterations, seconds: (performance.now() - start) / 1000 };
}

function answer(message: Greeting | Prepared | Unsupported | Timing): void {
  writeSync(ANSWERS, `${JSON.stringify(message)}\n`);
}
