import { describe, expect, it } from 'vitest';
import type { Backend } from '../../lib/backend/backend.js';
import { type ComputeType, type DType, isBool, isFloat } from '../../lib/backend/dtype.js';
import { factorKinds } from '../../lib/backend/js/factor.js';
import { createJsBackend } from '../../lib/backend/js/js.js';
import { scanKinds } from '../../lib/backend/js/scan.js';
import { sortOrders } from '../../lib/backend/js/sort.js';
import { type Fold, foldNames, type MicroOp, microOpNames, microOps } from '../../lib/backend/micro-ops.js';
import { DONE, MISFIT } from '../../lib/backend/outcome.js';
import type { Program } from '../../lib/backend/program.js';
import { openNativeBackend } from '../../lib/backend/select.js';
import { sizeOf, type View } from '../../lib/backend/view.js';
import {
  add,
  div,
  type Expr,
  exp,
  expand,
  max,
  mul,
  param,
  position,
  rowArgmax,
  rowArgmin,
  rowMax,
  rowMin,
  rowProd,
  rowSum,
  square,
  sub,
} from '../../lib/expr/index.js';
import { factored } from './factors.js';
import { type Layout, layouts, noise, operand, specialValues, valuesOf } from './operands.js';
import { programOf, singleOp } from './programs.js';

/** Every tail of vectors that are taken four at a time, and of twice as much. */
const LENGTHS = [...Array(70).keys(), 95, 96, 97, 127, 128, 129, 130];

/** The native core must say what the plain TypeScript says. */
describe('native against js', () => {
  const native = openNativeBackend();
  const js = createJsBackend();

  /** Runs `act` on each backend over operands of its own, and compares what is in the operands it returns. */
  function compare(tolerance: Tolerance, act: (backend: Backend) => readonly View[]): void {
    const expected = act(js);
    act(native).forEach((view, i) => {
      const values = valuesOf(expected[i]!);
      expect(firstDifference(valuesOf(view), values, tolerance)).toBeUndefined();
    });
  }

  describe('map', () => {
    const scalarOps = microOpNames.filter((op) => microOps[op].arity > 0 && op !== 'expand');

    it.each(scalarOps)('%s of special values', (op) => {
      for (const compute of computeTypes) {
        compare(toleranceOf(op, compute), (backend) => {
          const inputs = specialOperands(op, compute);
          const out = operand(compute, inputs[0]!.shape, [0]);
          backend.map(singleOp(op, compute), [], inputs, [out]);
          return [out];
        });
      }
    });

    it.each(scalarOps)('%s of 0 to 130 elements', (op) => {
      for (const compute of computeTypes) {
        for (const length of LENGTHS) {
          compare(toleranceOf(op, compute), (backend) => {
            const inputs = operandsOf(op, compute, [length], 'contiguous');
            const out = operand(compute, [length + 3], [0]);
            backend.map(singleOp(op, compute), [], inputs, [{ ...out, shape: [length] }]);
            return [out];
          });
        }
      }
    });

    it.each(scalarOps)('%s of any layout', (op) => {
      for (const layout of layouts) {
        for (const outLayout of layouts) {
          compare(toleranceOf(op, 'float32'), (backend) => {
            const inputs = operandsOf(op, 'float32', [7, 1, 67], layout);
            const out = operand('float32', [7, 1, 67], [0], outLayout);
            backend.map(singleOp(op, 'float32'), [], inputs, [out]);
            return [out];
          });
        }
      }
    });

    it.each([
      [[40, 50], [50]],
      [
        [40, 50],
        [40, 1],
      ],
      [[40, 50], []],
      [
        [3, 4, 5, 6],
        [4, 1, 6],
      ],
      [
        [3, 4, 5, 6],
        [1, 4, 5, 1],
      ],
      [
        [2, 1, 3, 1, 2, 1, 3, 2],
        [3, 1, 2, 1, 1, 2],
      ],
      [[3000, 2], [2]],
      [
        [2, 3000],
        [2, 1],
      ],
      [[1, 1], [1]],
      [[0, 5], [5]],
    ])('broadcasting %j and %j', (shape, other) => {
      for (const compute of computeTypes) {
        for (const layout of layouts) {
          compare(exact, (backend) => {
            const a = operand(compute, shape, noise(500), layout);
            const b = operand(compute, other, noise(500, 5), layout);
            const out = operand(compute, shape, [0]);
            backend.map(singleOp('sub', compute), [], [b, a], [out]);
            return [out];
          });
        }
      }
    });

    it('converts every type to every type', () => {
      for (const from of dtypeNames) {
        for (const to of dtypeNames) {
          for (const compute of computeTypes) {
            for (const layout of layouts) {
              compare(exact, (backend) => {
                const input = operand(from, [9, 15], [-2.7, -1, -0, 0, 0.3, 1, 2.7, 100], layout);
                const out = operand(to, [9, 15], [0], layout);
                backend.map(singleOp('copy', compute), [], [input], [out]);
                return [out];
              });
            }
          }
        }
      }
    });

    it('says where a value does not fit int32, and stores 0 there', () => {
      const values = [2147483647.5, -2147483648.5, 2 ** 31, -(2 ** 31) - 1, 1e300, Number.NaN, -Infinity, 1.9, -0.5];
      for (const compute of computeTypes) {
        for (const layout of layouts) {
          for (let first = 0; first < values.length; first++) {
            const found = new Set<number>();
            compare(exact, (backend) => {
              const input = operand('float64', [7, 200], [1, 2, 3], layout);
              input.storage.array('float64')[input.offset] = values[first]!;
              const out = operand('int32', [7, 200], [0], layout);
              found.add(backend.map(singleOp('copy', compute), [], [input], [out]));
              return [out];
            });
            const value = compute === 'float32' ? Math.fround(values[first]!) : values[first]!;
            expect([...found]).toEqual([value > -2147483649 && value < 2147483648 ? DONE : MISFIT]);
          }
        }
      }
    });

    it.each<[shape: number[], axes: number[]]>([
      [[3, 5], [1]],
      [[3, 5], [0]],
      [[2, 5000], [1]],
      [[5000, 3], [0]],
      [[5000], [0]],
      [[0, 3], [0]],
    ])('a fold over %j, axes %j says so too', (shape, axes) => {
      const program = programOf('float64', 1, (x) => [rowSum(x!), add(x!, 0)]);
      for (const largest of [1, 2 ** 31 - 1]) {
        const found = new Set<number>();
        compare(exact, (backend) => {
          const input = operand('int32', shape, [0]);
          input.storage.array('int32').fill(largest, 0, Math.min(6, sizeOf(shape)));
          const outputs = [operand('int32', keptShape(shape, axes), [0]), operand('int32', shape, [0])];
          found.add(backend.fold(program, [], [input], outputs, shape, axes));
          return outputs;
        });
        expect([...found]).toEqual([largest > 1 && sizeOf(shape) > 0 ? MISFIT : DONE]);
      }
    });

    it('stores every nonzero value, and NaN, as true', () => {
      for (const compute of computeTypes) {
        compare(exact, (backend) => {
          const out = operand('bool', [specialValues.length], [0]);
          backend.map(singleOp('copy', compute), [], [operand('float64', out.shape, specialValues)], [out]);
          return [out];
        });
      }
    });

    // A product is made with the sum that alone reads it; the others are read twice, are results, or have factors that change before.
    const sums: Readonly<Record<string, (x: Expr, y: Expr, z: Expr) => Expr[]>> = {
      'a product and more': (x, y, z) => [add(mul(x, y), z)],
      'more and a product': (x, y, z) => [add(z, mul(x, y))],
      'a product less something': (x, y, z) => [sub(mul(x, y), z)],
      'something less a product': (x, y, z) => [sub(z, mul(x, y))],
      'two products': (x, y, z) => [add(mul(x, y), mul(y, z))],
      'a product twice': (x, y) => [add(mul(x, y), mul(x, y))],
      'a product of itself and its sum': (x, y, z) => [add(mul(x, y), max(mul(x, y), 0)), z],
      'a product that is a result': (x, y, z) => [mul(x, y), sub(z, mul(x, y))],
      'a result between a product and its sum': (x, y, z) => [add(mul(x, y), max(z, 0)), max(z, 0)],
      'a sum of one value': (x, y, z) => [add(mul(x, param(0)), 0.1), sub(mul(param(1), z), y), y],
      'results where factors are': (x, y, z) => [max(x, 0), add(mul(x, y), z), sub(x, mul(y, param(0)))],
    };
    it.each(Object.entries(sums))('%s, in place too', (_, body) => {
      for (const compute of computeTypes) {
        const program = programOf(compute, 3, (x, y, z) => body(x!, y!, z!), 2);
        for (const shape of [[1], [15], [1000], [5, 191], [3, 1111]]) {
          for (const inPlace of [false, true]) {
            compare(exact, (backend) => {
              const inputs = [1, 2, 3].map((seed) => operand(compute, shape, noise(999, seed)));
              const scalar = { ...inputs[2]!, strides: shape.map(() => 0) };
              const outputs = program.outputs.map((_, i) => (inPlace ? inputs[i]! : operand(compute, shape, [0])));
              backend.map(program, [0.3, 0.7], inputs, outputs);
              const more = program.outputs.map(() => operand(compute, shape, [0]));
              backend.map(program, [0.3, 0.7], [inputs[0]!, inputs[1]!, scalar], more);
              return [...outputs, ...more];
            });
          }
        }
      }
    });

    it('writes several outputs, in place where an output is an input', () => {
      for (const compute of computeTypes) {
        const program = programOf(
          compute,
          3,
          (p, g, v) => {
            const velocity = add(mul(param(0), v!), g!);
            return [sub(p!, mul(param(1), velocity)), velocity];
          },
          2,
        );
        for (const shape of [[1], [31], [1024], [5, 191], [5, 192], [3, 1111], [50_000]]) {
          for (const layout of layouts) {
            compare(exact, (backend) => {
              const make = (seed: number) => operand(compute, shape, noise(999, seed), layout);
              const [p, g, v] = [make(1), make(2), make(3)];
              backend.map(program, [0.5, 0.25], [p, g, v], [p, v]);
              return [p, v];
            });
          }
        }
      }
    });
  });

  describe('fold', () => {
    const shapes: readonly (readonly [number[], number[]])[] = [
      [[], []],
      [
        [1, 1],
        [0, 1],
      ],
      [[67], [0]],
      [[7, 67], [1]],
      [[67, 7], [0]],
      [
        [7, 67],
        [0, 1],
      ],
      [[5, 30, 40], [1]],
      [
        [5, 30, 40],
        [0, 2],
      ],
      [
        [5, 30, 40],
        [0, 1],
      ],
      [
        [5, 30, 40],
        [1, 2],
      ],
      [
        [3, 4, 5, 6, 7],
        [1, 3],
      ],
      [[2000, 3], [1]],
      [[3, 2000], [1]],
      [[2000, 3], [0]],
      [[3, 2000], [0]],
      [[70_001], [0]],
      [[70_001, 2], [0]],
      [[100, 500], [0]],
      [[0, 4], [0]],
      [[4, 0], [1]],
      [[0, 4], [1]],
    ];

    it.each(foldNames)('%s over any axes of any layout', (fold) => {
      for (const compute of computeTypes) {
        const program = programOf(compute, 1, (x) => folds[fold](x!));
        for (const [shape, axes] of shapes) {
          for (const layout of sizeOf(shape) < 10_000 ? layouts : layouts.slice(0, 1)) {
            compare(foldTolerance(fold, compute), (backend) => {
              const out = operand(compute, keptShape(shape, axes), [0]);
              backend.fold(program, [], [operand(compute, shape, foldValues(fold), layout)], [out], shape, axes);
              return [out];
            });
          }
        }
      }
    });

    it.each(foldNames)('%s of 0 to 130 elements, with NaN, infinities and ties', (fold) => {
      for (const compute of computeTypes) {
        const program = programOf(compute, 1, (x) => folds[fold](x!));
        for (const length of LENGTHS) {
          for (const special of [0, 1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
            compare(foldTolerance(fold, compute), (backend) => {
              const values = foldValues(fold).slice(0, length);
              values[length >> 1] = special;
              values[length >> 2] = special;
              const out = operand(compute, [1], [0]);
              backend.fold(program, [], [operand(compute, [length], values)], [out], [length], [0]);
              return [out];
            });
          }
        }
      }
    });

    const rowPrograms: Readonly<Record<string, (x: Expr) => Expr[]>> = {
      softmax: (x) => {
        const e = exp(sub(x, rowMax(x)));
        return [div(e, rowSum(e))];
      },
      'mean and variance': (x) => {
        const mean = div(rowSum(x), 50);
        return [mean, div(rowSum(square(sub(x, mean))), 50)];
      },
      'distance from the largest': (x) => [sub(position(), rowArgmax(max(x, 0)))],
      'sums of values of rows': (x) => [rowSum(expand(rowMax(x))), rowMax(add(mul(expand(rowMax(x)), 0.5), x))],
    };

    it.each(Object.keys(rowPrograms))('%s, in stages', (name) => {
      for (const compute of computeTypes) {
        const program = programOf(compute, 1, (x) => rowPrograms[name]!(x!));
        for (const [shape, axes] of shapes) {
          compare(relative(compute === 'float32' ? 1e-5 : 1e-13), (backend) => {
            const input = operand(compute, shape, noise(997), 'transposed');
            const outputs = program.outputs.map((kind) =>
              operand(compute, kind === 'row' ? keptShape(shape, axes) : shape, [0], 'strided'),
            );
            backend.fold(program, [], [input], outputs, shape, axes);
            return outputs;
          });
        }
      }
    });

    it('softmax in place, in any layout', () => {
      const program = programOf('float32', 1, (x) => rowPrograms.softmax!(x!));
      for (const [shape, axes] of shapes) {
        for (const layout of layouts) {
          compare(relative(1e-6), (backend) => {
            const x = operand('float32', shape, noise(997), layout);
            backend.fold(program, [], [x], [x], shape, axes);
            return [x];
          });
        }
      }
    });

    it('reads row operands and converts on the way', () => {
      const program: Program = programOf('float32', 2, (x, y) => rowSum(mul(x!, y!)));
      for (const [shape, axes] of shapes) {
        compare(relative(1e-5), (backend) => {
          const out = operand('float64', keptShape(shape, axes), [0]);
          const inputs = [operand('int32', shape, [1, 2, 3]), operand('bool', keptShape(shape, axes), [1, 0, 1])];
          backend.fold(program, [], inputs, [out], shape, axes);
          return [out];
        });
      }
    });
  });

  describe.each(dtypeNames)('gather and scatter of %s', (dtype) => {
    const values = dtype === 'bool' ? [0, 1, 1] : [0, 1, 2, -3, 4, 5, 100];

    it('along any axis of any layout', () => {
      for (const axis of [0, 1, 2]) {
        for (const layout of layouts) {
          compare(exact, (backend) => {
            const input = operand(dtype, [9, 11, 13], values, layout);
            const index = operand('int32', [9, 11, 13], [3, 1, 0, 8, 7, 2, 5], layout);
            const gathered = operand(dtype, [9, 11, 13], [0], layout);
            const set = operand(dtype, [9, 11, 13], [0], layout);
            const added = operand(dtype, [9, 11, 13], [0], layout);
            expect(backend.gather(gathered, input, index, axis)).toBe(-1);
            expect(backend.scatter(set, index, input, axis, 'set')).toBe(-1);
            expect(backend.scatter(added, index, input, axis, 'add')).toBe(-1);
            const reduced = (['mul', 'amax', 'amin'] as const).map((mode) => {
              const out = operand(dtype, [9, 11, 13], [1, 2, 0], layout);
              expect(backend.scatter(out, index, input, axis, mode)).toBe(-1);
              return out;
            });
            return [gathered, set, added, ...reduced];
          });
        }
      }
    });

    it('with indices repeated along an axis, as embeddings have them', () => {
      compare(exact, (backend) => {
        const weight = operand(dtype, [50, 33], values);
        const rows = operand('int32', [70, 1], [3, 1, 49, 8, 7, 2, 5]);
        const index = { ...rows, shape: [70, 33], strides: [1, 0] };
        const out = operand(dtype, [70, 33], [0]);
        const gradient = operand(dtype, [50, 33], [0]);
        expect(backend.gather(out, weight, index, 0)).toBe(-1);
        expect(backend.scatter(gradient, index, out, 0, 'add')).toBe(-1);
        return [out, gradient];
      });
    });

    it.each([
      [-1, 70],
      [9, 70],
      [-(2 ** 31), 0],
      [2 ** 31 - 1, 98],
    ])('reports the first bad index (%i at %i) and writes nothing', (bad, at) => {
      compare(exact, (backend) => {
        const indices = Array.from({ length: 99 }, (_, i) => (i < at ? 1 : bad));
        const index = operand('int32', [9, 11], indices, 'transposed');
        const out = operand(dtype, [9, 11], [1]);
        const input = operand(dtype, [9, 11], [0]);
        expect(backend.gather(out, input, index, 0)).toBe(at);
        expect(backend.scatter(out, index, input, 0, 'add')).toBe(at);
        return [out];
      });
    });
  });

  describe.each(sortOrders)('sort: %s', (order) => {
    const sorted = (
      backend: Backend,
      input: View,
      axis: number,
      layout: Layout = 'contiguous',
      count = input.shape[axis]!,
    ): View[] => {
      const shape = input.shape.with(axis, count);
      const values = operand(input.dtype, shape, [0], layout);
      const indices = operand('int32', shape, [0], layout);
      expect(backend.sort(values, indices, input, axis, order)).toBe(DONE);
      return [values, indices];
    };
    const repeated = noise(997).map((x, i) => (i % 3 === 0 ? Math.round(x) : x));
    const valuesFor = (dtype: DType) =>
      isFloat(dtype)
        ? [...specialValues, ...repeated, ...specialValues]
        : [3, -1, 0, 2 ** 31 - 1, 3, -(2 ** 31), 70_000, 0];

    it('0 to 130 elements, and so many rows', () => {
      for (const dtype of dtypeNames) {
        for (const length of LENGTHS) {
          for (const [shape, axis] of [
            [[length], 0],
            [[length, 3], 0],
            [[length, 3], 1],
          ] as const) {
            compare(exact, (backend) =>
              sorted(backend, operand(dtype, shape, valuesFor(dtype).slice(length % 7)), axis),
            );
          }
        }
      }
    });

    it('along any axis of any layout', () => {
      for (const dtype of dtypeNames) {
        for (const layout of layouts) {
          for (const axis of [0, 1, 2]) {
            compare(exact, (backend) =>
              sorted(backend, operand(dtype, [5, 60, 7], valuesFor(dtype), layout), axis, layout),
            );
          }
        }
      }
    });

    it('the first of them alone', () => {
      for (const dtype of dtypeNames) {
        for (const length of [1, 2, 5, 48, 49, 60, 300]) {
          for (const count of [0, 1, 2, 3, length >> 3, length >> 2, (length >> 2) + 1, length - 1].filter(
            (k) => k >= 0 && k <= length,
          )) {
            for (const layout of layouts) {
              for (const shape of [[length], [length, 3], [2, length, 3]]) {
                const axis = shape.indexOf(length);
                compare(exact, (backend) =>
                  sorted(backend, operand(dtype, shape, valuesFor(dtype), layout), axis, layout, count),
                );
              }
            }
          }
        }
        compare(exact, (backend) => sorted(backend, operand(dtype, [70_001], valuesFor(dtype)), 0, 'strided', 1000));
        compare(exact, (backend) => sorted(backend, operand(dtype, [600, 200], valuesFor(dtype)), 1, 'contiguous', 7));
      }
    });

    it('long rows, and rows that are split among threads', () => {
      for (const dtype of dtypeNames) {
        compare(exact, (backend) => sorted(backend, operand(dtype, [70_001], valuesFor(dtype)), 0));
        compare(exact, (backend) => sorted(backend, operand(dtype, [400, 200], valuesFor(dtype)), 1));
      }
    });
  });

  describe.each(factorKinds)('factor: %s', (kind) => {
    const types = ['float32', 'float64'] as const;

    it('matrices of every size up to 36, to the bit', () => {
      for (const dtype of types) {
        for (let rows = 0; rows <= 36; rows += rows < 4 ? 1 : 4) {
          for (const columns of [0, 1, 2, 3, 15, 16, 17, 33, 36]) {
            compare(exact, (backend) => factored(backend, { kind, dtype, rows, columns }));
          }
        }
      }
    });

    it('batches of any layout, and of none', () => {
      for (const dtype of types) {
        for (const layout of layouts) {
          compare(exact, (backend) => factored(backend, { kind, dtype, rows: 5, columns: 4, batch: [2, 3], layout }));
        }
        compare(exact, (backend) => factored(backend, { kind, dtype, rows: 3, columns: 3, batch: [0, 2] }));
        compare(exact, (backend) => factored(backend, { kind, dtype, rows: 4, columns: 6, batch: [700] }));
      }
    });

    it('zeros, NaN and infinities, and what is singular or indefinite', () => {
      for (const dtype of types) {
        for (const values of [
          [0],
          [1],
          [-1, 2, 1],
          [1, 2, 3, 4, 5, 6, 7, 8],
          specialValues,
          [1, Number.NaN],
          [1e-30, 1e30],
        ]) {
          for (const [rows, columns] of [
            [4, 4],
            [6, 3],
            [3, 6],
          ] as const) {
            compare(exact, (backend) => factored(backend, { kind, dtype, rows, columns, values }));
          }
        }
      }
    });
  });

  describe.each(scanKinds)('scan: %s', (kind) => {
    const chooses = kind === 'cummax' || kind === 'cummin';
    const types = dtypeNames.filter((dtype) => {
      if (kind === 'logcumsumexp' || kind === 'linear') return isFloat(dtype);
      return chooses || !isBool(dtype);
    });
    const tolerance = (dtype: DType) =>
      kind === 'logcumsumexp' ? relative(dtype === 'float32' ? 2 ** -23 : 1e-14) : exact;

    const scanned = (
      backend: Backend,
      dtype: DType,
      shape: readonly number[],
      values: readonly number[],
      axis: number,
      layout: Layout,
      turned = false,
    ): View[] => {
      const inputs = kind === 'linear' ? [values, values.toReversed()] : [values];
      const views = inputs.map((list) => operand(dtype, shape, list, layout));
      const outputs = [dtype, ...(chooses ? ['int32' as const] : [])].map((type) => operand(type, shape, [0], layout));
      const along = (list: readonly View[]) => (turned ? list.map((view) => fromEnd(view, axis)) : list);
      expect(backend.scan(kind, along(views), along(outputs), axis)).toBe(DONE);
      return outputs;
    };

    /** Products of integers grow too large at once, but for these. */
    const ordinary = (dtype: DType) =>
      isFloat(dtype) ? noise(997) : kind === 'cumprod' ? [1, -1, 1, 1, -1] : [3, -1, 0, 3, -4, 2, 2];

    it('of 0 to 130 elements, and of so many rows', () => {
      for (const dtype of types) {
        for (const length of LENGTHS) {
          for (const [shape, axis] of [
            [[length], 0],
            [[length, 3], 0],
            [[3, length], 0],
            [[length, 3], 1],
          ] as const) {
            compare(tolerance(dtype), (backend) => scanned(backend, dtype, shape, ordinary(dtype), axis, 'contiguous'));
          }
        }
      }
    });

    it('along any axis of any layout, and from the end', () => {
      for (const dtype of types) {
        for (const layout of layouts) {
          for (const axis of [0, 1, 2]) {
            for (const turned of [false, true]) {
              compare(tolerance(dtype), (backend) =>
                scanned(backend, dtype, [5, 20, 7], ordinary(dtype), axis, layout, turned),
              );
            }
          }
        }
      }
    });

    it('of special values, and where rows are split among threads', () => {
      for (const dtype of types.filter(isFloat)) {
        const special = specialValues.flatMap((a) => specialValues.map((b) => [a, b, 1, a, -b, 0.5])).flat();
        compare(tolerance(dtype), (backend) =>
          scanned(backend, dtype, [special.length / 6, 6], special, 1, 'contiguous'),
        );
        compare(tolerance(dtype), (backend) => scanned(backend, dtype, [3000, 200], noise(9973), 1, 'contiguous'));
      }
    });

    it('says where a result does not fit int32, and stores 0 there', () => {
      if (chooses || !types.includes('int32')) return;
      for (const rows of [1, 40]) {
        compare(exact, (backend) => {
          const x = operand('int32', [3, rows], [2 ** 31 - 1].concat(Array.from({ length: 3 * rows - 1 }, () => 2)));
          const out = operand('int32', [3, rows], [7]);
          expect(backend.scan(kind, [x], [out], 0)).toBe(MISFIT);
          return [out];
        });
      }
    });
  });
});

/** The same elements in the other order along an axis. */
const fromEnd = (view: View, axis: number): View => ({
  ...view,
  offset: view.offset + Math.max(0, view.shape[axis]! - 1) * view.strides[axis]!,
  strides: view.strides.with(axis, -view.strides[axis]!),
});

const computeTypes: readonly ComputeType[] = ['float32', 'float64'];
const dtypeNames: readonly DType[] = ['float32', 'float64', 'int32', 'bool'];

/** Whether a value is close enough to the one expected. Signs of zero count where nothing else may differ. */
type Tolerance = (actual: number, expected: number) => boolean;

const exact: Tolerance = Object.is;
const relative =
  (epsilon: number): Tolerance =>
  (actual, expected) =>
    actual === expected ||
    Object.is(actual, expected) ||
    Math.abs(actual - expected) <= epsilon * Math.max(1, Math.abs(expected));

const ulps =
  (count: number, compute: ComputeType): Tolerance =>
  (actual, expected) => {
    const [epsilon, least] = compute === 'float32' ? [2 ** -23, 2 ** -149] : [2 ** -52, 2 ** -1074];
    const distance = Math.abs(actual - expected);
    return (
      actual === expected ||
      Object.is(actual, expected) ||
      distance <= count * Math.max(epsilon * Math.abs(expected), least)
    );
  };

const exactOps = new Set<MicroOp>([
  ...(['copy', 'neg', 'abs', 'sign', 'floor', 'ceil', 'round', 'trunc', 'sqrt', 'where'] as const),
  ...(['add', 'sub', 'mul', 'div', 'eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const),
]);

const toleranceOf = (op: MicroOp, compute: ComputeType): Tolerance => (exactOps.has(op) ? exact : ulps(4, compute));

function firstDifference(actual: readonly number[], expected: readonly number[], tolerance: Tolerance) {
  const at = actual.findIndex((value, i) => !tolerance(value, expected[i]!));
  return at < 0 ? undefined : { at, actual: actual[at], expected: expected[at] };
}

const pairs = specialValues.flatMap((a) => specialValues.map((b) => [a, b] as const));

function specialOperands(op: MicroOp, compute: ComputeType): View[] {
  const triples = microOps[op].arity < 3 ? pairs : pairs.map(([a, b]) => [a, b, -b] as const);
  return Array.from({ length: microOps[op].arity }, (_, i) =>
    operand(
      compute,
      [triples.length],
      triples.map((triple) => triple[i]!),
    ),
  );
}

const operandsOf = (op: MicroOp, compute: ComputeType, shape: readonly number[], layout: Layout): View[] =>
  Array.from({ length: microOps[op].arity }, (_, i) => operand(compute, shape, noise(1000, i + 1), layout));

const folds = { sum: rowSum, prod: rowProd, min: rowMin, max: rowMax, argmin: rowArgmin, argmax: rowArgmax };

const keptShape = (shape: readonly number[], axes: readonly number[]): number[] =>
  shape.map((size, axis) => (axes.includes(axis) ? 1 : size));

/** For sums values that do not cancel; for products values near 1, so that long ones neither vanish nor overflow. */
const foldValues = (fold: Fold): readonly number[] => {
  const values = noise(1009);
  if (fold === 'sum') return values.map(Math.abs);
  return fold === 'prod' ? values.map((x) => 1 + x / 1e4) : values;
};

/** Sums and products are rounded in another order; the others choose among what is there. */
const foldTolerance = (fold: Fold, compute: ComputeType): Tolerance => {
  if (fold === 'sum') return relative(compute === 'float32' ? 1e-6 : 1e-14);
  if (fold === 'prod') return relative(compute === 'float32' ? 1e-3 : 1e-11);
  return (actual, expected) => actual === expected || Object.is(actual, expected);
};
