import { capture, grad, manualSeed, nn, noGrad, ones, randn, type Tensor, zeros } from 'nabla';
import { describe, expect, it } from 'vitest';

const { conv1d, conv2d, conv3d } = nn.functional;

type Layout = readonly [name: string, of: (shape: readonly number[]) => Tensor];

const layouts: readonly Layout[] = [
  ['dense', (shape) => randn([...shape])],
  ['channels last', (shape) => randn([shape[0]!, ...shape.slice(2), shape[1]!]).movedim(-1, 1)],
  ['samples within channels', ([n, c, ...rest]) => randn([c!, n!, ...rest]).transpose(0, 1)],
  ['a part of rows', (shape) => randn([...shape.slice(0, -1), shape.at(-1)! + 2]).narrow(-1, 1, shape.at(-1)!)],
  ['one channel for all', (shape) => randn([shape[0]!, 1, ...shape.slice(2)]).expand(shape)],
];

type Ending = readonly [name: string, of: (y: Tensor, other: (shape: readonly number[]) => Tensor) => Tensor];

const endings: readonly Ending[] = [
  ['relu', (y) => y.relu()],
  ['a sum with each channel', (y, other) => y.add(other([y.shape[1]!, ...y.shape.slice(2).map(() => 1)])).relu()],
  ['a sum with all of it', (y, other) => y.add(other(y.shape)).tanh()],
  ['a sum with columns', (y, other) => y.add(other([y.shape.at(-1)!]))],
  ['another type', (y) => y.gt(0)],
  ['two results', (y) => y.relu().add(y.exp())],
];

// A convolution whose windows have one element is a product of matrices, where its operands lie so.
describe.each(layouts)('windows of one element over %s', (_, of) => {
  const cases = [
    [conv1d, [3, 20, 9], 7],
    [conv1d, [5, 40, 1], 33],
    [conv2d, [2, 64, 7, 5], 70],
    [conv2d, [1, 16, 6, 6], 20],
    [conv2d, [4, 130, 1, 1], 24],
    [conv3d, [2, 24, 3, 1, 5], 17],
  ] as const;

  it('are those of float64, with their gradients', () => {
    manualSeed(1);
    for (const [convolve, shape, rows] of cases) {
      const [x, weight, bias] = [of(shape), randn([rows, shape[1], ...shape.slice(2).map(() => 1)]), randn([rows])];
      const [single, double] = [
        [x, weight, bias],
        [x.double(), weight.double(), bias.double()],
      ].map((operands) => {
        const leaves = operands.map((one) => one.detach().requiresGrad_());
        const y = convolve(leaves[0]!, leaves[1]!, leaves[2]!);
        return [y, ...grad(y.square().mean(), leaves)].map((one) => one!.detach().double());
      });
      single!.forEach((one, i) => {
        expect(one.sub(double![i]!).abs().max().item()).toBeLessThan(1e-4);
      });
    }
  });

  it.each(endings)('and %s are the same captured, to the bit', (_, end) => {
    manualSeed(2);
    for (const [convolve, shape, rows] of cases) {
      const [x, weight, bias] = [of(shape), randn([rows, shape[1], ...shape.slice(2).map(() => 1)]), randn([rows])];
      const others = new Map<string, Tensor>();
      const other = (shape: readonly number[]) => {
        const known = others.get(shape.join()) ?? randn([...shape]);
        others.set(shape.join(), known);
        return known;
      };
      const step = (x: Tensor) => noGrad(() => end(convolve(x, weight, bias), other));
      expect(capture(step)(x).toArray()).toEqual(step(x).toArray());
    }
  });
});

describe('beyond an input of one place', () => {
  it('are zeros: the gradient where a step is longer than the input', () => {
    for (const [convolve, size, stride] of [
      [conv1d, [2], 2],
      [conv2d, [2, 2], 2],
      [conv2d, [1, 3], 3],
    ] as const) {
      const weight = ones([24, 20, ...size.map(() => 1)]);
      const x = ones([2, 20, ...size]).requiresGrad_();
      const [gradient] = grad(convolve(x, weight, null, { stride }).sum(), [x]);
      const expected = zeros(x.shape);
      expected.reshape([2, 20, -1]).select(2, 0).fill_(24);
      expect(gradient!.toArray()).toEqual(expected.toArray());
    }
  });

  it('are zeros: the padding of a transposed convolution', () => {
    const weight = ones([20, 3, 1, 1]);
    const y = nn.functional.convTranspose2d(ones([2, 20, 1, 1]), weight, null, { stride: 2, outputPadding: 1 });
    expect(y.select(0, 1).select(0, 2).toArray()).toEqual([
      [20, 0],
      [0, 0],
    ]);
  });
});

describe('what a convolution is added to', () => {
  it.each([1, 3])('may be its own output, with windows of %i', (size) => {
    manualSeed(3);
    const [x, weight] = [randn([2, 24, 8, 8]), randn([24, 24, size, size])];
    const [state, expected] = [randn([2, 24, 8, 8]), randn([2, 24, 8, 8])];
    expected.copy_(state);
    const step = (to: Tensor) => (x: Tensor) => {
      to.add_(conv2d(x, weight, null, { padding: size >> 1 }));
    };
    const captured = capture(step(state));
    for (let i = 0; i < 3; i++) {
      captured(x);
      step(expected)(x);
    }
    expect(state.toArray()).toEqual(expected.toArray());
  });
});
