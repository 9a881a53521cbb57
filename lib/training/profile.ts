import { inspect } from 'node:util';
import { define } from '../arguments/define.js';
import type { OptionsOf, RestOf } from '../arguments/forms.js';
import { kind } from '../arguments/kind.js';
import { signature } from '../arguments/signature.js';
import { type Captured, capturedFunctionOf } from '../capture/capture.js';
import { count } from '../capture/print.js';
import { type Profiled, profiled } from '../capture/profiled.js';
import type { Place } from '../capture/watch.js';
import { writeFileAtomic } from '../io/atomic.js';
import { absoluteFilePath, type Path } from '../path.js';
import * as kinds from '../tensor/kinds.js';

type AnyCaptured = Captured<never[], unknown>;

const profiling = signature('step, args, /, *, steps', {
  step: kind('a captured function', (value): value is AnyCaptured => capturedFunctionOf(value) !== undefined),
  args: kind('the array of its arguments', (value): value is readonly unknown[] => Array.isArray(value)),
  /** How many steps are measured. Default: 20. */
  steps: kinds.integerFrom(1).default(20),
});

export interface ProfileOptions extends OptionsOf<typeof profiling> {}

/** What is to say of an instruction of a program. */
export interface InstructionProfile {
  /** What it does: `matmul`, `map add, relu`. */
  readonly name: string;
  /** Its operands, as a printed program has them. */
  readonly operands: string;
  /** What it is for: paths of modules from the outermost that was called, and classes of optimizers; empty for what is outside of all. */
  readonly modules: readonly string[];
  /** Of the steps' times the one in the middle, in milliseconds. */
  readonly milliseconds: number;
  /** Bytes that it moves at least. */
  readonly bytes: number;
  /** Floating-point operations. */
  readonly flops: number;
}

/** How long the instructions for one module take. */
export interface ModuleProfile {
  /** The path of a module, or the class of an optimizer; empty for what is outside of all. */
  readonly name: string;
  readonly phase: 'forward' | 'backward' | 'update';
  /** In milliseconds. Of an instruction for several, each has an equal share. */
  readonly milliseconds: number;
}

/** An event of a trace: a complete one (`X`), or what a track is called (`M`). */
export interface TraceEvent {
  readonly name: string;
  readonly ph: 'X' | 'M';
  readonly pid: number;
  readonly tid: number;
  /** When it began, in microseconds. */
  readonly ts?: number;
  /** How long it took, in microseconds. */
  readonly dur?: number;
  readonly cat?: string;
  readonly args: Readonly<Record<string, string | number>>;
}

/**
 * What `profile` finds; printed, tables of modules and of the slowest instructions.
 *
 * @example
 * ```ts
 * import { capture, rand, type Tensor } from 'nabla';
 * import { profile } from 'nabla/training';
 *
 * console.log(profile(capture((x: Tensor) => x.exp().sum()), [rand([100, 100])]));
 * ```
 */
export interface StepProfile {
  /** In the order in which they run. */
  readonly instructions: readonly InstructionProfile[];
  /** The slowest first. */
  readonly modules: readonly ModuleProfile[];
  /** How many steps were measured. */
  readonly steps: number;
  /** What the instructions take together, in milliseconds. */
  readonly milliseconds: number;
  /** What a call of the function takes, in milliseconds. */
  readonly callMilliseconds: number;
  /** The tables. */
  toString(): string;
  /** The events of all steps, in Chrome's format. */
  toTrace(): { readonly traceEvents: readonly TraceEvent[]; readonly displayTimeUnit: 'ms' };
  /** Writes the trace to a file, for chrome://tracing or https://ui.perfetto.dev. */
  saveTrace(path: Path): Promise<void>;
}

/** How many instructions the table has. */
const SLOWEST = 20;

/** The longest texts of the table. */
const WIDEST = 44;

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

const nameOf = ({ name, phase }: Place): string => (phase === 'backward' ? `${name} backward`.trimStart() : name);

const cut = (text: string): string => (text.length > WIDEST ? `${text.slice(0, WIDEST - 1)}…` : text);

class Found implements StepProfile {
  readonly instructions: readonly InstructionProfile[];
  readonly modules: readonly ModuleProfile[];
  readonly steps: number;
  readonly milliseconds: number;
  readonly callMilliseconds: number;
  readonly #profiled: Profiled;

  constructor(found: Profiled) {
    const times = found.instructions.map((_, i) => median(found.runs.map(({ durations }) => durations[i]!)));
    this.#profiled = found;
    this.instructions = found.instructions.map(({ title, operands, bytes, flops }, i) => {
      const modules = found.places[i]!.map(nameOf).filter((name) => name !== '');
      return { name: title, operands, modules, milliseconds: times[i]!, bytes, flops };
    });
    this.modules = byModule(found.places, times);
    this.steps = found.runs.length;
    this.milliseconds = times.reduce((sum, time) => sum + time, 0);
    this.callMilliseconds = median(found.replays);
  }

  toString(): string {
    const { where } = this.#profiled;
    const head = `${where}: ${time(this.callMilliseconds)} a call, ${time(this.milliseconds)} in ${this.instructions.length} instructions (of ${this.steps} steps, the middle)`;
    return [head, '', this.#modulesTable(), '', this.#instructionsTable()].join('\n');
  }

  [inspect.custom](): string {
    return this.toString();
  }

  toTrace() {
    const { runs } = this.#profiled;
    const origin = runs[0]?.starts[0] ?? 0;
    const called = (tid: number, name: string): TraceEvent => ({
      name: 'thread_name',
      ph: 'M',
      pid: 1,
      tid,
      args: { name },
    });
    const events = runs.flatMap(({ starts, durations }, step) => {
      const at = (i: number) => ({ ts: (starts[i]! - origin) * 1000, dur: durations[i]! * 1000 });
      return [...this.#stepEvent(step, at), ...this.#moduleEvents(at), ...this.#instructionEvents(at)];
    });
    const names = [called(1, 'steps'), called(2, 'modules'), called(3, 'instructions')];
    return { traceEvents: [...names, ...events], displayTimeUnit: 'ms' as const };
  }

  async saveTrace(path: Path): Promise<void> {
    const bytes = new TextEncoder().encode(JSON.stringify(this.toTrace()));
    await writeFileAtomic('saveTrace', absoluteFilePath('saveTrace', path), [bytes]);
  }

  #share(milliseconds: number): string {
    return `${this.milliseconds === 0 ? 0 : Math.round((100 * milliseconds) / this.milliseconds)} %`;
  }

  #modulesTable(): string {
    const rows = this.modules.map(({ name, phase, milliseconds }) => [
      cut(name === '' ? '(outside of modules)' : name),
      phase,
      time(milliseconds),
      this.#share(milliseconds),
    ]);
    return table(['module', 'phase', 'time', 'share'], rows, 2);
  }

  #instructionsTable(): string {
    const numbered = this.instructions.map((one, i) => ({ ...one, i }));
    const slowest = numbered.sort((a, b) => b.milliseconds - a.milliseconds).slice(0, SLOWEST);
    const rows = slowest.map(({ i, name, modules, milliseconds, bytes, flops }) => [
      `${i} ${cut(name)}`,
      cut(modules.join(', ')),
      time(milliseconds),
      this.#share(milliseconds),
      rate(bytes, milliseconds, 'B/s'),
      rate(flops, milliseconds, 'flop/s'),
    ]);
    const all = table(['instruction', 'for', 'time', 'share', '', ''], rows, 2);
    const others = this.instructions.length - slowest.length;
    return others <= 0 ? all : `${all}\n… and ${others} others`;
  }

  #stepEvent(step: number, at: (i: number) => { ts: number; dur: number }): TraceEvent[] {
    if (this.instructions.length === 0) return [];
    const [first, last] = [at(0), at(this.instructions.length - 1)];
    const dur = last.ts + last.dur - first.ts;
    return [{ name: `step ${step}`, ph: 'X', pid: 1, tid: 1, ts: first.ts, dur, args: {} }];
  }

  /** Instructions in a row for the same modules are one event. */
  #moduleEvents(at: (i: number) => { ts: number; dur: number }): TraceEvent[] {
    const labels = this.instructions.map(({ modules }) => modules.join(', '));
    const starts = labels.flatMap((label, i) => (label === labels[i - 1] ? [] : [i]));
    return starts.flatMap((start, i) => {
      const end = (starts[i + 1] ?? labels.length) - 1;
      const { ts } = at(start);
      const dur = at(end).ts + at(end).dur - ts;
      return labels[start] === ''
        ? []
        : [{ name: labels[start]!, ph: 'X' as const, pid: 1, tid: 2, ts, dur, args: {} }];
    });
  }

  #instructionEvents(at: (i: number) => { ts: number; dur: number }): TraceEvent[] {
    return this.instructions.map(({ name, operands, modules, bytes, flops }, i) => {
      const args = { operands, modules: modules.join(', '), bytes, flops };
      return { name, ph: 'X', pid: 1, tid: 3, ...at(i), cat: name.split(' ', 1)[0]!, args };
    });
  }
}

function byModule(places: readonly (readonly Place[])[], times: readonly number[]): ModuleProfile[] {
  const sums = new Map<string, { name: string; phase: Place['phase']; milliseconds: number }>();
  for (const [i, of] of places.entries()) {
    for (const { name, phase } of of) {
      const sum = sums.get(`${phase} ${name}`) ?? { name, phase, milliseconds: 0 };
      sum.milliseconds += times[i]! / of.length;
      sums.set(`${phase} ${name}`, sum);
    }
  }
  return [...sums.values()].sort((a, b) => b.milliseconds - a.milliseconds);
}

function time(milliseconds: number): string {
  if (milliseconds >= 1) return `${milliseconds.toFixed(2)} ms`;
  return `${(milliseconds * 1000).toFixed(1)} µs`;
}

/** Of what takes no time that can be told, nothing. */
const rate = (amount: number, milliseconds: number, unit: string): string =>
  amount === 0 || milliseconds === 0 ? '' : `${count((amount / milliseconds) * 1000)}${unit}`;

/** Columns from `numbers` on are numbers, and stand at the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[], numbers: number): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (i < numbers ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ');
  return all.map((row) => line(row).trimEnd()).join('\n');
}

/**
 * How long each instruction of a captured function takes, and for which modules it is: forward and backward by the module that the operation was
 * called in, updates by the optimizer. `saveTrace` writes a timeline of all steps that chrome://tracing and Perfetto show.
 *
 * The function is called for real, as many times as `steps` says twice over, and some times before: what it changes is changed, such as weights that
 * are trained. It is recorded anew for this, so that functions which nobody profiles have nothing to keep for it. Each instruction is a call of its
 * own here, whose time is taken away; `callMilliseconds` is what a call of the whole takes.
 *
 * An instruction that is merged of several is for several modules; it then counts as an equal share for each.
 *
 * @param step what `capture` made
 * @param args what to call it with
 * @throws ValueError for what is no captured function; CaptureError within a captured function, and where each call is recorded again; what the
 * function throws
 * @example
 * ```ts
 * import { capture, nn, optim, randn, type Tensor } from 'nabla';
 * import { profile } from 'nabla/training';
 *
 * const model = new nn.Sequential(new nn.Linear(8, 16), new nn.ReLU(), new nn.Linear(16, 1));
 * const adam = new optim.Adam(model.parameters());
 * const step = capture((x: Tensor) => {
 *   adam.zeroGrad();
 *   const loss = model.forward(x).square().mean();
 *   loss.backward();
 *   adam.step();
 *   return loss;
 * });
 * const found = profile(step, [randn([32, 8])], { steps: 5 });
 * const first = found.instructions[0]!;
 * [first.name.startsWith('matmul'), first.modules]; // [true, ['Sequential.0', 'Sequential.1']]
 * found.modules.some(({ name, phase }) => name === 'Adam' && phase === 'update'); // true
 * await found.saveTrace('step.json');
 * ```
 */
export const profile = define('profile', profiling, (step, args, steps) => {
  return new Found(profiled('profile', step, args, steps));
}) as <A extends unknown[]>(
  step: Captured<A, unknown>,
  args: A,
  ...options: RestOf<typeof profiling, ProfileOptions>
) => StepProfile;
