import { describe, expect, it } from 'vitest';
import { backend, getNumThreads, setNumThreads } from '../../lib/backend/index.js';
import { sizeOf, type View } from '../../lib/backend/view.js';
import { add, max, mul, param } from '../../lib/expr/index.js';
import { type Example, examples, operandsOf, placesOf } from './convolutions.js';
import { quarters } from './matrices.js';
import { noise, operand, valuesOf } from './operands.js';
import { programOf } from './programs.js';

const titled = examples.map((one): [string, Example] => [
  `${one.samples} x ${one.groups} groups of ${one.channels} over ${one.whole}, window ${one.kernel}, ${JSON.stringify(one.moves)}, ${one.layout}`,
  one,
]);

function indexAt(number: number, sizes: readonly number[]): number[] {
  let rest = number;
  return sizes
    .toReversed()
    .map((size) => {
      const at = rest % size;
      rest = Math.floor(rest / size);
      return at;
    })
    .toReversed();
}

const numberOf = (index: readonly number[], sizes: readonly number[]): number =>
  index.reduce((number, at, axis) => number * sizes[axis]! + at, 0);

/** Calls `visit` with the positions of every factor of a convolution, and of what it adds to. */
function eachTerm(example: Example, visit: (input: number, weight: number, out: number) => void): void {
  const { samples, groups, channels, whole, kernel, moves } = example;
  const places = placesOf(example);
  const outShape = [samples, groups, channels[1], ...places];
  const taps = Array.from({ length: sizeOf(kernel) }, (_, tap) => indexAt(tap, kernel));
  for (let out = 0; out < sizeOf(outShape); out++) {
    const [n, g, o, ...p] = indexAt(out, outShape);
    taps.forEach((k, tap) => {
      const at = p.map((place, i) => place * moves.stride[i]! + k[i]! * moves.dilation[i]! - moves.before[i]!);
      if (at.some((index, i) => index < 0 || index >= whole[i]!)) return;
      const place = numberOf(at, whole);
      for (let c = 0; c < channels[0]; c++) {
        const input = ((n! * groups + g!) * channels[0] + c) * sizeOf(whole) + place;
        visit(input, ((g! * channels[1] + o!) * channels[0] + c) * taps.length + tap, out);
      }
    });
  }
}

const noisy = (start: number) => {
  const values = noise(997, start);
  return (i: number) => values[i % values.length]!;
};

describe.each(['float32', 'float64'] as const)('%s', (dtype) => {
  it.each(titled)('every term once: %s', (_, example) => {
    const { input, weight, out } = operandsOf(example, dtype, quarters);
    const [x, w, g] = [valuesOf(input), valuesOf(weight), valuesOf(out)];
    const [sums, products] = [new Array<number>(g.length).fill(0), new Array<number>(w.length).fill(0)];
    eachTerm(example, (i, j, k) => {
      sums[k]! += x[i]! * w[j]!;
      products[j]! += x[i]! * g[k]!;
    });
    const product: View = operandsOf(example, dtype, () => Number.NaN).weight;
    backend.convolveWeight(input, product, out, example.moves);
    expect(valuesOf(product)).toEqual(products);
    backend.convolve(input, weight, [out], example.moves, null);
    expect(valuesOf(out)).toEqual(sums);
  });
});

describe('bits', () => {
  const run = (example: Example) => {
    const { input, weight, out } = operandsOf(example, 'float32', noisy(3));
    const product = operandsOf(example, 'float32', () => Number.NaN).weight;
    backend.convolveWeight(input, product, out, example.moves);
    backend.convolve(input, weight, [out], example.moves, null);
    return { out: valuesOf(out), product: valuesOf(product) };
  };

  // Plain JavaScript has one thread.
  if (backend.name === 'native') {
    it('do not depend on the number of threads', () => {
      const large: Example[] = [
        { ...examples[1]!, samples: 3, channels: [40, 40], whole: [24, 24] },
        { ...examples[1]!, samples: 1, channels: [40, 40], whole: [24, 24] },
        { ...examples[5]!, samples: 5, groups: 40, whole: [40, 40] },
        { ...examples[1]!, samples: 64, channels: [1, 40], whole: [24, 24] },
        { ...examples[7]!, samples: 40, channels: [64, 64], whole: [7, 7] },
      ];
      const threads = getNumThreads();
      try {
        for (const example of large) {
          const results = [1, 2, 5].map((count) => {
            setNumThreads(count);
            return run(example);
          });
          expect(results.slice(1)).toEqual([results[0], results[0]]);
        }
      } finally {
        setNumThreads(threads);
      }
    });
  }

  it('of a sample do not depend on those beside it', () => {
    const { input, weight, out } = operandsOf({ ...examples[3]!, samples: 5 }, 'float32', noisy(5));
    backend.convolve(input, weight, [out], examples[3]!.moves, null);
    const all = valuesOf(out);
    const [size, each] = [all.length / 5, sizeOf(input.shape) / 5];
    for (let sample = 0; sample < 5; sample++) {
      const one = operand(
        'float32',
        [1, ...input.shape.slice(1)],
        valuesOf(input).slice(sample * each, (sample + 1) * each),
      );
      const result = operand('float32', [1, ...out.shape.slice(1)], [0]);
      backend.convolve(one, weight, [result], examples[3]!.moves, null);
      expect(valuesOf(result)).toEqual(all.slice(sample * size, (sample + 1) * size));
    }
  });
});

describe('an epilogue', () => {
  const program = programOf('float32', 3, (x, y, z) => max(add(mul(param(0), x!), y!), z!), 1);

  it.each(titled)('sees every sum once: %s', (_, example) => {
    const { input, weight, out } = operandsOf(example, 'float32', quarters);
    backend.convolve(input, weight, [out], example.moves, null);
    const sums = valuesOf(out);
    const ones = example.whole.map(() => 1);
    const bias = operand('float32', [out.shape[1]!, ...ones], noise(out.shape[1]!), 'offset');
    const other = operand('float32', out.shape, noise(sums.length, 4), 'transposed');
    const result = operand('float32', out.shape, [Number.NaN], example.layout);
    backend.convolve(input, weight, [result], example.moves, { program, params: [0.5], inputs: [bias, other] });
    const [b, o] = [valuesOf(bias), valuesOf(other)];
    const area = sizeOf(out.shape.slice(2));
    const expected = sums.map((sum, i) =>
      Math.max(Math.fround(sum * 0.5 + b[Math.floor(i / area) % b.length]!), o[i]!),
    );
    expect(valuesOf(result)).toEqual(expected);
  });

  it('is not run where there is nothing', () => {
    const nothing = { ...examples[1]!, samples: 0 };
    const { input, weight, out } = operandsOf(nothing, 'float32', quarters);
    backend.convolve(input, weight, [out], nothing.moves, null);
    expect(valuesOf(out)).toEqual([]);
  });
});

it('leaves what is around a result alone', () => {
  const { input, weight } = operandsOf(examples[1]!, 'float32', quarters);
  const memory = operand('float32', [2, 7, 10, 10], [9]);
  const inside: View = { ...memory, offset: 111, shape: [2, 5, 8, 8] };
  backend.convolve(input, weight, [inside], examples[1]!.moves, null);
  const [all, seen] = [valuesOf(memory), valuesOf(inside)];
  expect(all.filter((x) => x !== 9).length).toBe(seen.filter((x) => x !== 9).length);
});

it('carries NaN and infinities to the places that see them, and to no others', () => {
  const input = operand(
    'float32',
    [1, 1, 5, 5],
    Array.from({ length: 25 }, (_, i) => (i === 12 ? Number.NaN : i === 0 ? Number.POSITIVE_INFINITY : 1)),
  );
  const weight = operand('float32', [1, 1, 3, 3], [1]);
  const out = operand('float32', [1, 1, 5, 5], [0]);
  backend.convolve(input, weight, [out], { stride: [1, 1], dilation: [1, 1], before: [1, 1] }, null);
  const values = valuesOf(out);
  expect(values.map((x, i) => (Number.isNaN(x) ? i : -1)).filter((i) => i >= 0)).toEqual([
    6, 7, 8, 11, 12, 13, 16, 17, 18,
  ]);
  expect(values.map((x, i) => (x === Number.POSITIVE_INFINITY ? i : -1)).filter((i) => i >= 0)).toEqual([0, 1, 5]);
});
