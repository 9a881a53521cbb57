import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  type DType,
  full,
  grad,
  gradcheck,
  gradgradcheck,
  NablaError,
  noGrad,
  Tensor,
  tensor,
} from '../../lib/index.js';
import { binary, type Call, type Row, unary } from './rows.js';

// Every elementwise function of one or two operands is tested here by being exported.

type Encoded = readonly (number | string)[];

interface Recorded {
  readonly value: Encoded;
  readonly derivatives: readonly Encoded[] | null;
}

/** See fixtures/pointwise.py. */
interface Fixture {
  readonly points: Encoded;
  readonly pairs: Encoded;
  readonly integers: Encoded;
  readonly unary: Readonly<Record<string, Recorded>>;
  readonly binary: Readonly<Record<string, Recorded>>;
  readonly types: Readonly<Record<string, Readonly<Record<string, DType | 'error'>>>>;
}

const recorded = JSON.parse(readFileSync(new URL('../fixtures/pointwise.json', import.meta.url), 'utf8')) as Fixture;

const SPECIAL: Readonly<Record<string, number>> = { nan: Number.NaN, inf: Infinity, '-inf': -Infinity, '-0': -0 };
const decode = (values: Encoded): number[] => values.map((x) => (typeof x === 'string' ? SPECIAL[x]! : x));

const isUnary = ({ name }: Row): boolean => unary.some((row) => row.name === name);

const operandOf = ({ dtype }: Row, values: readonly number[], requiresGrad = false): Tensor =>
  tensor([...values], { dtype, requiresGrad: requiresGrad && dtype === 'float64' });

const float64 = (values: readonly number[], requiresGrad = false) =>
  tensor([...values], { dtype: 'float64', requiresGrad });

/** Whether NaN is where it should be, and anything else within a few units in the last place. */
const isClose = (actual: number, expected: number, atol: number): boolean =>
  actual === expected ||
  (Number.isNaN(actual) && Number.isNaN(expected)) ||
  Math.abs(actual - expected) <= atol + 4e-15 * Math.abs(expected);

/** As near as that to a zero of digamma PyTorch is no nearer. */
const toleranceOf = (at: string): number => (/gamma/.test(at) ? 1e-15 : 1e-16);

/** Where PyTorch’s own algorithm gives up, or loses digits: what is right, by mpmath to 50 digits. */
const RIGHT: Readonly<Record<string, number>> = {
  'derivative 0 of sinc(1e-10)': -3.289868133696453e-10,
  'derivative 0 of i1(NaN)': NaN,
  'derivative 0 of i1e(NaN)': NaN,
  'derivative 0 of logNdtr(-500)': 500.0019999840003,
  'derivative 0 of logNdtr(-Infinity)': Infinity,
  'derivative 0 of erfcx(100.25)': -5.6129541245187657e-5,
  // Its trigamma has nine digits, and takes the sine of a rounded multiple of π.
  'derivative 0 of digamma(0.5)': 4.934802200544679,
  'derivative 0 of digamma(-0.5)': 8.934802200544679,
  'derivative 0 of digamma(1)': 1.6449340668482264,
  'derivative 0 of digamma(-1)': Infinity,
  'derivative 0 of digamma(1.5)': 0.9348022005446793,
  'derivative 0 of digamma(2.5)': 0.49035775610023485,
  'derivative 0 of digamma(-2.5)': 9.539246644989124,
  'derivative 0 of digamma(3)': 0.39493406684822646,
  'derivative 0 of digamma(-500)': Infinity,
};

function expectValues(actual: Tensor, expected: readonly number[], labels: readonly string[]): void {
  const values = Array.from(actual.toTypedArray(), (value, i) => {
    const at = labels[i]!;
    return { at, value, expected: RIGHT[at] ?? expected[i]! };
  });
  expect(values.filter(({ at, value, expected }) => !isClose(value, expected, toleranceOf(at)))).toEqual([]);
}

test('the recorded values are of every operation there is', () => {
  expect(Object.keys(recorded.unary).sort()).toEqual(unary.map(({ name }) => name).sort());
  expect(Object.keys(recorded.binary).sort()).toEqual(binary.map(({ name }) => name).sort());
});

describe('values and derivatives at special points are PyTorch’s', () => {
  function compare(row: Row, columns: readonly number[][], { value, derivatives }: Recorded): void {
    const { name, call } = row;
    const operands = columns.map((column) => operandOf(row, column, true));
    const labels = columns[0]!.map((_, i) => `${name}(${columns.map((column) => column[i]).join(', ')})`);
    const out = call(...operands);
    expectValues(out, decode(value), labels);
    if (derivatives === null) return;
    out.sum().backward();
    operands.forEach((operand, i) => {
      // Where nothing can flow nabla leaves no gradient, PyTorch zeros.
      const gradient = operand.grad ?? full(operand.shape, 0);
      expectValues(
        gradient,
        decode(derivatives[i]!),
        labels.map((label) => `derivative ${i} of ${label}`),
      );
    });
  }

  const pointsOf = ({ dtype }: Row, points: Encoded) => decode(dtype === 'int32' ? recorded.integers : points);
  test.each(unary)('$name', (row) => compare(row, [pointsOf(row, recorded.points)], recorded.unary[row.name]!));

  test.each(binary)('$name', (row) => {
    const pairs = pointsOf(row, recorded.pairs);
    const columns = [pairs.flatMap((a) => pairs.map(() => a)), pairs.flatMap(() => pairs)];
    compare(row, columns, recorded.binary[row.name]!);
  });
});

describe('float32 is the float64 value, rounded', () => {
  const points = [0.3, -0.7, 1.9, -2.4, 4.6, 0.01, -0.02, 7.25, 12.5].map(Math.fround);
  test.each(unary.filter(ofFloats))('$name', ({ call }) => {
    const wide = call(float64(points)).toTypedArray();
    const pairs = Array.from(call(tensor(points)).toTypedArray(), (value, i) => ({ value, expected: wide[i]! }));
    const error = (value: number, expected: number) => Math.abs(value - expected) / Math.max(Math.abs(expected), 1e-3);
    const isNear = (value: number, expected: number) => Object.is(value, expected) || error(value, expected) <= 3e-7;
    expect(pairs.filter(({ value, expected }) => !isNear(value, expected))).toEqual([]);
  });
});

/** Operands without kinks or ties, of both signs where the function takes them, within its domain otherwise. */
function smoothOperands({ call }: Pick<Row, 'call'>, ...shapes: readonly (readonly number[])[]): Tensor[] {
  const values = [
    [0.3, -0.7, 1.9, -2.3],
    [1.2, 2.6, -0.45, 3.1],
  ];
  const candidates: ((x: number) => number)[] = [
    (x) => x,
    (x) => x / 4,
    Math.abs,
    (x) => Math.abs(x) / 4,
    (x) => 1 + Math.abs(x),
  ];
  for (const candidate of candidates) {
    const operands = shapes.map((shape, i) => {
      const size = shape.reduce((product, n) => product * n, 1);
      return float64(values[i]!.slice(0, size).map(candidate)).reshape(shape).requiresGrad_();
    });
    if (
      call(...operands)
        .isfinite()
        .all()
        .item()
    )
      return operands;
  }
  throw new Error('no points where the function is finite');
}

const ofFloats = ({ dtype }: Row): boolean => dtype === 'float64';

/** Comparisons and the like have no gradient to check; that of `flat` ones is zero everywhere. */
const isSmooth = ({ call }: Row, operands: readonly Tensor[]): boolean => {
  const out = call(...operands);
  if (!out.requiresGrad) return false;
  out.sum().backward();
  return operands.some((operand) => operand.grad!.ne(0).any().item());
};

describe('gradients agree with finite differences, and theirs too', () => {
  test.each(['sign', 'floor', 'ceil', 'round', 'trunc'] as const)('that of %s is zero, not missing', (name) => {
    const x = float64([-1.3, 0.4]).requiresGrad_();
    expect(gradcheck((x) => x[name](), x)).toBe(true);
    expect(grad(x[name]().sum(), x)[0]!.toArray()).toEqual([0, 0]);
  });

  test.each(unary.filter(ofFloats))('$name', (row) => {
    const x = smoothOperands(row, [4]);
    if (!isSmooth(row, x)) return;
    expect(gradcheck(row.call, x)).toBe(true);
    expect(gradgradcheck(row.call, x)).toBe(true);
  });

  const shapes: readonly (readonly [a: readonly number[], b: readonly number[]])[] = [
    [
      [2, 2],
      [2, 2],
    ],
    [[2, 2], [2]],
    [[2], [2, 2]],
    [
      [2, 1],
      [1, 2],
    ],
    [[4], []],
    [[], [4]],
    [[1], [2, 2]],
  ];
  test.each(binary.filter(ofFloats).flatMap((row) => shapes.map(([a, b]) => ({ ...row, a, b }))))(
    '$name of $a and $b',
    (row) => {
      const operands = smoothOperands(row, row.a, row.b);
      if (!isSmooth(row, operands)) return;
      expect(gradcheck(row.call, operands)).toBe(true);
      expect(gradgradcheck(row.call, operands)).toBe(true);
    },
  );

  test.each(binary.filter(ofFloats).flatMap((row) => shapes.map(([a, b]) => ({ ...row, a, b }))))(
    '$name of $a and $b: one operand’s alone are what they are beside the other’s',
    (row) => {
      const operands = smoothOperands(row, row.a, row.b);
      if (!isSmooth(row, operands)) return;
      for (const alone of operands.keys()) {
        const one = operands.map((operand, i) =>
          operand
            .detach()
            .clone()
            .requiresGrad_(i === alone),
        );
        row
          .call(...one)
          .sum()
          .backward();
        expect(one[alone]!.grad?.toArray()).toEqual(operands[alone]!.grad?.toArray());
      }
    },
  );

  const arithmetic = binary.filter(({ name }) => ['add', 'sub', 'mul', 'div', 'pow'].includes(name));
  test.each(arithmetic)('$name with a number on either side', (row) => {
    const x = float64([0.3, 0.7, 1.9], true);
    expect(gradcheck((a) => row.call(a, 2.5), x)).toBe(true);
    expect(gradcheck((a) => row.call(2.5, a), x)).toBe(true);
    expect(gradgradcheck((a) => row.call(a, 2.5), x)).toBe(true);
    expect(gradgradcheck((a) => row.call(2.5, a), x)).toBe(true);
  });

  test.each(arithmetic)('$name of a tensor with itself', ({ call }) => {
    const [x] = smoothOperands({ call: (a) => call(a!, a!) }, [4]);
    expect(gradcheck((a) => call(a, a), x!)).toBe(true);
    expect(gradgradcheck((a) => call(a, a), x!)).toBe(true);
  });
});

describe('layouts do not change values', () => {
  const values = Float32Array.from({ length: 60 }, (_, i) => Math.sin(i) * 3);
  const base = ({ dtype }: Row) =>
    tensor(values)
      .to(dtype === 'int32' ? dtype : 'float32')
      .reshape([5, 12]);
  const another = (row: Row) =>
    tensor(values.map((x) => x * 0.7))
      .to(base(row).dtype)
      .reshape([5, 12]);
  const layouts: Readonly<Record<string, (x: Tensor) => Tensor>> = {
    transposed: (x) => x.t(),
    'every third column': (x) => x.slice(1, 1, 12, 3),
    'an inner block': (x) => x.narrow(0, 1, 3).narrow(1, 2, 7),
    'a repeated row': (x) => x.narrow(0, 2, 1).expand([4, 12]),
    'a repeated element': (x) => x.select(0, 1).select(0, 5).expand([3, 3]),
    'a 0-d view': (x) => x.select(0, 3).select(0, 4),
    'no rows': (x) => x.narrow(0, 0, 0),
    'no columns': (x) => x.narrow(1, 3, 0).t(),
  };

  describe.each(Object.keys(layouts))('%s', (layout) => {
    test.each(unary)('$name', (row) => {
      const x = layouts[layout]!(base(row));
      const expected = row.call(x.clone());
      expect(row.call(x).shape).toEqual(x.shape);
      expect(row.call(x).toTypedArray()).toEqual(expected.toTypedArray());
    });

    test.each(binary)('$name', (row) => {
      const x = layouts[layout]!(base(row));
      const y = layouts[layout]!(another(row));
      expect(row.call(x, y).toTypedArray()).toEqual(row.call(x.clone(), y.clone()).toTypedArray());
    });
  });

  test.each(binary)('$name broadcasts', (operation) => {
    const { call } = operation;
    const x = base(operation).narrow(1, 0, 4);
    const column = base(operation).narrow(1, 5, 1);
    const row = base(operation).select(0, 2).narrow(0, 3, 4);
    expect(call(x, column).toTypedArray()).toEqual(call(x, column.expand([5, 4]).clone()).toTypedArray());
    expect(call(row, x).toTypedArray()).toEqual(call(row.expand([5, 4]).clone(), x).toTypedArray());
    expect(call(column, row).shape).toEqual([5, 4]);
    expect(call(column.narrow(0, 0, 0), row).shape).toEqual([0, 4]);
  });
});

describe('the type of the result is PyTorch’s', () => {
  function operand(kind: string): Tensor | number {
    if (!Number.isNaN(Number(kind))) return Number(kind);
    const [, dtype, scalar] = /^(\w+)(\[\])?$/.exec(kind)!;
    return full(scalar === undefined ? [2] : [], 1, { dtype: dtype as DType });
  }

  const resultType = (call: Call, kinds: string): DType | 'error' => {
    try {
      return call(...kinds.split(',').map(operand)).dtype;
    } catch (error) {
      expect(error).toBeInstanceOf(NablaError);
      return 'error';
    }
  };

  test.each([...unary, ...binary])('$name', ({ name, call }) => {
    const expected = { ...recorded.types[name]! };
    for (const [kinds, dtype] of Object.entries(expected)) {
      // PyTorch has no kernel for a bool to the power of a bool,
      if (name === 'pow' && dtype === 'error') expected[kinds] = 'int32';
      // and so none for floats by a power of two of bools, though it has one for integers.
      if (name === 'ldexp' && dtype === 'error' && kinds.includes('bool')) expected[kinds] = resultType(call, kinds);
    }
    const actual = Object.fromEntries(Object.keys(expected).map((kinds) => [kinds, resultType(call, kinds)]));
    expect(actual).toEqual(expected);
  });
});

describe('in place', () => {
  type Method = (this: Tensor, ...rest: (Tensor | number)[]) => Tensor;
  const inPlace = (name: string): Method => Reflect.get(Tensor.prototype, `${name}_`) as Method;
  const rows = [...unary, ...binary].filter(({ name }) => `${name}_` in Tensor.prototype);
  const differentiable = rows.filter(ofFloats).filter((row) => {
    const x = float64([0.3, 0.6], true);
    return (isUnary(row) ? row.call(x) : row.call(x, x)).requiresGrad;
  });
  test.each(differentiable)('$name writes what the function returns, and the same gradients follow', (row) => {
    const operands = smoothOperands(row, ...(isUnary(row) ? [[4]] : [[4], [4]]));
    const flow = (apply: Call) => {
      const [first, ...others] = operands.map((operand) => operand.detach().clone().requiresGrad_());
      const out = apply(first!.mul(1), ...others);
      out
        .mul(float64([1, 2, 3, 4]))
        .sum()
        .backward();
      return [out, first!.grad, ...others.map((other) => other.grad)].map((tensor) => tensor?.toArray());
    };
    const method = inPlace(row.name);
    expect(flow((first, ...others) => method.apply(first as Tensor, others))).toEqual(flow(row.call));
  });

  // A bool tensor of conditions is 0 and 1 in a float tensor.
  test.each(rows)('$name returns the tensor itself, strided or not', (row) => {
    const whole = row.dtype === 'int32' ? [3, 9, 6, 9, 2, 9] : [0.3, 9, 0.6, 9, 0.2, 9];
    const base = operandOf(row, whole).reshape([3, 2]);
    const x = base.select(1, 0);
    const others = isUnary(row) ? [] : [operandOf(row, row.dtype === 'int32' ? [4, 2, 1] : [0.45, 2.6, 0.2])];
    const expected = row
      .call(x.clone(), ...others)
      .to(row.dtype)
      .toArray();
    expect(noGrad(() => inPlace(row.name).apply(x, others))).toBe(x);
    expect(x.toArray()).toEqual(expected);
    expect(base.select(1, 1).toArray()).toEqual([9, 9, 9]);
  });
});
