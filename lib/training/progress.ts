import type { ArgumentsOf, OptionsOf } from '../arguments/forms.js';
import { kind } from '../arguments/kind.js';
import { signature } from '../arguments/signature.js';
import * as kinds from '../tensor/kinds.js';

/** Where progress is shown: `process.stdout`, or anything alike. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  hasColors?(): boolean;
  write(text: string): unknown;
}

const stream = kind(
  'a stream to write to',
  (value): value is ProgressStream => typeof value === 'object' && value !== null && 'write' in value,
);

const showing = signature('label, total, unit, *, stream, now', {
  /** What stands before the bar, such as `epoch 2/5`. */
  label: kinds.text,
  /** How many units make the whole. */
  total: kinds.integerFrom(1),
  /** What they are called. Default: 'steps'. */
  unit: kinds.text.default('steps'),
  /** Where it is shown. Default: null, `process.stdout`. */
  stream: stream.optional(),
  /** Milliseconds on a clock that never goes back. Default: null, the system's. */
  now: kinds.callback<() => number>().optional(),
});

export interface ProgressBarOptions extends OptionsOf<typeof showing> {}

/** What is measured on the way, in the order in which it is shown: `{ loss: 0.1034, accuracy: '97.1 %' }`. Numbers are shown to four digits. */
export type Measurements = Readonly<Record<string, string | number>>;

const REDRAW_MS = 100;
const PLAIN_LINE_MS = 2000;
const MIN_BAR = 8;
const MAX_BAR = 32;

/**
 * A progress bar with measurements, speed and the time left. On a terminal it redraws one line, at most ten times a second, and gives up what does
 * not fit; elsewhere it prints a plain line every two seconds.
 *
 * @throws ValueError for options that make no sense
 * @example
 * ```ts
 * const stream = { write: (line: string) => console.log(line.trimEnd().replace(/steps.*$/, 'steps/s')) };
 * const bar = new ProgressBar('epoch 1/5', 300, { stream });
 * for (let step = 1; step <= 300; step++) bar.update(step, () => ({ loss: 1 / step }));
 * bar.finish({ loss: 0.25 });
 * ```
 */
export class ProgressBar {
  readonly #label: string;
  readonly #total: number;
  readonly #unit: string;
  readonly #stream: ProgressStream;
  readonly #now: () => number;
  readonly #start: number;
  #shown: number;

  constructor(...args: ArgumentsOf<typeof showing, ProgressBarOptions>) {
    const { label, total, unit, stream, now } = showing.named('ProgressBar', args);
    this.#label = label;
    this.#total = total;
    this.#unit = unit;
    this.#stream = stream ?? process.stdout;
    this.#now = now ?? (() => performance.now());
    this.#start = this.#now();
    this.#shown = this.#stream.isTTY ? Number.NEGATIVE_INFINITY : this.#start;
  }

  /** Tells how many units are done. Cheap to call for every batch: `measure` runs only when something is shown. */
  update(done: number, measure: () => Measurements): void {
    const now = this.#now();
    if (done === 0 || now - this.#shown < (this.#stream.isTTY ? REDRAW_MS : PLAIN_LINE_MS)) return;
    this.#shown = now;
    this.#show(done, measure(), `ETA ${clock((now - this.#start) * (this.#total / done - 1))}`);
  }

  /** Shows the whole as done, with the time it took, and goes to the next line. */
  finish(measurements: Measurements): void {
    this.#show(this.#total, measurements, clock(this.#now() - this.#start));
    if (this.#stream.isTTY) this.#stream.write('\n');
  }

  #show(done: number, measurements: Measurements, time: string): void {
    const [label, total, unit] = [this.#label, this.#total, this.#unit];
    const speed = done / Math.max(1e-3, (this.#now() - this.#start) / 1000);
    const fields = [
      ...Object.entries(measurements).map(
        ([name, value]) => `${name} ${typeof value === 'number' ? value.toPrecision(4) : value}`,
      ),
      `${Math.round(speed).toLocaleString('en')} ${unit}/s`,
      time,
    ];
    const percent = `${Math.floor((100 * done) / total)}`.padStart(3);
    if (!this.#stream.isTTY) {
      this.#stream.write(`${[`${label}: ${percent} %`, ...fields].join('  ')}\n`);
      return;
    }
    this.#stream.write(`\r${this.#line(done / total, [label], [`${percent} %`, ...fields])}\x1b[K`);
  }

  /** `before` the bar, the bar, and as many of the fields `after` it as fit; the last are given up first. */
  #line(fraction: number, before: readonly string[], after: readonly string[]): string {
    const room = (this.#stream.columns ?? 80) - 1;
    const width = (fields: readonly string[]) => [...before, ...fields].join('  ').length + 2;
    let shown = after.length;
    while (shown > 0 && width(after.slice(0, shown)) + MIN_BAR > room) shown--;
    const fields = after.slice(0, shown);
    const bar = Math.min(MAX_BAR, room - width(fields));
    if (bar < MIN_BAR) return before.join('  ').slice(0, Math.max(0, room));
    return [...before, this.#bar(fraction, bar), ...fields].join('  ');
  }

  #bar(fraction: number, width: number): string {
    const filled = Math.round(Math.min(1, fraction) * width);
    const [on, off] = ['━'.repeat(filled), '─'.repeat(width - filled)];
    return this.#stream.hasColors?.() ? `\x1b[36m${on}\x1b[90m${off}\x1b[39m` : on + off;
  }
}

/** Milliseconds as `m:ss`. */
function clock(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
