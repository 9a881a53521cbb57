import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import type { Readable } from 'node:stream';
import { type Contender, nameOf } from './contender.js';
import type { Greeting, Prepared, Request, Timing, Unsupported } from './protocol.js';
import type { Work } from './work.js';

const ANSWERS = 3;
/** How much of what a driver printed is kept for the message about its failure. */
const PRINTED_KEPT = 2000;

/** A driver that ended before it answered. */
export class DriverError extends Error {
  override readonly name = 'DriverError';
}

/** A driver that took longer than its contender's patience. */
export class DriverTimeout extends Error {
  override readonly name = 'DriverTimeout';
  readonly seconds: number;

  constructor(seconds: number) {
    super(`took more than ${seconds} s`);
    this.seconds = seconds;
  }
}

/** A driver's process, and its side of the protocol. */
export class Driver {
  readonly greeting: Greeting;
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #answers: Answers;

  private constructor(process: ChildProcessWithoutNullStreams, answers: Answers, greeting: Greeting) {
    this.#process = process;
    this.#answers = answers;
    this.greeting = greeting;
  }

  static async start(contender: Contender): Promise<Driver> {
    const { command, args, env } = contender;
    const child = spawn(command, args, { env: environment(env), stdio: ['pipe', 'pipe', 'pipe', 'pipe'] });
    child.stdin.on('error', () => {}); // the driver ended: what it was asked goes unanswered, which is reported
    const answers = new Answers(contender, child);
    return new Driver(child, answers, await answers.next<Greeting>());
  }

  prepare(work: Work): Promise<Prepared | Unsupported> {
    return this.#ask({ do: 'prepare', work });
  }

  warm(seconds: number): Promise<Timing> {
    return this.#ask({ do: 'warm', seconds });
  }

  time(iterations: number): Promise<Timing> {
    return this.#ask({ do: 'time', iterations });
  }

  quantile(iterations: number, share: number): Promise<Timing> {
    return this.#ask({ do: 'quantile', iterations, share });
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }

  #ask<Answer>(request: Request): Promise<Answer> {
    this.#process.stdin.write(`${JSON.stringify(request)}\n`);
    return this.#answers.next<Answer>();
  }
}

/** The lines a driver answers with, one at a time. */
class Answers {
  readonly #contender: Contender;
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #lines: Interface;
  #printed = '';
  #failure: Error | undefined;

  constructor(contender: Contender, process: ChildProcessWithoutNullStreams) {
    this.#contender = contender;
    this.#process = process;
    this.#lines = createInterface({ input: process.stdio[ANSWERS] as Readable });
    const keep = (text: Buffer) => {
      this.#printed = (this.#printed + text).slice(-PRINTED_KEPT);
    };
    process.stdout.on('data', keep);
    process.stderr.on('data', keep);
    process.on('error', (error) => {
      this.#failure = error;
    });
  }

  /** The next answer, which is trusted to be what the request asks for: the drivers are part of the suite. */
  next<Answer>(): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void) => {
        clearTimeout(timer);
        this.#lines.off('line', answered);
        this.#process.off('close', ended);
        finish();
      };
      const { patience } = this.#contender;
      const answered = (line: string) => settle(() => resolve(JSON.parse(line)));
      const ended = () =>
        settle(() => reject(new DriverError(`${nameOf(this.#contender)} ended${this.#explanation()}`)));
      const late = () => settle(() => reject(new DriverTimeout(patience)));
      const timer = setTimeout(late, patience * 1000);
      this.#lines.once('line', answered);
      this.#process.once('close', ended);
    });
  }

  #explanation(): string {
    const said = this.#failure?.message ?? this.#printed.trim();
    return said === '' ? '' : `:\n${said}`;
  }
}

/** The shell's, but for what makes OpenBLAS take kernels of another processor than this one. */
function environment(own: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const { OPENBLAS_CORETYPE: _core, OPENBLAS_L2_SIZE: _l2, ...inherited } = process.env;
  return { ...inherited, ...own };
}
