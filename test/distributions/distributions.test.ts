import { readFileSync } from 'node:fs';
import {
  AutogradError,
  CaptureError,
  capture,
  distributions,
  Generator,
  grad,
  gradcheck,
  manualSeed,
  NablaError,
  ShapeError,
  type Tensor,
  tensor,
  ValueError,
} from 'nabla';
import { describe, expect, it } from 'vitest';
import { expectSame } from '../capture/same.js';
import { type EncodedTensor, expectClose as expectValues } from '../recorded.js';

type Nested = readonly number[] | readonly Nested[];
type Params = Readonly<Record<string, Nested>>;
type Given = readonly [name: Name, params: Params];
type Name =
  | 'Normal'
  | 'Laplace'
  | 'Uniform'
  | 'Exponential'
  | 'Gamma'
  | 'Beta'
  | 'Dirichlet'
  | 'Bernoulli'
  | 'Categorical'
  | 'Binomial'
  | 'Poisson'
  | 'MultivariateNormal';
type DType = 'float32' | 'float64';

/** See fixtures/distributions.py. */
interface Case {
  readonly name: Name;
  readonly params: Params;
  readonly batch: readonly number[];
  readonly event: readonly number[];
  readonly entropy: EncodedTensor | null;
  readonly values: Nested;
  readonly logProb: EncodedTensor;
  readonly mean: EncodedTensor;
  readonly mode: EncodedTensor;
  readonly variance: EncodedTensor;
  readonly samples: readonly EncodedTensor[];
  readonly gradients?: Readonly<Record<string, EncodedTensor>>;
}

interface Pair {
  readonly p: Given;
  readonly q: Given;
  readonly value: EncodedTensor;
}

const { cases, pairs } = JSON.parse(
  readFileSync(new URL('../fixtures/distributions.json', import.meta.url), 'utf8'),
) as { cases: readonly Case[]; pairs: readonly Pair[] };

const camel = (name: string) => name.replace(/_(\w)/g, (_, c: string) => c.toUpperCase());

type Tensors = Readonly<Record<string, Tensor>>;

const tensorsOf = (params: Params, dtype: DType = 'float64'): Tensors =>
  Object.fromEntries(
    Object.entries(params).map(([name, value]) => [camel(name), tensor(value as number[], { dtype })]),
  );

const made = (name: Name, params: Tensors): distributions.Distribution =>
  Reflect.construct(distributions[name], [params]);

function expectClose(actual: Tensor, expected: EncodedTensor, tolerance = 1e-12): void {
  expect(actual.shape).toEqual(expected.shape);
  expectValues(actual, expected.values, tolerance);
}

/** Matrices that stay what they must be where one element is changed. */
const shaped = (name: string, x: Tensor): Tensor => {
  if (name === 'scaleTril') return x.tril();
  return name.endsWith('Matrix') ? x.add(x.mT).div(2) : x;
};

const sampleShapes = [[3], [3, 20]];

describe.each(cases)('$name of $params', ({ name, params, ...one }) => {
  it('says what PyTorch says', () => {
    const found = made(name, tensorsOf(params));
    expect([found.batchShape, found.eventShape]).toEqual([one.batch, one.event]);
    const values = tensor(one.values as number[], { dtype: 'float64' });
    expectClose(found.logProb(values), one.logProb);
    expectClose(found.mean, one.mean);
    expectClose(found.mode, one.mode);
    expectClose(found.variance, one.variance);
    expectClose(found.stddev, {
      ...one.variance,
      values: one.variance.values.map((x) => (typeof x === 'number' ? Math.sqrt(x) : x)),
    });
    if (one.entropy === null) expect(() => found.entropy()).toThrow(/no formula/);
    else expectClose(found.entropy(), one.entropy);
  });

  it('draws what PyTorch draws', () => {
    const recorded = [...one.samples];
    for (const dtype of ['float32', 'float64'] as const) {
      for (const shape of sampleShapes) {
        manualSeed(7);
        const sample = made(name, tensorsOf(params, dtype)).sample(shape);
        const expected = recorded.shift()!;
        expect(sample.dtype).toBe(expected.dtype);
        expect(sample.requiresGrad).toBe(false);
        // Logarithms and powers differ by a last digit between the two.
        expectClose(sample, expected, dtype === 'float32' ? 3e-6 : 1e-13);
      }
    }
  });

  it('draws from the stream that is given', () => {
    const found = made(name, tensorsOf(params));
    const a = found.sample([5], { generator: new Generator().manualSeed(3) });
    const b = found.sample([5], { generator: new Generator().manualSeed(3) });
    expectSame(a, b);
    expect(found.sample([0]).shape).toEqual([0, ...one.batch, ...one.event]);
  });

  it('has gradients of logProb and entropy', () => {
    const names = Object.keys(tensorsOf(params));
    // At its limits a probability is clamped, and a Categorical's entries that are 0 have gradients of their own.
    const isInner = name !== 'Bernoulli' && !(name === 'Categorical' && 'probs' in params);
    if (!isInner) return;
    const values = tensor(one.values as number[], { dtype: 'float64' });
    const isEdge = name === 'Uniform' || name === 'Exponential';
    const leaves = names.map((key) => tensorsOf(params)[key]!.requiresGrad_(key !== 'totalCount'));
    const of =
      (use: (found: distributions.Distribution) => Tensor) =>
      (...given: Tensor[]) =>
        use(made(name, Object.fromEntries(names.map((key, i) => [key, shaped(key, given[i]!)]))));
    if (!isEdge)
      expect(
        gradcheck(
          of((found) => found.logProb(values)),
          leaves,
        ),
      ).toBe(true);
    if (one.entropy !== null)
      expect(
        gradcheck(
          of((found) => found.entropy()),
          leaves,
        ),
      ).toBe(true);
  });

  it('has samples with gradients, or says why not', () => {
    const leaves = Object.fromEntries(
      Object.entries(tensorsOf(params)).map(([key, value]) => [key, value.requiresGrad_(key !== 'totalCount')]),
    );
    const found = made(name, leaves);
    manualSeed(7);
    if (!found.hasRsample) {
      expect(() => found.rsample()).toThrow(/no gradients to the parameters; use sample/);
      return;
    }
    const sample = found.rsample([4]);
    sample.square().sum().backward();
    const recorded = one.gradients && Object.entries(one.gradients).map(([key, value]) => [camel(key), value]);
    const gradients = recorded && (Object.fromEntries(recorded) as Record<string, EncodedTensor>);
    for (const [key, leaf] of Object.entries(leaves)) {
      if (gradients !== undefined) expectClose(leaf.grad!, gradients[key]!, 1e-9);
      else expect(leaf.grad!.isfinite().all().item()).toBe(true);
    }
    manualSeed(7);
    expectSame(found.sample([4]), sample.detach());
  });

  it('captured says and draws the same, or is refused by name', () => {
    const found = made(name, tensorsOf(params));
    const values = tensor(one.values as number[], { dtype: 'float64' });
    const rate = capture((x: Tensor) => found.logProb(x));
    for (let i = 0; i < 3; i++) expectSame(rate(values), found.logProb(values));
    const isHost = ['Gamma', 'Beta', 'Dirichlet', 'Poisson', 'Binomial'].includes(name);
    const draw = capture(() => found.sample([4]));
    if (isHost) expect(() => draw()).toThrow(new RegExp(`${name}: sample: a captured function cannot draw`));
    else if (name !== 'Categorical') {
      manualSeed(1);
      const drawn = [draw(), draw(), draw()];
      manualSeed(1);
      for (const sample of drawn) expectSame(sample, found.sample([4]));
    }
  });
});

describe('klDivergence', () => {
  it.each(pairs)('of $p and $q is PyTorch’s', ({ p, q, value }) => {
    const [a, b] = [made(p[0], tensorsOf(p[1])), made(q[0], tensorsOf(q[1]))];
    expectClose(distributions.klDivergence(a, b), value, 1e-12);
  });

  it('has gradients', () => {
    const { Normal, Gamma, Beta, Laplace, klDivergence } = distributions;
    const leaves = [0.5, 1.5, 2.5, 0.75].map((x) => tensor([x], { dtype: 'float64', requiresGrad: true }));
    for (const type of [Normal, Gamma, Beta, Laplace]) {
      const of = (a: Tensor, b: Tensor, c: Tensor, d: Tensor) => klDivergence(new type(a, b), new type(c, d));
      expect(gradcheck(of, leaves)).toBe(true);
    }
  });

  it('names a pair without a formula', () => {
    const { Normal, Poisson, klDivergence } = distributions;
    expect(() => klDivergence(new Normal(0, 1), new Poisson(1))).toThrow(/no formula for Normal and Poisson/);
  });
});

describe('MultivariateNormal', () => {
  const { MultivariateNormal, Independent, Normal, klDivergence } = distributions;
  const covariance = tensor([
    [2, 0.5],
    [0.5, 1],
  ]);

  it('knows its matrices, whichever was given', () => {
    const one = new MultivariateNormal(tensor([0, 1]), covariance);
    const expected = { covarianceMatrix: covariance, precisionMatrix: covariance.inverse(), scaleTril: one.scaleTril };
    for (const [name, matrix] of Object.entries(expected)) {
      const same = new MultivariateNormal(tensor([[0, 1]]), { [name]: matrix });
      for (const [other, value] of Object.entries(expected)) {
        const found = same[other as keyof typeof expected];
        expect(found.shape).toEqual([1, 2, 2]);
        expect(found.allclose(value, { rtol: 1e-5 })).toBe(true);
      }
    }
    expect(one.covarianceMatrix.equal(covariance)).toBe(true);
  });

  it('with a diagonal is normal distributions beside each other', () => {
    const [loc, scale] = [tensor([0.5, -1, 2]).double(), tensor([0.5, 2, 1]).double()];
    const rows = new Independent(new Normal(loc, scale), 1);
    const one = new MultivariateNormal(loc, { scaleTril: scale.diag() });
    const x = tensor([
      [0, 1, 2],
      [3, -1, 0],
    ]).double();
    expect(one.logProb(x).allclose(rows.logProb(x))).toBe(true);
    expect(one.entropy().allclose(rows.entropy())).toBe(true);
    manualSeed(3);
    const sample = one.sample([7]);
    manualSeed(3);
    expect(sample.allclose(rows.sample([7]))).toBe(true);
    const other = new MultivariateNormal(loc.neg(), { scaleTril: scale.square().diag() });
    const others = new Independent(new Normal(loc.neg(), scale.square()), 1);
    expect(klDivergence(one, other).allclose(klDivergence(rows, others))).toBe(true);
  });

  it('keeps few matrices for large batches, of samples and of locations', () => {
    const one = new MultivariateNormal(
      tensor([
        [0, 1],
        [1, 2],
        [3, 4],
      ]),
      covariance,
    );
    const each = [0, 1, 2].map((i) => new MultivariateNormal(one.loc.select(0, i), covariance));
    const x = one.sample([5]);
    const found = one.logProb(x);
    expect(found.shape).toEqual([5, 3]);
    for (const [i, single] of each.entries()) expectSame(found.select(1, i), single.logProb(x.select(1, i)));
    expect(one.logProb(tensor([0, 0])).shape).toEqual([3]);
    expect(
      new MultivariateNormal(tensor([0, 0]), covariance.expand([4, 2, 2])).logProb(x.slice(1, 0, 1)).shape,
    ).toEqual([5, 4]);
  });

  it('has divergences and samples with gradients', () => {
    const leaves = [covariance, covariance.mul(2), tensor([0, 1]), tensor([-1, 0.5])].map((x) =>
      x.double().requiresGrad_(),
    );
    const of = (a: Tensor, b: Tensor, c: Tensor, d: Tensor) =>
      klDivergence(
        new MultivariateNormal(c, shaped('covarianceMatrix', a)),
        new MultivariateNormal(d, shaped('covarianceMatrix', b)),
      );
    expect(gradcheck(of, leaves)).toBe(true);
    const sampled = (a: Tensor, loc: Tensor) => {
      manualSeed(0);
      return new MultivariateNormal(loc, shaped('covarianceMatrix', a)).rsample([3]);
    };
    expect(gradcheck(sampled, [leaves[0]!, leaves[2]!])).toBe(true);
  });

  it('is made within captured functions, which look at matrices in replays too', () => {
    const loss = (matrix: Tensor) => {
      const one = new MultivariateNormal(tensor([0, 1]), matrix);
      return one
        .logProb(one.rsample([4]))
        .sum()
        .add(one.entropy());
    };
    const step = capture(loss);
    for (const scale of [1, 2, 3]) {
      manualSeed(scale);
      const found = step(covariance.mul(scale));
      manualSeed(scale);
      expectSame(found, loss(covariance.mul(scale)));
    }
    expect(() => step(covariance.neg())).toThrow('covarianceMatrix must be symmetric and positive definite');
  });

  it('refuses matrices that are none of a normal distribution', () => {
    const loc = tensor([0, 0]);
    expect(() => new MultivariateNormal(loc)).toThrow(
      'expected one of covarianceMatrix, precisionMatrix and scaleTril, got none',
    );
    expect(() => new MultivariateNormal(loc, covariance, { scaleTril: covariance })).toThrow(
      'got covarianceMatrix and scaleTril',
    );
    expect(
      () =>
        new MultivariateNormal(
          loc,
          tensor([
            [1, 2],
            [2, 1],
          ]),
        ),
    ).toThrow('symmetric and positive definite, got [1, 2, 2, 1]');
    expect(
      () =>
        new MultivariateNormal(
          loc,
          tensor([
            [1, 0.5],
            [0, 1],
          ]),
        ),
    ).toThrow('symmetric and positive definite');
    expect(
      () =>
        new MultivariateNormal(loc, {
          precisionMatrix: tensor([
            [1, 0],
            [0, -1],
          ]),
        }),
    ).toThrow(ValueError);
    expect(() => new MultivariateNormal(loc, { scaleTril: covariance })).toThrow(
      'lower triangular, with a diagonal above 0',
    );
    expect(
      () =>
        new MultivariateNormal(loc, {
          scaleTril: tensor([
            [1, 0],
            [0, 0],
          ]),
        }),
    ).toThrow('lower triangular');
    expect(() => new MultivariateNormal(tensor([0, Number.NaN]), covariance)).toThrow(
      'loc must be numbers, got [0, NaN]',
    );
    expect(() => new MultivariateNormal(tensor([0, 0, 0]), covariance)).toThrow(ShapeError);
    expect(() => new MultivariateNormal(tensor(0), covariance)).toThrow(ShapeError);
    expect(() => new MultivariateNormal(loc, tensor([1, 2]))).toThrow(ShapeError);
    expect(() => new MultivariateNormal(loc, tensor([[1, 2]]))).toThrow(ShapeError);
    expect(() => new MultivariateNormal(loc, covariance).logProb(tensor([1, 2, 3]))).toThrow(ShapeError);
    const other = new MultivariateNormal(tensor([0]), tensor([[1]]));
    expect(() => klDivergence(new MultivariateNormal(loc, covariance), other)).toThrow(
      'vectors of one size, got 2 and 1',
    );
    expect(
      () =>
        new MultivariateNormal(
          loc,
          tensor([
            [1, 2],
            [2, 1],
          ]),
          { validateArgs: false },
        ),
    ).toThrow('not positive definite');
  });
});

describe('Independent', () => {
  const base = new distributions.Normal(tensor([[0, 1, 2]]).expand([2, 3]), 2);

  it('sums over the last dims', () => {
    const rows = new distributions.Independent(base, 1);
    expect(String(rows)).toBe('Independent(batchShape: [2], eventShape: [3])');
    const x = tensor([0.5, 0.5, 0.5]);
    expectSame(rows.logProb(x), base.logProb(x).sum(-1));
    expectSame(rows.entropy(), base.entropy().sum(-1));
    expect(rows.rsample([4]).shape).toEqual([4, 2, 3]);
    const other = new distributions.Independent(new distributions.Normal(base.loc, 1), 1);
    expectSame(
      distributions.klDivergence(rows, other),
      distributions.klDivergence(base, new distributions.Normal(base.loc, 1)).sum(-1),
    );
    expect(new distributions.Independent(base, 0).logProb(x).shape).toEqual([2, 3]);
  });

  it('refuses more dims than there are', () => {
    expect(() => new distributions.Independent(base, 3)).toThrow(ShapeError);
    const flat = new distributions.Independent(base, 2);
    expect(() => distributions.klDivergence(flat, new distributions.Independent(base, 1))).toThrow(ValueError);
  });
});

describe('what is given', () => {
  const { Normal, Gamma, Bernoulli, Binomial, Categorical, Uniform, Dirichlet } = distributions;

  it('is checked, with the value that is wrong', () => {
    expect(() => new Normal(0, tensor([1, -2]))).toThrow('Normal: scale must be above 0, got -2');
    expect(() => new Normal(Number.NaN, 1)).toThrow('Normal: loc must be a number, got NaN');
    expect(() => new Uniform(1, 1)).toThrow('Uniform: high must be above low, got 1');
    expect(() => new Bernoulli(1.5)).toThrow('Bernoulli: probs must be in [0, 1], got 1.5');
    expect(() => new Bernoulli(0.5).logProb(0.5)).toThrow('Bernoulli: logProb: value must be 0 or 1, got 0.5');
    expect(() => new Categorical(tensor([1, 1])).logProb(2)).toThrow(
      'value must be a whole number, between 0 and 1, got 2',
    );
    expect(
      () =>
        new Categorical(
          tensor([
            [1, 1],
            [0, 0],
          ]),
        ),
    ).toThrow('got [0, 0]');
    expect(() => new Categorical(tensor(1))).toThrow(ShapeError);
    expect(() => new Dirichlet(tensor(1))).toThrow(ShapeError);
    expect(() => new Dirichlet(tensor([1, 2])).logProb(tensor([0.5, 0.6]))).toThrow(/got \[0.5, 0.6/);
    expect(() => new Gamma(1, 1).logProb(-1)).toThrow('Gamma: logProb: value must be at least 0, got -1');
    expect(() => new Binomial(1.5, 0.5)).toThrow('totalCount must be a whole number');
    const { klDivergence } = distributions;
    expect(() => klDivergence(new Binomial(3, 0.5), new Binomial(5, 0.5))).toThrow('a Binomial and one of more trials');
    expect(klDivergence(new Binomial(5, 0.5), new Binomial(3, 0.5)).item()).toBe(Number.POSITIVE_INFINITY);
    expect(() => new Bernoulli()).toThrow('expected either probs or logits, got neither');
    expect(() => new Bernoulli(0.5, 0.5)).toThrow('got both');
    expect(() => new Normal(tensor([0, 1]), 1).logProb(tensor([1, 2, 3]))).toThrow(ShapeError);
    expect(() => new Normal(0, 1).sample([-1])).toThrow(NablaError);
    expect(() => new Normal(0, 1, { validateArg: false } as object)).toThrow(/validateArgs/);
  });

  it('is taken as it is without validateArgs', () => {
    const normal = new Normal(0, -1, { validateArgs: false });
    expect(normal.logProb(0).isnan().item()).toBe(true);
    expect(new Bernoulli(0.5, { validateArgs: false }).logProb(0.5).item()).toBeCloseTo(-Math.LN2);
  });

  it('is looked at in replays too', () => {
    const rate = capture((x: Tensor) => new Gamma(2, 1).logProb(x));
    rate(tensor([1]));
    rate(tensor([2]));
    expect(() => rate(tensor([-1]))).toThrow(/value must be at least 0/);
  });

  it('decides the dtype: float64 where a tensor is, float32 otherwise', () => {
    expect(new Normal(0, tensor(1, { dtype: 'float64' })).sample().dtype).toBe('float64');
    expect(new Normal(tensor([1], { dtype: 'int32' }), 1).sample().dtype).toBe('float32');
  });
});

it('refuses derivatives of derivatives of gamma samples', () => {
  const c = tensor([2], { dtype: 'float64', requiresGrad: true });
  const [first] = grad(new distributions.Gamma(c, 1).rsample([3]).sum(), c, { createGraph: true });
  expect(() => grad(first!.sum(), c)).toThrow(AutogradError);
  expect(() => capture(() => new distributions.Poisson(3).sample())()).toThrow(CaptureError);
});
