import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allocate, backend, type Instruction, type Storage, type View } from '../../lib/backend/index.js';
import { execute } from '../../lib/backend/instructions.js';
import { fuse } from '../../lib/capture/fuse.js';
import { nestOf } from '../../lib/capture/nest.js';
import { areApart, writesAfterReads } from '../../lib/capture/overlap.js';
import * as e from '../../lib/expr/index.js';
import { compile, type Expr } from '../../lib/expr/index.js';

// Random lists of instructions over a few pieces of memory, run one by one and fused: every bit of the memory must be the same.

const PIECES = 4;
const LENGTH = 1 << 13;

/** The frame of every instruction of a list; a product is of a square. */
const frames = fc.tuple(fc.constantFrom(1, 2, 5, 8, 17, 33), fc.constantFrom(1, 3, 8, 16, 40, 70));

interface Place {
  readonly piece: number;
  readonly offset: number;
  /** `left` and `right` are the halves of a matrix. */
  readonly layout: 'rows' | 'columns' | 'apart' | 'left' | 'right' | 'row' | 'column' | 'one';
}

const places = (layouts: readonly Place['layout'][]) =>
  fc.record({
    piece: fc.nat(PIECES - 1),
    offset: fc.constantFrom(0, 0, 0, 1, 16),
    layout: fc.constantFrom(...layouts),
  });

const read = places(['rows', 'rows', 'rows', 'columns', 'apart', 'left', 'right', 'row', 'column', 'one']);
const written = places(['rows', 'rows', 'columns', 'apart', 'left', 'right']);

type Step =
  | { readonly op: 'map'; readonly body: number; readonly inputs: Place[]; readonly outputs: Place[] }
  | {
      readonly op: 'fold';
      readonly body: number;
      readonly axes: number[];
      readonly inputs: Place[];
      readonly outputs: Place[];
    }
  | { readonly op: 'matmul'; readonly a: Place; readonly b: Place; readonly out: Place };

const axes = fc.constantFrom<number[]>([0], [1], [0, 1]);
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('map' as const),
      body: fc.nat(6),
      inputs: fc.tuple(read, read),
      outputs: fc.tuple(written, written),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('fold' as const),
      body: fc.nat(5),
      axes,
      inputs: fc.tuple(read, read),
      outputs: fc.tuple(written, written),
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('matmul' as const), a: read, b: read, out: written }) },
);

const maps: ((x: Expr, y: Expr) => Expr[])[] = [
  (x) => [e.mul(x, 2)],
  (x, y) => [e.add(x, y)],
  (x) => [e.exp(e.neg(e.abs(x)))],
  (x, y) => [e.sub(x, y), e.mul(x, y)],
  (_, y) => [y],
  // Two negations are none: what they are of is an operand.
  (x) => [e.neg(x)],
  (x, y) => [e.mul(e.neg(x), e.add(y, 1))],
];

const folds: ((x: Expr, y: Expr) => Expr[])[] = [
  (x) => [e.rowSum(x)],
  (x, y) => [e.rowMax(e.mul(x, y))],
  (x) => [e.sub(x, e.rowMax(x))],
  (x, y) => [e.mul(e.rowSum(x), 0.01), e.add(y, e.mul(e.rowSum(x), 0.01))],
  (x) => [e.div(e.exp(e.sub(x, e.rowMax(x))), e.rowSum(e.exp(e.sub(x, e.rowMax(x)))))],
  (x) => [e.rowSum(e.expand(e.rowMax(x)))],
];

function viewOf(
  { piece, offset, layout }: Place,
  memory: readonly Storage[],
  [rows, columns]: readonly number[],
): View {
  const strides = {
    rows: [columns!, 1],
    columns: [1, rows!],
    apart: [columns! + 1, 1],
    left: [2 * columns!, 1],
    right: [2 * columns!, 1],
    row: [0, 1],
    column: [1, 0],
    one: [0, 0],
  }[layout];
  const start = layout === 'right' ? offset + columns! : offset;
  return { storage: memory[piece]!, offset: start, shape: [rows!, columns!], strides, dtype: 'float32' };
}

/** Where the elements of a view are. */
function elementsOf({ offset, shape, strides }: View): number[] {
  let found = [offset];
  shape.forEach((size, axis) => {
    found = found.flatMap((at) => Array.from({ length: size }, (_, i) => at + i * strides[axis]!));
  });
  return found;
}

function share(a: View, b: View): boolean {
  const elements = new Set(elementsOf(a));
  return a.storage === b.storage && elementsOf(b).some((one) => elements.has(one));
}

/** Instructions that a backend takes: what is written is exactly an input, or none, and by one output. */
function isAllowed(instruction: Instruction): boolean {
  const nest = nestOf(instruction)!;
  const [first, second] = nest.outputs;
  if (second !== undefined && share(first!, second)) return false;
  const outputs = nest.outputs.map(({ storage }) => storage);
  if (nest.axes === null) return writesAfterReads(nest);
  return nest.inputs.every(({ view }) => !outputs.includes(view!.storage));
}

function instructionOf(step: Step, memory: readonly Storage[], shape: readonly number[]): Instruction {
  const view = (place: Place, frame = shape) => viewOf(place, memory, frame);
  if (step.op === 'matmul') {
    const square = [shape[0]!, shape[0]!];
    return {
      op: 'matmul',
      a: view(step.a, square),
      b: view(step.b, square),
      outputs: [view(step.out, square)],
      epilogue: null,
    };
  }
  const [x, y] = [e.input(0, 'element'), e.input(1, 'element')];
  const roots = (step.op === 'map' ? maps : folds)[step.body]!(x, y);
  const program = compile({ name: step.op, compute: 'float32', inputs: ['element', 'element'], params: 0 }, roots);
  const inputs = step.inputs.map((place) => view(place));
  if (step.op === 'map') {
    return { op: 'map', program, params: [], inputs, outputs: roots.map((_, i) => view(step.outputs[i]!)) };
  }
  const outputs = roots.map((root, i) => {
    const whole = view(step.outputs[i]!);
    if (root.rate === 'element') return whole;
    const kept = shape.map((size, axis) => (step.axes.includes(axis) ? 1 : size));
    return { ...whole, shape: kept, strides: [kept[1]!, 1] };
  });
  return { op: 'fold', program, params: [], inputs, outputs, shape, axes: step.axes };
}

/** The same values in every run: neither whole nor alike, so that an order of summation shows. */
function newMemory(): Storage[] {
  return Array.from({ length: PIECES }, (_, piece) => {
    const storage = allocate('float32', LENGTH);
    storage.array('float32').forEach((_, i, all) => {
      all[i] = Math.fround(Math.sin(1 + i * 1.7 + piece * 0.3));
    });
    return storage;
  });
}

const bytesOf = (storage: Storage) => Buffer.from(storage.array('bool').slice());

describe('fused instructions', () => {
  it('leave the bits that they leave one by one', () => {
    let [given, left] = [0, 0];
    const property = fc.property(
      frames,
      fc.array(steps, { minLength: 2, maxLength: 6 }),
      fc.subarray([0, 1, 2, 3]),
      (shape, list, temporary) => {
        const build = (memory: Storage[]) => list.map((step) => instructionOf(step, memory, shape)).filter(isAllowed);
        const [plain, fused] = [newMemory(), newMemory()];
        for (const instruction of build(plain)) execute(backend, instruction);
        const instructions = build(fused);
        const isTemporary = (storage: Storage) => temporary.includes(fused.indexOf(storage));
        const result = fuse(instructions, isTemporary, () => true);
        for (const instruction of result) execute(backend, instruction);
        plain.forEach((storage, piece) => {
          if (!temporary.includes(piece)) expect(bytesOf(fused[piece]!).equals(bytesOf(storage))).toBe(true);
        });
        given += instructions.length;
        left += result.length;
      },
    );
    fc.assert(property, { seed: 20261126, numRuns: 800 });
    // It would hold of a fusion that fuses nothing.
    expect(left).toBeLessThan(0.8 * given);
  });
});

describe('views of the same memory', () => {
  const storage = allocate('float32', 1);
  const views = fc
    .tuple(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: -12, max: 12 })), { maxLength: 3 }),
      fc.integer({ min: 40, max: 80 }),
    )
    .map(([axes, offset]): View => {
      const [shape, strides] = [axes.map(([size]) => size), axes.map(([, stride]) => stride)];
      return { storage, offset, shape, strides, dtype: 'float32' };
    });

  it('are told to be apart only if they have no element in common', () => {
    let found = 0;
    const property = fc.property(views, views, (a, b) => {
      const isTold = areApart(a, b);
      if (isTold) expect(share(a, b)).toBe(false);
      if (isTold) found++;
    });
    fc.assert(property, { seed: 20261128, numRuns: 5000 });
    expect(found).toBeGreaterThan(1000);
  });

  it('are told to be apart where they are columns of a matrix, or rows', () => {
    const part = (offset: number, shape: number[], strides: number[]): View => ({
      storage,
      offset,
      shape,
      strides,
      dtype: 'float32',
    });
    expect(areApart(part(0, [4, 3], [8, 1]), part(3, [4, 5], [8, 1]))).toBe(true);
    expect(areApart(part(0, [4, 3], [8, 1]), part(2, [4, 5], [8, 1]))).toBe(false);
    expect(areApart(part(5, [2, 4, 3], [64, 8, 1]), part(0, [2, 4, 5], [64, 8, 1]))).toBe(true);
    expect(areApart(part(0, [4, 3], [3, 1]), part(12, [4, 3], [3, 1]))).toBe(true);
    expect(areApart(part(0, [4, 3], [3, 1]), part(11, [4, 3], [3, 1]))).toBe(false);
  });
});
