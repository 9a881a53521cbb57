/*
 * How far the float32 functions are from the truth, over every float32 there is (or every n-th): the float64 function of the same input is taken for
 * the truth, and the distance is in units in the last place of float32 there.
 *
 *     npm run ulp -- [--step n] [name ...]      all functions, every input, without arguments
 *
 * Exits with 1 if a function is further off than 2 ulp, or wrong about NaN or infinity.
 */
import { parseArgs } from 'node:util';
import { backendName, tensor, ValueError } from 'nabla';
import { checkInteger } from '../lib/tensor/shape.js';

const NAMES = [
  'exp',
  'exp2',
  'expm1',
  'log',
  'log2',
  'log1p',
  'sqrt',
  'rsqrt',
  'sin',
  'cos',
  'tan',
  'asin',
  'acos',
  'atan',
  'sinh',
  'cosh',
  'tanh',
  'asinh',
  'acosh',
  'atanh',
  'sigmoid',
  'erf',
  'erfc',
] as const;
type Name = (typeof NAMES)[number];

const BLOCK = 2 ** 20;
const INPUTS = 2 ** 32;
const LIMIT = 2;
const SMALLEST_NORMAL = 2 ** -126;

interface Worst {
  readonly distance: number;
  readonly at: number;
}

/** The distance of neighbouring float32 at `value`. */
function ulpOf(value: number): number {
  const size = Math.abs(value);
  if (size < SMALLEST_NORMAL) return 2 ** -149;
  return 2 ** (Math.min(127, Math.floor(Math.log2(size))) - 23);
}

/** 0 for the nearest float32 to the truth, which is most often the case and within half a unit. */
function distance(actual: number, truth: number): number {
  const rounded = Math.fround(truth);
  if (actual === rounded || (Number.isNaN(actual) && Number.isNaN(rounded))) return 0;
  if (!Number.isFinite(actual) || !Number.isFinite(rounded)) return Number.POSITIVE_INFINITY;
  return Math.abs(actual - truth) / ulpOf(truth);
}

function worstOf(name: Name, step: number): Worst {
  const words = new Uint32Array(BLOCK);
  const inputs = new Float32Array(words.buffer);
  let worst: Worst = { distance: 0.5, at: Number.NaN };
  for (let start = 0; start < INPUTS; start += BLOCK * step) {
    for (let i = 0; i < BLOCK; i++) words[i] = start + i * step;
    const x = tensor(inputs);
    const actual = x[name]().toTypedArray();
    const truth = x.double()[name]().toTypedArray();
    for (let i = 0; i < BLOCK; i++) {
      const off = distance(actual[i]!, truth[i]!);
      if (off > worst.distance) worst = { distance: off, at: inputs[i]! };
    }
  }
  return worst;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { step: { type: 'string', default: '1' } },
});
const step = Number(values.step);
checkInteger('ulp', '--step', step, 1, INPUTS / BLOCK);
const unknown = positionals.filter((name) => !NAMES.includes(name as Name));
if (unknown.length > 0) throw new ValueError(`ulp: unknown function ${unknown.join(', ')}; known: ${NAMES.join(', ')}`);

console.log(`every ${step === 1 ? '' : `${step}th `}float32, ${backendName()} backend`);
for (const name of positionals.length > 0 ? (positionals as Name[]) : NAMES) {
  const worst = worstOf(name, step);
  const place = Number.isNaN(worst.at) ? 'everywhere' : `at ${worst.at}`;
  console.log(`${name.padEnd(8)} ${worst.distance.toFixed(3).padStart(8)} ulp ${place}`);
  if (!(worst.distance <= LIMIT)) process.exitCode = 1;
}
