import { Tensor } from 'nabla';
import { numbers } from '../recorded.js';
import type { Output, Results } from './program.js';

// Results against what PyTorch computed in double and single precision: tolerances are some fifty times what rounding alone does to a program.

/** A tensor in brief. */
interface Brief {
  readonly shape: readonly number[];
  readonly first: readonly number[];
  readonly sum: number;
  readonly norm: number;
  /** Null where rounding decides what it is. */
  readonly tolerance: number | null;
}

export interface Recorded {
  readonly losses: readonly number[];
  readonly tolerance: number;
  /** Larger tolerances, where they are fair. */
  readonly loose_steps: Readonly<Record<number, number>>;
  readonly finals: Readonly<Record<string, Brief>>;
  readonly outputs: Readonly<Record<string, Output>>;
  readonly outputs_tolerance: Readonly<Record<string, number | null>>;
  readonly lrs: readonly number[] | null;
}

const isNear = (a: number | undefined, b: number, scale: number, tolerance: number): boolean =>
  a !== undefined && (Object.is(a, b) || Math.abs(a - b) <= tolerance * Math.max(Math.abs(b), scale));

/** All that differs, in words. */
export function* differences(got: Results, want: Recorded): Iterable<string> {
  const scale = 1e-3 * Math.max(...want.losses.map(Math.abs));
  if (got.losses.length !== want.losses.length) yield `${got.losses.length} losses, expected ${want.losses.length}`;
  for (const [i, loss] of want.losses.entries()) {
    const tolerance = Math.max(want.tolerance, want.loose_steps[i] ?? 0);
    if (!isNear(got.losses[i], loss, scale, tolerance)) yield `loss ${i} is ${got.losses[i]}, expected ${loss}`;
  }
  for (const [name, brief] of Object.entries(want.finals)) yield* inBrief(name, got.finals[name], brief);
  for (const [name, output] of Object.entries(want.outputs)) {
    const tolerance = want.outputs_tolerance[name] ?? null;
    if (tolerance !== null) yield* inOutput(name, got.outputs[name], output, 1e-2 * (largest(output) || 1), tolerance);
  }
  for (const [i, lr] of (want.lrs ?? []).entries()) {
    if (!isNear(got.lrs?.[i], lr, 1e-12, 1e-6)) yield `rate ${i} is ${got.lrs?.[i]}, expected ${lr}`;
  }
}

function* inBrief(name: string, got: Tensor | undefined, want: Brief): Iterable<string> {
  if (got === undefined || want.tolerance === null) {
    if (got === undefined) yield `${name} is missing`;
    return;
  }
  const values = numbers(got);
  const count = want.shape.reduce((a, b) => a * b, 1);
  if (`${got.shape}` !== `${want.shape}`) yield `${name} has shape [${got.shape}], expected [${want.shape}]`;
  const typical = Math.max(want.norm / Math.sqrt(count), 1e-5);
  for (const [i, value] of want.first.entries()) {
    if (!isNear(values[i], value, typical, want.tolerance)) yield `${name}[${i}] is ${values[i]}, expected ${value}`;
  }
  const sum = values.reduce((a, b) => a + b, 0);
  if (!isNear(sum, want.sum, typical * Math.sqrt(count), want.tolerance))
    yield `${name} has sum ${sum}, expected ${want.sum}`;
  const norm = Math.hypot(...values);
  if (!isNear(norm, want.norm, 1e-5, want.tolerance)) yield `${name} has norm ${norm}, expected ${want.norm}`;
}

const isList = (output: Output): output is readonly Output[] => Array.isArray(output);

const isRecord = (output: Output): output is Readonly<Record<string, Output>> =>
  typeof output === 'object' && !isList(output) && !(output instanceof Tensor);

const partsOf = (output: Output): readonly Output[] =>
  isList(output) ? output : isRecord(output) ? Object.values(output) : [];

const largest = (output: Output): number =>
  typeof output === 'number' ? Math.abs(output) : Math.max(0, ...partsOf(output).map(largest));

function* inOutput(
  name: string,
  output: Output | undefined,
  want: Output,
  scale: number,
  tolerance: number,
): Iterable<string> {
  const got = output instanceof Tensor ? (output.toArray() as Output) : output;
  if (isList(want)) {
    if (got === undefined || !isList(got) || got.length !== want.length)
      yield `${name} is ${String(got)}, expected ${want}`;
    else for (const [i, one] of want.entries()) yield* inOutput(`${name}[${i}]`, got[i], one, scale, tolerance);
    return;
  }
  if (isRecord(want)) {
    for (const [key, one] of Object.entries(want))
      yield* inOutput(
        `${name}.${key}`,
        got !== undefined && isRecord(got) ? got[key] : undefined,
        one,
        scale,
        tolerance,
      );
    return;
  }
  const isSame =
    typeof got === 'number' && typeof want === 'number' ? isNear(got, want, scale, tolerance) : got === want;
  if (!isSame) yield `${name} is ${String(got)}, expected ${String(want)}`;
}
