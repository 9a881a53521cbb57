import { capture, manualSeed, randn, type Tensor } from 'nabla';
import { describe, expect, it } from 'vitest';

// What a captured function does to a product in registers, against operations of their own.

type Ending = readonly [name: string, of: (product: Tensor, bias: Tensor, x: Tensor) => Tensor];

const endings: readonly Ending[] = [
  ['a sum', (product, bias) => product.add(bias)],
  ['relu', (product) => product.relu()],
  ['a sum, and relu', (product, bias) => product.add(bias).relu()],
  ['two sums', (product, bias) => product.add(bias).add(bias)],
  ['a sum after relu', (product, bias) => product.relu().add(bias)],
  ['more than registers take', (product, bias) => product.add(bias).relu().add(bias).relu()],
];

const sizes = [
  [1, 5, 40],
  [3, 300, 7],
  [40, 0, 33],
  [40, 1500, 40],
  [32, 300, 70],
  [70, 5000, 1],
] as const;

describe.each(['float32', 'float64'] as const)('%s: a product and', (dtype) => {
  it.each(endings)('%s, to the bit', (_, of) => {
    manualSeed(1);
    for (const [m, k, n] of sizes) {
      for (const shape of [[n], [1], [m, 1], [m, n], []]) {
        for (const weight of [randn([k, n], { dtype }), randn([n, k], { dtype }).t()]) {
          const [x, bias] = [randn([m, k], { dtype }), randn(shape, { dtype })];
          const step = (x: Tensor, bias: Tensor) => of(x.matmul(weight), bias, x);
          expect(capture(step)(x, bias).toArray()).toEqual(step(x, bias).toArray());
        }
      }
    }
  });

  it('what it is added to, whose memory it may take, to the bit', () => {
    manualSeed(2);
    const weights = [randn([40, 1500], { dtype }), randn([1500, 40], { dtype })] as const;
    const step = (x: Tensor) => {
      let y = x.mul(2);
      for (let i = 0; i < 3; i++) y = y.matmul(weights[0]).relu().matmul(weights[1]).mul(1e-3).add(y);
      for (let i = 0; i < 3; i++) y = y.add(y.matmul(weights[0]).matmul(weights[1]));
      return y;
    };
    const x = randn([20, 40], { dtype });
    expect(capture(step)(x).toArray()).toEqual(step(x).toArray());
  });
});
