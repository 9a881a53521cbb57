import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import {
  AutogradError,
  bernoulli,
  capture,
  DTypeError,
  empty,
  FormatError,
  Generator,
  manualSeed,
  multinomial,
  normal,
  ones,
  rand,
  randint,
  randLike,
  randn,
  randnLike,
  randperm,
  ShapeError,
  type Tensor,
  tensor,
  ValueError,
  zeros,
} from '../../lib/index.js';

// That the streams are PyTorch's is tested in test/backend/random.test.ts and by the recorded cases.

const drawing: Readonly<Record<string, (generator: Generator) => Tensor>> = {
  rand: (generator) => rand([5], { generator }),
  randn: (generator) => randn([40], { generator }),
  randint: (generator) => randint(10, [5], { generator }),
  'randint from': (generator) => randint(-5, 5, [5], { generator }),
  randperm: (generator) => randperm(7, { generator }),
  randLike: (generator) => randLike(zeros([3]), { generator }),
  randnLike: (generator) => randnLike(zeros([3]), { generator }),
  'normal of a shape': (generator) => normal(1, 2, [3], { generator }),
  'normal of tensors': (generator) => normal(zeros([3]), ones([3]), { generator }),
  bernoulli: (generator) => bernoulli(tensor([0.2, 0.5, 0.7]), { generator }),
  multinomial: (generator) => multinomial(tensor([1, 2, 3]), 2, { generator }),
  uniform_: (generator) => empty([3]).uniform_(0, 1, { generator }),
  normal_: (generator) => empty([3]).normal_(0, 1, { generator }),
  bernoulli_: (generator) => empty([3]).bernoulli_(0.5, { generator }),
  'bernoulli_ of a tensor': (generator) => empty([3]).bernoulli_(tensor(0.5), { generator }),
  exponential_: (generator) => empty([3]).exponential_(2, { generator }),
  cauchy_: (generator) => empty([3]).cauchy_({ generator }),
  logNormal_: (generator) => empty([3]).logNormal_({ generator }),
  geometric_: (generator) => empty([3]).geometric_(0.5, { generator }),
  random_: (generator) => empty([3]).random_(0, 100, { generator }),
};

describe.each(Object.keys(drawing))('%s', (name) => {
  test('draws from the generator alone, the same for the same seed', () => {
    manualSeed(0);
    const draw = () => drawing[name]!(new Generator(3)).toArray();
    expect(draw()).toEqual(draw());
    const next = rand([1]).item();
    manualSeed(0);
    expect(next).toBe(rand([1]).item());
  });

  test('goes on where it was', () => {
    const generator = new Generator(3);
    drawing[name]!(generator);
    const state = generator.getState();
    const second = drawing[name]!(generator).toArray();
    generator.setState(state);
    expect(drawing[name]!(generator).toArray()).toEqual(second);
  });
});

describe('distributions', () => {
  const n = 200_000;
  test.each<[name: string, draw: () => Tensor, mean: number, std: number, low: number, high: number]>([
    ['rand', () => rand([n]), 0.5, Math.sqrt(1 / 12), 0, 1],
    ['randn', () => randn([n]), 0, 1, -7, 7],
    ['normal', () => normal(3, 2, [n]), 3, 2, -12, 18],
    ['uniform_', () => empty([n]).uniform_(-1, 3), 1, Math.sqrt(16 / 12), -1, 3],
    ['randint', () => randint(2, 6, [n]).float(), 3.5, Math.sqrt(15 / 12), 2, 5],
    ['bernoulli', () => bernoulli(empty([n]).fill_(0.3)), 0.3, Math.sqrt(0.21), 0, 1],
    ['bernoulli_', () => empty([n]).bernoulli_(0.3), 0.3, Math.sqrt(0.21), 0, 1],
    ['exponential_', () => empty([n]).exponential_(2), 0.5, 0.5, 0, 12],
    [
      'logNormal_',
      () => empty([n]).logNormal_(0, 0.5),
      Math.exp(0.125),
      Math.sqrt(Math.exp(0.25) * (Math.exp(0.25) - 1)),
      0,
      20,
    ],
    ['geometric_', () => empty([n]).geometric_(0.4), 2.5, Math.sqrt(0.6) / 0.4, 1, 40],
    [
      'strided normal_',
      () =>
        empty([n / 100, 100])
          .t()
          .normal_(3, 2),
      3,
      2,
      -12,
      18,
    ],
  ])('%s', (_, draw, mean, std, low, high) => {
    manualSeed(0);
    const values = draw();
    expect(values.mean().item()).toBeCloseTo(mean, 1.7);
    expect(values.std().item()).toBeCloseTo(std, 1.7);
    expect(values.min().item()).toBeGreaterThanOrEqual(low);
    expect(values.max().item()).toBeLessThanOrEqual(high);
  });

  test('randperm is a permutation', () => {
    expect([...randperm(100).toTypedArray()].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(randperm(0).shape).toEqual([0]);
  });

  test('multinomial draws rows of a matrix', () => {
    const indices = multinomial(
      tensor([
        [0, 1, 0],
        [1, 0, 0],
      ]),
      1,
    );
    expect([indices.dtype, indices.toArray()]).toEqual(['int32', [[1], [0]]]);
    expect(multinomial(tensor([0, 1]), 4, { replacement: true }).toArray()).toEqual([1, 1, 1, 1]);
  });
});

// torch 2.13: torch.manual_seed(0), torch.empty(4, 3).t().uniform_() and the like
describe('a strided tensor is drawn in the order of its memory, as PyTorch does', () => {
  const seeded = (draw: () => Tensor): Tensor => {
    manualSeed(0);
    return draw();
  };

  test.each<[name: string, strided: () => Tensor, order: (flat: Tensor) => Tensor]>([
    ['transposed', () => empty([4, 5]).t(), (flat) => flat.reshape([4, 5]).t()],
    ['permuted', () => empty([2, 5, 2]).permute([2, 0, 1]), (flat) => flat.reshape([2, 5, 2]).permute([2, 0, 1])],
    ['every other column', () => empty([4, 10]).slice(1, 0, 10, 2), (flat) => flat.reshape([4, 5])],
  ])('%s', (_, strided, order) => {
    expect(seeded(() => strided().uniform_(-1, 1)).toArray()).toEqual(
      order(seeded(() => empty([20]).uniform_(-1, 1))).toArray(),
    );
    const oneByOne = seeded(() => tensor(Array.from({ length: 20 }, () => empty([1]).normal_().item())));
    expect(seeded(() => strided().normal_()).toArray()).toEqual(order(oneByOne).toArray());
  });
});

describe('Generator', () => {
  test('the documented examples', () => {
    expect(String(rand([2], { generator: new Generator(42) }))).toBe('tensor([0.8823, 0.9150])');
    manualSeed(0);
    expect(String(rand([3]))).toBe('tensor([0.4963, 0.7682, 0.0885])');
  });

  test('keeps its seed, of which the low 32 bits count', () => {
    expect(new Generator(7).initialSeed()).toBe(7);
    expect(new Generator().manualSeed(9).initialSeed()).toBe(9);
    const draw = (seed: number) => rand([3], { generator: new Generator(seed) }).toArray();
    expect(draw(5)).toEqual(draw(5 + 2 ** 32));
  });

  test('a state is a copy', () => {
    const generator = new Generator(1);
    const state = generator.getState();
    state.fill(0);
    expect(rand([1], { generator }).toArray()).toEqual(rand([1], { generator: new Generator(1) }).toArray());
  });
});

const captured = (p: Tensor) => capture((x: Tensor) => bernoulli(x))(p);

function replayed(p: Tensor): Tensor {
  const draw = capture((x: Tensor) => bernoulli(x));
  draw(zeros(p.shape));
  return draw(p);
}

describe('refusals', () => {
  test.each<[call: () => unknown, error: new (message: string) => Error, message: string]>([
    [() => rand([2], { dtype: 'int32' }), DTypeError, 'rand: expected a float dtype, got int32'],
    [() => Reflect.apply(randn, undefined, [3]), ShapeError, 'randn: expected a shape as an array of sizes, got 3'],
    [() => rand([1], { seed: 1 } as object), ValueError, "rand: unknown option 'seed'"],
    [() => rand([1], { generator: 1 } as object), ValueError, 'generator must be a Generator, or null, got 1'],
    [() => randint(0, [2]), ValueError, 'randint: low must be below high, got [0, 0)'],
    [() => randint(0, 2 ** 40, [2]), ValueError, 'randint: high must be an integer, between'],
    [() => randperm(-1), ValueError, 'randperm: n must be an integer, between 0'],
    [() => normal(0, -1, [2]), ValueError, 'normal: std must be at least 0, got -1'],
    [() => normal(zeros([2]), tensor([1, -1])), ValueError, 'normal: every standard deviation must be at least 0'],
    [() => bernoulli(tensor([1.5])), ValueError, 'bernoulli: every probability must be in [0, 1]'],
    [() => bernoulli(tensor([0.5, Number.NaN])), ValueError, 'bernoulli: every probability must be in [0, 1]'],
    [() => empty([2]).bernoulli_(tensor(Number.NaN)), ValueError, 'bernoulli: every probability must be in [0, 1]'],
    [() => captured(tensor([0.5, Number.NaN])), ValueError, 'bernoulli: every probability must be in [0, 1]'],
    [() => replayed(tensor([0.5, Number.NaN])), ValueError, 'bernoulli: every probability must be in [0, 1]'],
    [
      () => bernoulli(tensor([1], { dtype: 'int32' })),
      DTypeError,
      'bernoulli: probabilities must be floats, got int32',
    ],
    [() => empty([1]).bernoulli_(2), ValueError, 'bernoulli_: p must be a Tensor or a number in [0, 1], got 2'],
    [() => empty([1]).uniform_(1, 0), ValueError, 'uniform_: expected from <= to, got [1, 0)'],
    [() => empty([1], { dtype: 'int32' }).uniform_(), DTypeError, 'uniform_: expected a float tensor, got int32'],
    [() => empty([1]).normal_(0, -1), ValueError, 'normal_: std must be at least 0, got -1'],
    [() => empty([1]).exponential_(0), ValueError, 'exponential_: lambd must be above 0, got 0'],
    [() => empty([1]).cauchy_(0, 0), ValueError, 'cauchy_: sigma must be above 0, got 0'],
    [() => empty([1], { dtype: 'int32' }).cauchy_(), DTypeError, 'cauchy_: expected a float tensor, got int32'],
    [() => empty([1]).logNormal_(0, 0), ValueError, 'logNormal_: std must be above 0, got 0'],
    [() => empty([1], { dtype: 'int32' }).logNormal_(), DTypeError, 'logNormal_: expected a float tensor, got int32'],
    [() => empty([1]).geometric_(0), ValueError, 'geometric_: p must be in (0, 1), got 0'],
    [() => empty([1], { dtype: 'bool' }).geometric_(0.5), DTypeError, 'geometric_: not defined for bool tensors'],
    [
      () => empty([1], { dtype: 'int32' }).geometric_(1e-9),
      ValueError,
      'geometric_: numbers of trials for p = 1e-9 may not fit int32; draw into a float64 tensor',
    ],
    [() => empty([1]).geometric_(1), ValueError, 'geometric_: p must be in (0, 1), got 1'],
    [() => empty([1]).random_(1, 1), ValueError, 'random_: expected from < to, got [1, 1)'],
    [() => multinomial(tensor([1, 1]), 3), ValueError, 'cannot draw 3 samples without replacement from 2 categories'],
    [() => multinomial(tensor([[[1]]]), 1), ShapeError, 'multinomial: weights must be 1-d or 2-d, got [1, 1, 1]'],
    [() => manualSeed(0.5), ValueError, 'manualSeed: seed must be an integer'],
    [() => new Generator(1).setState(new Int32Array(3)), FormatError, 'setState: state must be an Int32Array of'],
    [
      () => Reflect.apply(normal, undefined, [0, 1]),
      ShapeError,
      'normal: expected a shape as an array of sizes, got undefined',
    ],
  ])('%s', (call, error, message) => {
    expect(call).toThrow(error);
    expect(call).toThrow(message);
  });
});

describe('states that no generator was in', () => {
  const changed = (change: (state: Int32Array) => void) => {
    const state = new Generator(1).getState();
    change(state);
    return state;
  };

  test.each<[name: string, state: unknown, message: string]>([
    ['a position beyond the state', changed((s) => s.fill(2 ** 30, 624, 625)), 'its position is 1073741824'],
    ['a negative position', changed((s) => s.fill(-1, 624, 625)), 'its position is -1'],
    ['a mark that is neither 0 nor 1', changed((s) => s.fill(7, 625, 626)), 'its mark of a cached normal is 7'],
    ['a cached normal that is NaN', changed((s) => s.fill(-1, 626, 628)), 'its cached normal is NaN'],
    ['too few words', new Int32Array(10), 'state must be an Int32Array of 628 words'],
    ['numbers in an array', [...new Generator(1).getState()], 'state must be an Int32Array of 628 words'],
    ['floats', Float32Array.from(new Generator(1).getState()), 'state must be an Int32Array of 628 words'],
    ['null', null, 'got null'],
  ])('%s', (_, state, message) => {
    const generator = new Generator(5);
    const expected = rand([3], { generator: new Generator(5) }).toArray();
    expect(() => generator.setState(state as never)).toThrow(FormatError);
    expect(() => generator.setState(state as never)).toThrow(message);
    expect(rand([3], { generator }).toArray()).toEqual(expected);
  });

  test('a state of another realm is one', () => {
    const state = new Generator(1).getState();
    randn([1], { generator: new Generator(1).setState(state) });
    const foreign = runInNewContext('Int32Array').from(state) as Int32Array;
    expect(rand([3], { generator: new Generator(9).setState(foreign) }).toArray()).toEqual(
      rand([3], { generator: new Generator(1) }).toArray(),
    );
  });
});

describe('bounds that are none', () => {
  const x = () => zeros([3]);
  test.each<[name: string, call: () => unknown]>([
    ['random_ up to a fraction', () => x().random_(0, 0.5)],
    ['random_ up to infinity', () => x().random_(0, Number.POSITIVE_INFINITY)],
    ['random_ up to 2 ** 64', () => x().random_(0, 2 ** 64)],
    ['random_ up to NaN', () => x().random_(0, Number.NaN)],
    ['random_ from a text', () => x().random_('0' as never, 5)],
    ['random_ without an end', () => Reflect.apply(x().random_, x(), [0])],
    ['uniform_ up to infinity', () => x().uniform_(0, Number.POSITIVE_INFINITY)],
    ['uniform_ over more than float32 holds', () => x().uniform_(-3e38, 3e38)],
    ['uniform_ between texts', () => x().uniform_('0' as never, '1' as never)],
    ['normal_ of a text', () => x().normal_('0' as never, 1)],
    ['normal_ of NaN', () => x().normal_(0, Number.NaN)],
    ['exponential_ of a text', () => x().exponential_('1' as never)],
    ['geometric_ of a text', () => x().geometric_('0.5' as never)],
    ['bernoulli_ of a text', () => x().bernoulli_('0.5' as never)],
    ['normal of texts', () => normal('0' as never, '1' as never, [2])],
    ['randint of infinity', () => randint(Number.POSITIVE_INFINITY, [2])],
    ['randperm of a fraction', () => randperm(0.5)],
    ['a seed that is a fraction', () => manualSeed(0.5)],
    ['a seed that is a BigInt', () => manualSeed(1n as never)],
    ['a seed that is null', () => new Generator(null as never)],
  ])('%s', (_, call) => {
    expect(call).toThrow(ValueError);
  });

  test('random_ with a bad bound leaves the tensor as it was', () => {
    const target = ones([3]);
    expect(() => target.random_(0, 0.5)).toThrow('random_: to must be an integer');
    expect(target.toArray()).toEqual([1, 1, 1]);
  });
});

describe('draws that are functions of others, as PyTorch draws them', () => {
  const seeded = (x: Tensor, fill: (x: Tensor) => Tensor): { values: number[]; next: number } => {
    manualSeed(7);
    const values = [...(fill(x).contiguous().toTypedArray() as Float64Array)];
    return { values, next: rand([1]).item() };
  };
  const next = 0.28683900833129883;

  test.each([
    [
      'cauchy_',
      (x: Tensor) => x.cauchy_(1, 2),
      [
        -0.6611115499249394, -0.7224061115390794, 5.323784455837047, 2.0725666595542256, 9.054664112297473,
        4.625710523436556,
      ],
    ],
    ['geometric_', (x: Tensor) => x.geometric_(0.3), [4, 4, 1, 2, 1, 1]],
    [
      'logNormal_',
      (x: Tensor) => x.logNormal_(0.5, 0.25),
      [
        1.5893120118287583, 2.0067877807382075, 2.089041612618788, 1.2478399227396038, 2.5160684175378982,
        1.3182340898446352,
      ],
    ],
  ] as const)('%s', (_, fill, expected) => {
    const wide = seeded(empty([2, 3], { dtype: 'float64' }), fill);
    expect(wide.next).toBe(next);
    for (const [i, value] of expected.entries()) expect(wide.values[i]! / value).toBeCloseTo(1, 13);
    const single = seeded(empty([2, 3]), fill);
    expect(single.next).toBe(next);
    for (const [i, value] of expected.entries()) expect(single.values[i]! / value).toBeCloseTo(1, 6);
    const step = capture((x: Tensor) => fill(x).clone());
    for (let i = 0; i < 2; i++) {
      manualSeed(7);
      expect([...(step(empty([2, 3])).toTypedArray() as Float32Array)]).toEqual(single.values);
    }
  });

  test('twenty normals, not as a block', () => {
    const { values, next } = seeded(empty([20]), (x) => x.logNormal_());
    const expected = [
      2.0267019271850586, 13.095682144165039, 18.058982849121094, 0.29267629981040955, 79.96429443359375,
    ];
    for (const [i, value] of expected.entries()) expect(values[i]! / value).toBeCloseTo(1, 6);
    expect(values[19]! / 156.21035766601562).toBeCloseTo(1, 6);
    expect(next).toBe(0.7405239939689636);
  });

  test('in the order of memory, and whole numbers', () => {
    expect(seeded(empty([3, 2]).t(), (x) => x.geometric_(0.2)).values).toEqual([6, 1, 1, 6, 2, 1]);
    expect(seeded(empty([5], { dtype: 'int32' }), (x) => x.geometric_(0.2)).values).toEqual([6, 6, 1, 2, 1]);
  });

  test.each([
    ['cauchy_', (x: Tensor) => x.cauchy_()],
    ['geometric_', (x: Tensor) => x.geometric_(0.5)],
    ['logNormal_', (x: Tensor) => x.logNormal_()],
    ['normal_', (x: Tensor) => x.normal_()],
  ] as const)('%s draws nothing where it is refused', (_, fill) => {
    manualSeed(7);
    const expected = rand([1]).item();
    manualSeed(7);
    expect(() => fill(empty([2], { requiresGrad: true }))).toThrow(AutogradError);
    expect(rand([1]).item()).toBe(expected);
  });
});
