import { describe, expect, test } from 'vitest';
import {
  DTypeError,
  empty,
  eye,
  full,
  Generator,
  isGradEnabled,
  manualSeed,
  nn,
  ones,
  rand,
  ShapeError,
  type Tensor,
  tensor,
  ValueError,
  zeros,
} from '../../lib/index.js';
import { storageOf } from '../../lib/tensor/tensor.js';

const { init } = nn;

// That values are PyTorch's is a matter of the recorded cases; see test/conformance.

/** Every initializer, on a matrix. */
const initializers: Readonly<Record<string, (x: Tensor, generator: Generator) => Tensor>> = {
  uniform_: (x, generator) => init.uniform_(x, { a: -1, generator }),
  normal_: (x, generator) => init.normal_(x, { std: 2, generator }),
  'truncNormal_, redrawn': (x, generator) => init.truncNormal_(x, { a: -1, b: 1, generator }),
  'truncNormal_, rejected': (x, generator) => init.truncNormal_(x, { a: 1.5, b: 3, generator }),
  constant_: (x) => init.constant_(x, 0.25),
  ones_: (x) => init.ones_(x),
  zeros_: (x) => init.zeros_(x),
  eye_: (x) => init.eye_(x),
  xavierUniform_: (x, generator) => init.xavierUniform_(x, { generator }),
  xavierNormal_: (x, generator) => init.xavierNormal_(x, { generator }),
  kaimingUniform_: (x, generator) => init.kaimingUniform_(x, { generator }),
  kaimingNormal_: (x, generator) => init.kaimingNormal_(x, { generator }),
  orthogonal_: (x, generator) => init.orthogonal_(x, { generator }),
  sparse_: (x, generator) => init.sparse_(x, 0.3, { generator }),
};

describe.each(Object.keys(initializers))('%s', (name) => {
  const initialize = initializers[name]!;

  test('writes over a parameter and returns it, recording nothing', () => {
    const weight = new nn.Parameter(full([3, 4], 7));
    const storage = storageOf(weight);
    expect(initialize(weight, new Generator(1))).toBe(weight);
    expect(storageOf(weight)).toBe(storage);
    expect(weight.isLeaf).toBe(true);
    expect(weight.requiresGrad).toBe(true);
    expect(weight.eq(7).any().item()).toBe(false);
    expect(isGradEnabled()).toBe(true);
  });

  test('draws from the generator alone', () => {
    manualSeed(0);
    const draws = () => initialize(empty([3, 4]), new Generator(5)).toArray();
    expect(draws()).toEqual(draws());
    const next = rand([1]).item();
    manualSeed(0);
    expect(next).toBe(rand([1]).item());
  });

  test('fills a view, and nothing around it', () => {
    const base = full([6, 8], 7);
    const view = base.t().slice(0, 1, 8, 2).narrow(1, 1, 3);
    initialize(view, new Generator(1));
    expect(view.eq(7).any().item()).toBe(false);
    expect(base.eq(7).sum().item()).toBe(48 - view.numel());
  });

  test('takes a tensor without elements', () => {
    expect(initialize(empty([0, 4]), new Generator(1)).shape).toEqual([0, 4]);
    expect(initialize(empty([4, 0]), new Generator(1)).shape).toEqual([4, 0]);
  });

  test('keeps float64', () => {
    expect(initialize(empty([3, 4], { dtype: 'float64' }), new Generator(1)).dtype).toBe('float64');
  });
});

// torch 2.13: torch.manual_seed(0), then the initializer on torch.empty(3, 2).t() and the like
describe('a view is filled in the order of its memory, as PyTorch does', () => {
  const close = (actual: Tensor, expected: number[][]) => {
    expect(actual.sub(tensor(expected)).abs().max().item()).toBeLessThan(1e-6);
  };

  test('uniform', () => {
    manualSeed(0);
    close(init.kaimingUniform_(empty([3, 2]).t()), [
      [-0.010587962344288826, -1.1639615297317505, -0.5446904897689819],
      [0.75864577293396, -1.040774941444397, 0.3792317807674408],
    ]);
    manualSeed(0);
    close(init.uniform_(empty([3, 4]).slice(1, 0, 4, 2), { a: -1 }), [
      [-0.007486820220947266, 0.5364435911178589],
      [-0.8230451345443726, -0.7359390258789062],
      [-0.3851543664932251, 0.26815736293792725],
    ]);
  });

  test('normal, one by one', () => {
    manualSeed(0);
    close(init.xavierNormal_(empty([5, 4]).t()), [
      [0.7264325022697449, -0.5112487077713013, -0.33906126022338867, -0.4038402736186981, -0.2669646143913269],
      [-0.13832370936870575, -0.6593042016029358, -0.19013796746730804, 0.5188297629356384, 0.17588792741298676],
      [-1.027091145515442, 0.1901395320892334, -0.28125661611557007, -0.5049625635147095, -0.4204906225204468],
      [0.2679610848426819, 0.39504939317703247, 0.08581282198429108, 0.05784191936254501, -0.7114002108573914],
    ]);
    manualSeed(0);
    close(init.sparse_(empty([3, 4]).t(), 0.5, { std: 1 }), [
      [0, 0, 0],
      [-0.293428897857666, 0, 0],
      [-2.1787893772125244, 0.40334683656692505, -0.5966353416442871],
      [0, 0.8380263447761536, 0.18203648924827576],
    ]);
  });

  test('orthogonal: drawn as a matrix of its own', () => {
    manualSeed(0);
    close(init.orthogonal_(empty([3, 2]).t(), { gain: 2 }), [
      [1.1479618549346924, -0.21858921647071838, -1.623084306716919],
      [-0.6908302307128906, -1.8617653846740723, -0.23787108063697815],
    ]);
  });
});

describe('values', () => {
  test('truncNormal_ keeps to its bounds, however little of the distribution they hold', () => {
    for (const [a, b] of [
      [-0.5, 0.5],
      [1.5, 3],
      [4, 4.5],
      [-9, -8],
    ] as const) {
      const values = init.truncNormal_(empty([1000]), { a, b });
      expect(values.min().item()).toBeGreaterThanOrEqual(a);
      expect(values.max().item()).toBeLessThanOrEqual(b);
    }
  });

  test('orthogonal_ makes rows or columns orthonormal, times the gain', () => {
    const wide = init.orthogonal_(empty([3, 2, 4]), { gain: 3 }).flatten(1);
    expect(wide.matmul(wide.t()).sub(eye(3).mul(9)).abs().max().item()).toBeLessThan(1e-5);
    const tall = init.orthogonal_(empty([7, 3]));
    expect(tall.t().matmul(tall).sub(eye(3)).abs().max().item()).toBeLessThan(1e-6);
  });

  test('sparse_ has the same number of zeros in every column', () => {
    expect(
      init
        .sparse_(empty([10, 5]), 0.25)
        .eq(0)
        .sum(0)
        .toArray(),
    ).toEqual([3, 3, 3, 3, 3]);
    expect(
      init
        .sparse_(empty([10, 5]), 0)
        .eq(0)
        .sum()
        .item(),
    ).toBe(0);
    expect(
      init
        .sparse_(empty([10, 5]), 1)
        .eq(0)
        .all()
        .item(),
    ).toBe(true);
  });

  test('eye_ and dirac_ pass on as much as they can', () => {
    expect(init.eye_(empty([2, 3])).toArray()).toEqual([
      [1, 0, 0],
      [0, 1, 0],
    ]);
    expect(init.eye_(empty([3, 2], { dtype: 'int32' })).toArray()).toEqual([
      [1, 0],
      [0, 1],
      [0, 0],
    ]);
    const weight = init.dirac_(empty([4, 3, 3, 2]), { groups: 2 });
    expect(weight.sum().item()).toBe(4);
    for (const [out, channel] of [
      [0, 0],
      [1, 1],
      [2, 0],
      [3, 1],
    ] as const) {
      expect(weight.select(0, out).select(0, channel).select(0, 1).select(0, 1).item()).toBe(1);
    }
    expect(init.dirac_(empty([3, 1, 1])).toArray()).toEqual([[[1]], [[0]], [[0]]]);
    expect(
      init
        .dirac_(empty([1, 1, 2, 2, 2]))
        .flatten()
        .toArray(),
    ).toEqual([0, 0, 0, 0, 0, 0, 0, 1]);
  });

  test.each<[nonlinearity: nn.init.Nonlinearity, param: number | null, gain: number]>([
    ['linear', null, 1],
    ['conv_transpose2d', null, 1],
    ['sigmoid', 3, 1],
    ['tanh', null, 5 / 3],
    ['relu', null, Math.SQRT2],
    ['leaky_relu', null, Math.sqrt(2 / 1.0001)],
    ['leaky_relu', 1, 1],
    ['leaky_relu', 0, Math.SQRT2],
    ['selu', null, 0.75],
  ])('calculateGain(%s, %s)', (nonlinearity, param, gain) => {
    expect(init.calculateGain(nonlinearity, param)).toBe(gain);
  });

  test('the documented examples', () => {
    const print = (make: () => unknown) => {
      manualSeed(0);
      return String(make());
    };
    expect(print(() => init.calculateGain('leaky_relu', 1))).toBe('1');
    expect(print(() => init.uniform_(empty([3]), { a: -1, b: 1 }))).toBe('tensor([-0.0075,  0.5364, -0.8230])');
    expect(print(() => init.normal_(empty([3]), { std: 0.1 }))).toBe('tensor([ 0.1541, -0.0293, -0.2179])');
    expect(print(() => init.truncNormal_(empty([3])))).toBe('tensor([ 1.5410, -0.2934, -1.3986])');
    expect(print(() => init.constant_(empty([2]), 0.3))).toBe('tensor([0.3000, 0.3000])');
    expect(print(() => init.dirac_(empty([1, 1, 3])))).toBe('tensor([[[0., 1., 0.]]])');
    expect(
      print(() =>
        init
          .sparse_(empty([4, 2]), 0.5)
          .eq(0)
          .sum(0),
      ),
    ).toBe('tensor([2, 2])');
  });
});

describe('refusals', () => {
  test.each<[call: () => unknown, error: new (message: string) => Error, message: string]>([
    [() => init.uniform_(empty([2]), { low: 0 } as object), ValueError, "uniform_: unknown option 'low'"],
    [() => init.uniform_(empty([2]), { a: 2, b: 1 }), ValueError, 'uniform_: expected from <= to, got [2, 1)'],
    [() => init.uniform_(empty([2], { dtype: 'int32' })), DTypeError, 'uniform_: expected a float tensor, got int32'],
    [() => init.normal_(empty([2]), { std: -1 }), ValueError, 'normal_: std must be at least 0, got -1'],
    [() => init.truncNormal_(empty([2]), { std: 0 }), ValueError, 'truncNormal_: std must be above 0'],
    [() => init.truncNormal_(empty([2]), { a: 1, b: 0 }), ValueError, 'truncNormal_: expected a <= b, got [1, 0]'],
    [() => init.constant_(empty([2]), Number.NaN), ValueError, 'constant_: val must be a number, got NaN'],
    [() => init.eye_(empty([2])), ShapeError, 'eye_: expected a tensor of 2 dimensions, got [2]'],
    [() => init.dirac_(empty([2, 2])), ShapeError, 'dirac_: expected a tensor of 3 to 5 dimensions, got [2, 2]'],
    [
      () => init.dirac_(empty([3, 1, 1]), { groups: 2 }),
      ShapeError,
      'dirac_: 3 output channels do not divide into 2 groups',
    ],
    [
      () => init.dirac_(empty([3, 1, 1]), { groups: 0 }),
      ValueError,
      'dirac_: groups must be an integer, at least 1, got 0',
    ],
    [
      () => init.xavierUniform_(empty([2])),
      ShapeError,
      'xavierUniform_: fan in and fan out need at least 2 dimensions, got [2]',
    ],
    [
      () => init.xavierNormal_(empty([2, 2]), { gain: '1' } as object),
      ValueError,
      "xavierNormal_: gain must be a number, got '1'",
    ],
    [
      () => init.kaimingUniform_(empty([])),
      ShapeError,
      'kaimingUniform_: fan in and fan out need at least 2 dimensions, got []',
    ],
    [
      () => init.kaimingNormal_(empty([2, 2]), { mode: 'fanIn' } as object),
      ValueError,
      "kaimingNormal_: unknown mode 'fanIn'; did you mean 'fan_in'?",
    ],
    [
      () => init.kaimingNormal_(empty([2, 2]), { nonlinearity: 'leakyRelu' } as object),
      ValueError,
      "kaimingNormal_: unknown nonlinearity 'leakyRelu'; did you mean 'leaky_relu'?",
    ],
    [() => init.orthogonal_(empty([4])), ShapeError, 'orthogonal_: expected at least 2 dimensions, got [4]'],
    [
      () => init.orthogonal_(empty([2, 2], { dtype: 'int32' })),
      DTypeError,
      'orthogonal_: expected a float tensor, got int32',
    ],
    [
      () => init.sparse_(empty([2, 2, 2]), 0.5),
      ShapeError,
      'sparse_: expected a tensor of 2 dimensions, got [2, 2, 2]',
    ],
    [() => init.sparse_(empty([2, 2]), 1.5), ValueError, 'sparse_: sparsity must be in [0, 1], got 1.5'],
    [
      () => init.calculateGain('leaky_relu', Number.NaN),
      ValueError,
      'calculateGain: param must be a number, or null, got NaN',
    ],
    [
      () => Reflect.apply(init.calculateGain, undefined, ['swish']),
      ValueError,
      "calculateGain: unknown nonlinearity 'swish'",
    ],
    [
      () => Reflect.apply(init.zeros_, undefined, [[1, 2]]),
      ValueError,
      'zeros_: tensor must be a Tensor, got an array of 2',
    ],
    [() => init.ones_(zeros([1]).expand([3])), ShapeError, 'expanded'],
    [
      () => init.normal_(ones([1]).expand([3])),
      ShapeError,
      'normal_: an expanded tensor has one element in several places',
    ],
  ])('%s', (call, error, message) => {
    expect(call).toThrow(error);
    expect(call).toThrow(message);
  });
});
