import { appendFile, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ArgumentsOf } from '../arguments/forms.js';
import { kind } from '../arguments/kind.js';
import { signature } from '../arguments/signature.js';
import { ValueError } from '../errors.js';
import { absoluteFilePath } from '../path.js';
import { isRecord } from '../realm.js';
import * as kinds from '../tensor/kinds.js';

/** What is told of an epoch: numbers and texts by name, or lists and records of them. */
export type LogRecord = object;

/** Where a training tells how it goes. Any object with a `log` will do. */
export interface Logger {
  /** Takes a record; a promise is waited for. */
  log(record: LogRecord): unknown;
}

const logging = signature('record, /', {
  record: kind('a record', (value): value is LogRecord => isRecord(value)),
});
const writing = signature('path, /', { path: kinds.path });

/** A record as names and values: `metrics.accuracy` for what is within another. */
function flat(record: LogRecord, prefix = ''): [string, unknown][] {
  return Object.entries(record).flatMap(([name, value]: [string, unknown]): [string, unknown][] => {
    if (value === undefined) return [];
    return isRecord(value) ? flat(value, `${prefix}${name}.`) : [[prefix + name, value]];
  });
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(shown).join(', ')}]`;
  return typeof value === 'number' && !Number.isInteger(value) ? value.toPrecision(5) : String(value);
}

/**
 * Prints a line for each record.
 *
 * @example
 * ```ts
 * new ConsoleLogger().log({ epoch: 1, loss: 0.123456, metrics: { accuracy: 0.5 } });
 * ```
 */
export class ConsoleLogger implements Logger {
  /** Prints a record. */
  log(...args: ArgumentsOf<typeof logging>): void {
    const [record] = logging.read('ConsoleLogger.log', args);
    const fields = flat(record).map(([name, value]) => `${name} ${shown(value)}`);
    console.log(fields.join('  '));
  }
}

/** A file that lines are added to, one after the other. Folders that it needs are made. */
class Lines {
  readonly path: string;
  /** What it begins with, once it was looked at; null for a new file. */
  #first: string | null | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(op: string, path: ArgumentsOf<typeof writing>[0]) {
    this.path = absoluteFilePath(op, path);
  }

  /** @param linesOf gives what to add, from the first line of the file; null for a new file */
  add(linesOf: (first: string | null) => string[]): Promise<void> {
    const add = async () => {
      this.#first ??= await this.#begin();
      const lines = linesOf(this.#first);
      await appendFile(this.path, lines.map((line) => `${line}\n`).join(''));
      this.#first ??= lines[0]!;
    };
    const added = this.#last.then(add, add);
    this.#last = added.catch(() => {});
    return added;
  }

  /** The first line there is. What was killed while it wrote has left a part of the last one, which is ended. */
  async #begin(): Promise<string | null> {
    await mkdir(dirname(this.path), { recursive: true });
    const file = await open(this.path, 'a+');
    try {
      const text = await file.readFile('utf8');
      if (text === '') return null;
      if (!text.endsWith('\n')) await file.appendFile('\n');
      return text.split('\n', 1)[0]!;
    } finally {
      await file.close();
    }
  }
}

/** JSON has no NaN and no infinities: they are texts. */
const asJson = (_: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;

/**
 * Adds each record to a file as a line of JSON. A training that was killed and goes on may tell of its last epoch twice.
 *
 * @example
 * ```ts
 * await new JsonLogger('log.jsonl').log({ epoch: 1, loss: 0.5 });
 * ```
 */
export class JsonLogger implements Logger {
  readonly #lines: Lines;

  constructor(...args: ArgumentsOf<typeof writing>) {
    this.#lines = new Lines('JsonLogger', writing.read('JsonLogger', args)[0]);
  }

  /** Adds a record. */
  async log(...args: ArgumentsOf<typeof logging>): Promise<void> {
    const [record] = logging.read('JsonLogger.log', args);
    const line = JSON.stringify(record, asJson);
    await this.#lines.add(() => [line]);
  }
}

/**
 * Adds each record to a file of comma-separated values; the names in the first one are its columns. A training that was killed and goes on may tell of
 * its last epoch twice.
 *
 * @throws ValueError (the promise of `log` is rejected with it) for a record of other names than the file's columns
 * @example
 * ```ts
 * const logger = new CsvLogger('log.csv');
 * await logger.log({ epoch: 1, loss: 0.5 });
 * await logger.log({ epoch: 2, loss: 0.25 });
 * ```
 */
export class CsvLogger implements Logger {
  readonly #lines: Lines;

  constructor(...args: ArgumentsOf<typeof writing>) {
    this.#lines = new Lines('CsvLogger', writing.read('CsvLogger', args)[0]);
  }

  /** Adds a record. */
  async log(...args: ArgumentsOf<typeof logging>): Promise<void> {
    const [record] = logging.read('CsvLogger.log', args);
    const fields = flat(record);
    const head = fields.map(([name]) => quoted(name)).join(',');
    const line = fields
      .map(([, value]) => quoted(Array.isArray(value) ? JSON.stringify(value, asJson) : String(value)))
      .join(',');
    await this.#lines.add((first) => {
      if (first === null) return [head, line];
      if (first === head) return [line];
      throw new ValueError(
        `CsvLogger: ${this.#lines.path} has the columns ${first}, but the record has ${head}; use another file`,
      );
    });
  }
}

/** A field as RFC 4180 has it. */
const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
