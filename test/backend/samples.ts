import {
  allocateState,
  asData,
  DONE,
  dtypes,
  type Instruction,
  type InstructionSet,
  type Op,
  ops,
  STATE_WORDS,
  Storage,
  seedState,
  stateOf,
  stateWords,
  type View,
  writesOf,
} from '../../lib/backend/index.js';
import { add, max, mul, param, rowMax, rowSum, sub } from '../../lib/expr/index.js';
import { type Layout, noise, offsetsOf, operand, valuesOf } from './operands.js';
import { programOf, singleOp } from './programs.js';

const scaled = programOf('float32', 2, (x, y) => [mul(param(0), add(x!, y!)), sub(x!, y!)], 1);
const bias = programOf('float32', 2, (x, y) => max(add(mul(param(0), x!), y!), 0), 1);
const shifted = programOf('float32', 1, (x) => [sub(x!, rowMax(x!)), rowSum(x!)]);
const sum = programOf('float32', 1, (x) => rowSum(x!));

const result = (shape: readonly number[], dtype: View['dtype'] = 'float32', layout: Layout = 'contiguous') =>
  operand(dtype, shape, [7], layout);

const a = () => operand('float32', [6, 5], noise(30), 'strided');
const b = () => operand('float32', [5, 4], noise(20, 2), 'transposed');
const batch = () => operand('float32', [3, 6, 5], noise(90), 'offset');
const index = () => operand('int32', [6, 5], [4, 0, 3, 1, 2]);

function seeded(): Storage {
  const state = allocateState();
  seedState(state, 3);
  return state;
}

/** Calls of each instruction over memory of their own, with every way in which operands are told to the native core. */
const calls: { readonly [op in Op]: () => readonly Parameters<InstructionSet[op]>[] } = {
  map: () => [
    [scaled, [0.25], [a(), operand('float32', [5], noise(5, 7))], [result([6, 5]), result([6, 5])]],
    [singleOp('neg', 'float64'), [], [operand('float64', [], [2])], [result([], 'int32')]],
    [
      singleOp('add', 'float32'),
      [],
      [operand('float32', [9], noise(9)), operand('float32', [9], noise(9))],
      [result([9])],
    ],
  ],
  fold: () => [
    [shifted, [], [a()], [result([6, 5]), result([6, 1])], [6, 5], [1]],
    [sum, [], [batch()], [result([1, 1, 1])], [3, 6, 5], [0, 1, 2]],
  ],
  matmul: () => [
    [a(), b(), [result([6, 4], 'float32', 'transposed')], null],
    [batch(), b(), [result([3, 6, 4])], { program: bias, params: [2], inputs: [operand('float32', [4], noise(4, 9))] }],
  ],
  convolve: () => [
    [
      operand('float32', [2, 4, 5, 6], noise(240), 'strided'),
      operand('float32', [6, 2, 2, 3], noise(72, 2), 'transposed'),
      [result([2, 6, 4, 3])],
      { stride: [1, 2], dilation: [2, 1], before: [1, 1] },
      null,
    ],
    [
      operand('float64', [2, 3, 7], noise(42)),
      operand('float64', [2, 3, 3], noise(18, 2)),
      [result([2, 2, 7], 'float64')],
      { stride: [1], dilation: [1], before: [1] },
      {
        program: programOf('float64', 2, (x, y) => add(x!, y!)),
        params: [],
        inputs: [operand('float64', [2, 1], noise(2, 9))],
      },
    ],
  ],
  convolveWeight: () => [
    [
      operand('float64', [2, 4, 5, 6], noise(240), 'strided'),
      result([6, 2, 2, 3], 'float64', 'transposed'),
      operand('float64', [2, 6, 4, 3], noise(144, 3), 'transposed'),
      { stride: [1, 2], dilation: [2, 1], before: [1, 1] },
    ],
  ],
  maxPool: () => [
    [
      operand('float32', [2, 3, 5, 6], noise(180), 'strided'),
      result([2, 3, 3, 3]),
      result([2, 3, 3, 3], 'int32', 'transposed'),
      [2, 3],
      { stride: [2, 2], dilation: [1, 2], before: [1, 2] },
    ],
    [
      operand('int32', [1, 2, 7], [3, 1, 2]),
      result([1, 2, 3], 'int32'),
      result([1, 2, 3], 'int32'),
      [2],
      { stride: [2], dilation: [1], before: [0] },
    ],
  ],
  gather: () => [[result([6, 5]), a(), index(), 1]],
  scatter: () => [
    [result([6, 5]), index(), a(), 0, 'add'],
    [result([6, 5], 'float32', 'transposed'), index(), a(), 1, 'set'],
    [result([6, 5]), index(), a(), 0, 'mul'],
    [result([6, 5]), index(), a(), 1, 'amax'],
    [result([6, 5]), index(), a(), 0, 'amin'],
  ],
  scan: () => [
    ['cumsum', [a()], [result([6, 5])], 0],
    ['cumprod', [operand('float64', [3, 2, 4], noise(24), 'transposed')], [result([3, 2, 4], 'float64', 'strided')], 1],
    [
      'cummax',
      [operand('int32', [4, 3], [1, 5, 5, 2, 7, 0], 'offset')],
      [result([4, 3], 'int32'), result([4, 3], 'int32')],
      0,
    ],
    ['cummin', [operand('bool', [5], [1, 1, 0])], [result([5], 'bool', 'strided'), result([5], 'int32')], 0],
    ['logcumsumexp', [a()], [result([6, 5], 'float32', 'transposed')], 1],
    ['linear', [a(), operand('float32', [6, 5], noise(30, 3))], [result([6, 5])], 1],
    ['cumsum', [operand('int32', [4], [1, 2, 3])], [result([4], 'int32')], 0],
  ],
  sort: () => [
    [result([6, 5]), result([6, 5], 'int32', 'transposed'), a(), 0, 'ascending'],
    [result([70], 'int32', 'strided'), result([70], 'int32'), operand('int32', [70], [3, -1, 2]), 0, 'descending'],
    [result([6, 2]), result([6, 2], 'int32', 'transposed'), a(), 1, 'descending'],
  ],
  factor: () => [
    ['qr', [operand('float64', [2, 4, 3], noise(24), 'transposed')], [result([2, 4, 3]), result([2, 3], 'float64')]],
    [
      'lu',
      [operand('float32', [3, 5], noise(15), 'strided')],
      [result([3, 5], 'float32', 'transposed'), result([3], 'int32'), result([], 'int32')],
    ],
    ['order', [operand('int32', [2, 3], [2, 5, 3, 1, 3, 5])], [result([2, 5], 'int32', 'strided')]],
    ['upper', [operand('float32', [4, 4], noise(16)), operand('float32', [4, 2], noise(8))], [result([4, 2])]],
  ],
  random: () => [
    ['normal', seeded(), result([40]), 1, 2],
    ['bernoulli', seeded(), result([9], 'bool', 'offset'), 0.5, 0],
  ],
  check: () => [[operand('float64', [1], [0], 'offset')]],
  collective: () => [
    ['sum', 0, 0, true, [operand('float32', [2, 3], noise(6)), operand('float32', [4], noise(4))]],
    ['gather', 1, 0, false, [operand('int32', [5], [1, 2, 3, 4, 5])]],
  ],
  settle: () => [[0, [operand('float32', [2, 3], noise(6))]]],
};

/** The calls of one instruction as data, over new memory each time. */
export function samplesOf<O extends Op>(op: O): Instruction[] {
  const found: Instruction[] = [];
  const note = asData((instruction) => {
    found.push(instruction);
    return DONE;
  })[op] as (...values: readonly unknown[]) => number;
  for (const values of calls[op]()) note(...values);
  return found;
}

export const allSamples = (): Instruction[] => ops.flatMap(samplesOf);

/** All memory that an instruction names, whatever its row says. */
export function memoryOf(value: object, found: Storage[] = []): Storage[] {
  if (value instanceof Storage) {
    if (!found.includes(value)) found.push(value);
    return found;
  }
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) memoryOf(part, found);
  return found;
}

export const bytesOf = (storage: Storage): Uint8Array => storage.array('bool') as Uint8Array;

/** What an instruction leaves behind: what it wrote, and the state that it advanced. */
export function outcomeOf(instruction: Instruction): { readonly values: number[][]; readonly state: number[] | null } {
  const state = stateOf(instruction);
  return {
    values: writesOf(instruction).map((view) => valuesOf(view)),
    state: state === null ? null : [...stateWords(state).subarray(0, STATE_WORDS)],
  };
}

/** Which bytes of a storage belong to elements of these views. */
export function bytesIn(views: readonly View[], storage: Storage): Set<number> {
  const own = views.filter((view) => view.storage === storage);
  return new Set(
    own.flatMap((view) => {
      const { size } = dtypes[view.dtype];
      return offsetsOf(view, view.shape).flatMap((offset) => Array.from({ length: size }, (_, i) => offset * size + i));
    }),
  );
}
