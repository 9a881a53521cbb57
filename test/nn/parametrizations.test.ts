import { readFileSync } from 'node:fs';
import {
  capture,
  eye,
  gradcheck,
  manualSeed,
  NablaError,
  nn,
  noGrad,
  ones,
  optim,
  randn,
  type Tensor,
  tensor,
} from 'nabla';
import { describe, expect, it } from 'vitest';
import { expectSame } from '../capture/same.js';
import { decodeTensor, type EncodedTensor, expectClose as expectValues } from '../recorded.js';

type State = Readonly<Record<string, EncodedTensor>>;
type Net = nn.Module<[x: Tensor], Tensor>;

/** See fixtures/parametrizations.py. */
interface Case {
  readonly layer: 'Linear' | 'Conv1d' | 'ConvTranspose1d';
  readonly args: readonly number[];
  readonly how: keyof typeof functions;
  readonly options: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly plain: State;
  readonly state: State;
  readonly x: EncodedTensor;
  readonly upstream: EncodedTensor;
  readonly outputs: readonly EncodedTensor[];
  readonly after: State;
  readonly gradients: State;
  readonly evaluated: EncodedTensor;
}

const { parametrizations, parametrize } = nn.utils;
const functions = {
  weight_norm: parametrizations.weightNorm,
  spectral_norm: parametrizations.spectralNorm,
  orthogonal: parametrizations.orthogonal,
};
const cases = JSON.parse(
  readFileSync(new URL('../fixtures/parametrizations.json', import.meta.url), 'utf8'),
) as readonly Case[];

function expectClose(actual: Tensor, expected: EncodedTensor): void {
  expect(actual.shape).toEqual(expected.shape);
  expectValues(actual, expected.values, 1e-12);
}

function expectState(module: Net, expected: State): void {
  const state = module.stateDict();
  expect(Object.keys(state)).toEqual(Object.keys(expected));
  for (const [key, value] of Object.entries(state)) expectClose(value, expected[key]!);
}

const camel = ([key, value]: [string, unknown]) => [key.replace(/_(\w)/g, (_, c: string) => c.toUpperCase()), value];

function made({ layer, args, how, options, plain }: Case): Net {
  const module: Net = Reflect.construct(nn[layer], [...args, { dtype: 'float64' }]);
  module.loadStateDict(Object.fromEntries(Object.entries(plain).map(([key, value]) => [key, decodeTensor(value)])));
  manualSeed(11);
  const named = Object.fromEntries(Object.entries(options).map(camel)) as object;
  return (functions[how] as (module: Net, options: object) => Net)(module, named);
}

describe.each(cases)('$how of $layer with $options', (one) => {
  it('is what PyTorch computes, prints and keeps', () => {
    const module = made(one);
    expect(String(module)).toBe(one.text);
    expectState(module, one.state);
    const x = decodeTensor(one.x);
    const outputs = one.outputs.map(() => module.forward(x));
    for (const [i, y] of outputs.entries()) expectClose(y.detach(), one.outputs[i]!);
    outputs.at(-1)!.backward(decodeTensor(one.upstream));
    expectState(module, one.after);
    for (const [key, parameter] of module.namedParameters()) expectClose(parameter.grad!, one.gradients[key]!);
    expectClose(module.eval().forward(x).detach(), one.evaluated);
  });

  it('captured learns the same, in clones too', () => {
    const plain = made(one);
    const replayed = plain.clone();
    const x = decodeTensor(one.x);
    const stepOf = (module: Net) => {
      const sgd = new optim.SGD(module.parameters(), { lr: 0.1 });
      return (x: Tensor) => {
        sgd.zeroGrad();
        const loss = module.forward(x).square().mean();
        loss.backward();
        sgd.step();
        return loss.detach();
      };
    };
    const [a, b] = [stepOf(plain), capture(stepOf(replayed))];
    for (let i = 0; i < 4; i++) expectSame(b(x), a(x));
    const [got, expected] = [replayed.stateDict(), plain.stateDict()];
    for (const key of Object.keys(expected)) expectSame(got[key]!, expected[key]!);
  });
});

class Symmetric extends nn.Module<[x: Tensor], Tensor> {
  forward(x: Tensor): Tensor {
    return x.triu().add(x.triu(1).t());
  }
}

class Doubled extends nn.Module<[x: Tensor], Tensor> {
  forward(x: Tensor): Tensor {
    return x.mul(2);
  }

  rightInverse(y: Tensor): Tensor {
    return y.div(2);
  }
}

describe('orthogonal', () => {
  const { orthogonal } = parametrizations;

  it('keeps an orthogonal weight, and makes one of what is assigned', () => {
    for (const orthogonalMap of ['matrix_exp', 'cayley', 'householder'] as const) {
      const layer = new nn.Linear(3, 3, { dtype: 'float64' });
      nn.init.orthogonal_(layer.weight);
      const before = layer.weight.detach().clone();
      orthogonal(layer, { orthogonalMap });
      expect(layer.weight.allclose(before)).toBe(true);
      const turned = tensor([
        [0, 1, 0],
        [0, 0, -1],
        [1, 0, 0],
      ]).double();
      layer.weight = turned as nn.Parameter;
      expect(layer.weight.allclose(turned)).toBe(true);
      layer.weight = turned.mul(2) as nn.Parameter;
      expect(layer.weight.allclose(turned)).toBe(true);
    }
  });

  it('has gradients that differences confirm, of batches and wide matrices too', () => {
    for (const orthogonalMap of ['matrix_exp', 'cayley', 'householder'] as const) {
      for (const shape of [
        [3, 3],
        [2, 4, 2],
        [2, 3],
      ]) {
        manualSeed(1);
        const layer = new nn.Bilinear(1, 1, 1, { dtype: 'float64' });
        layer.weight = new nn.Parameter(randn(shape, { dtype: 'float64' }));
        orthogonal(layer, { orthogonalMap });
        const { parametrizations: lists } = layer as unknown as { parametrizations: nn.ModuleDict };
        const map = (lists.get('weight') as nn.utils.parametrize.ParametrizationList)[0]!;
        const signs = layer
          .parameters()
          .find((one) => one.ndim === shape.length)!
          .detach();
        // Only the sign of the diagonal counts, of which there is no derivative.
        const free = signs.eq(0).double();
        const of = (x: Tensor) => (map.forward as (x: Tensor) => Tensor)(signs.add(x.mul(free)));
        expect(gradcheck(of, [randn(shape, { dtype: 'float64', requiresGrad: true })])).toBe(true);
      }
    }
  });

  it('stays orthogonal while it learns', () => {
    manualSeed(2);
    const layer = orthogonal(new nn.Linear(4, 6, { dtype: 'float64' }));
    const adam = new optim.Adam(layer.parameters(), { lr: 0.1 });
    const step = capture((x: Tensor) => {
      adam.zeroGrad();
      const loss = layer.forward(x).sub(1).square().mean();
      loss.backward();
      adam.step();
      return loss;
    });
    const x = randn([8, 4], { dtype: 'float64' });
    const losses = Array.from({ length: 20 }, () => step(x).item());
    expect(losses.at(-1)!).toBeLessThan(losses[0]! / 2);
    expect(
      layer.weight
        .t()
        .matmul(layer.weight)
        .allclose(eye(4, { dtype: 'float64' })),
    ).toBe(true);
  });

  it('refuses what is no matrix, and assignments that the maps have no inverse of', () => {
    expect(() => orthogonal(new nn.Linear(2, 2), 'bias')).toThrow(
      'expected bias to be matrices, (…, m, n), got shape [2]',
    );
    expect(() => orthogonal(new nn.Linear(2, 2), { orthogonalMap: 'exp' as 'cayley' })).toThrow(
      /unknown orthogonalMap 'exp'/,
    );
    expect(() => orthogonal(new nn.Linear(2, 2), 'wait')).toThrow(/no parameter or buffer 'wait'/);
    const layer = orthogonal(new nn.Linear(2, 2), { useTrivialization: false });
    expect(() => {
      layer.weight = ones([2, 2]) as nn.Parameter;
    }).toThrow(/_Orthogonal: it has no rightInverse/);
    const other = orthogonal(new nn.Linear(2, 2));
    expect(() => {
      other.weight = ones([2, 3]) as nn.Parameter;
    }).toThrow('orthogonal: expected shape [2, 2], got [2, 3]');
  });
});

describe('parametrize', () => {
  it('knows what a module was, and shares parametrizations', () => {
    const layer = parametrizations.weightNorm(new nn.Linear(2, 3));
    expect(parametrize.typeBeforeParametrizations(layer)).toBe(nn.Linear);
    expect(parametrize.typeBeforeParametrizations(new nn.ReLU())).toBe(nn.ReLU);
    const other = parametrize.transferParametrizationsAndParams(layer, new nn.Linear(2, 3));
    expectSame(other.weight.detach(), layer.weight.detach());
    expect(Object.keys(other.stateDict())).toEqual(Object.keys(layer.stateDict()));
    layer.parameters().at(-1)!.data = ones([3, 2]);
    expectSame(other.weight.detach(), layer.weight.detach());
    expect(other.parameters()).toContain(layer.parameters().at(-1));

    const empty = parametrize.transferParametrizationsAndParams(layer, new nn.Identity(), 'weight');
    expect(Object.keys(empty.stateDict())).toEqual(Object.keys(layer.stateDict()).filter((key) => key !== 'bias'));
    expect(parametrize.transferParametrizationsAndParams(new nn.Linear(2, 3), empty)).toBe(empty);
    expect(() => parametrize.transferParametrizationsAndParams(layer, other)).toThrow(/is parametrized already/);
    expect(() => parametrize.transferParametrizationsAndParams(layer, new nn.Linear(2, 3), 'bias')).toThrow(
      /'bias' of ParametrizedLinear is not parametrized/,
    );
    expect(() => parametrize.transferParametrizationsAndParams(layer, new nn.Linear(2, 4))).toThrow(
      /must be alike in both modules, got float32 \[3, 2\] of ParametrizedLinear and float32 \[4, 2\] of Linear/,
    );
  });

  it('keeps the parameter that an optimizer knows, and starts from its value', () => {
    const layer = new nn.Linear(2, 2);
    const { weight } = layer;
    const before = weight.toArray();
    parametrize.registerParametrization(layer, 'weight', new Doubled());
    expect(layer.weight.toArray()).toEqual(before);
    expect(layer.parameters()).toContain(weight);
    expect(weight.mul(2).toArray()).toEqual(before);
    layer.weight = ones([2, 2]) as nn.Parameter;
    expect(weight.toArray()).toEqual([
      [0.5, 0.5],
      [0.5, 0.5],
    ]);
  });

  it('applies several in their order, and takes them away again', () => {
    const layer = new nn.Linear(2, 2);
    layer.weight.data = tensor([
      [1, 2],
      [3, 4],
    ]);
    const { weight } = layer;
    parametrize.registerParametrization(layer, 'weight', new Doubled());
    parametrize.registerParametrization(layer, 'weight', new Symmetric());
    const expected = [
      [1, 2],
      [2, 4],
    ];
    expect(layer.weight.toArray()).toEqual(expected);
    expect(parametrize.isParametrized(layer)).toBe(true);
    expect(() => {
      layer.weight = ones([2, 2]) as nn.Parameter;
    }).toThrow(/Symmetric: it has no rightInverse/);
    parametrize.removeParametrizations(layer, 'weight');
    expect(layer.weight).toBe(weight);
    expect(weight.toArray()).toEqual(expected);
    expect(String(layer)).toBe('Linear(in_features=2, out_features=2, bias=True)');
    expect(parametrize.isParametrized(layer)).toBe(false);
    expect(Object.keys(layer.stateDict())).toEqual(['weight', 'bias']);
  });

  it('gives the original back where that is asked for', () => {
    const layer = new nn.Linear(2, 2);
    const [before, weight] = [layer.weight.toArray(), layer.weight];
    parametrize.registerParametrization(layer, 'weight', new Symmetric());
    parametrize.registerParametrization(layer, 'bias', new Doubled());
    parametrize.removeParametrizations(layer, 'weight', false);
    expect(layer.weight).toBe(weight);
    expect(weight.toArray()).toEqual(before);
    expect(Object.keys(layer.stateDict())).toEqual(['weight', 'parametrizations.bias.original']);
  });

  it('leaves the module as it was where something is refused', () => {
    class Flat extends nn.Module<[x: Tensor], Tensor> {
      forward(x: Tensor): Tensor {
        return x.reshape([-1]);
      }

      rightInverse(x: Tensor): Tensor {
        return x.mul(0);
      }
    }
    const layer = new nn.Linear(2, 2);
    const before = layer.weight.toArray();
    expect(() => parametrize.registerParametrization(layer, 'weight', new Flat())).toThrow(
      /Flat makes shape \[4\] of a tensor of shape \[2, 2\]; pass { unsafe: true }/,
    );
    expect(layer.weight.toArray()).toEqual(before);
    expect(parametrize.isParametrized(layer)).toBe(false);
    expect(() => parametrize.registerParametrization(layer, 'wait' as 'weight', new Doubled())).toThrow(NablaError);
    expect(() => parametrize.registerParametrization(layer, 'inFeatures', new Doubled())).toThrow(/no parameter or/);
    expect(() => parametrize.removeParametrizations(layer, 'weight')).toThrow(/is not parametrized/);
    const normed = parametrizations.weightNorm(new nn.Linear(2, 2));
    expect(() => parametrize.removeParametrizations(normed, 'weight', false)).toThrow(/made of 2 tensors/);
    expect(() => parametrizations.weightNorm(new nn.Linear(2, 2), { dim: 2 })).toThrow(/dim must be less than 2/);
    expect(() => parametrizations.spectralNorm(new nn.Linear(2, 2), { dim: 2 })).toThrow(/dim must be between/);
    expect(() => parametrizations.spectralNorm(new nn.Linear(2, 2), { nPowerIterations: 0 })).toThrow(NablaError);
    expect(() => parametrizations.spectralNorm(new nn.Linear(2, 2), 'bios')).toThrow(/'bios'/);
  });

  it('treats buffers alike', () => {
    const norm = new nn.BatchNorm1d(2);
    parametrize.registerParametrization(norm, 'runningMean', new Doubled());
    expect(norm.namedBuffers().map(([name]) => name)).toEqual([
      'running_var',
      'num_batches_tracked',
      'parametrizations.running_mean.original',
    ]);
    parametrize.removeParametrizations(norm, 'runningMean');
    expect(norm.namedBuffers().map(([name]) => name)).toContain('running_mean');
  });

  it('makes a tensor once within cached', () => {
    const layer = parametrizations.spectralNorm(new nn.Linear(3, 3));
    const u = () => (layer.stateDict()['parametrizations.weight.0._u'] as Tensor).toArray();
    parametrize.cached(() => {
      layer.forward(randn([1, 3]));
      const once = u();
      layer.forward(randn([1, 3]));
      expect(u()).toEqual(once);
    });
    expect(noGrad(() => layer.weight)).not.toBe(layer.weight);
  });
});

describe('weightNorm takes a state of its older form', () => {
  const { utils } = nn;
  const x = randn([2, 3]);

  it('alone, within others, of another name, and in a copy', () => {
    const old = new nn.Sequential(utils.weightNorm(new nn.Linear(3, 4)), utils.weightNorm(new nn.Linear(4, 2), 'bias'));
    const made = () => {
      const normed = utils.parametrizations.weightNorm(new nn.Linear(4, 2), 'bias');
      return new nn.Sequential(utils.parametrizations.weightNorm(new nn.Linear(3, 4)), normed);
    };
    for (const model of [made(), made().clone()]) {
      expect(model.loadStateDict(old.stateDict())).toEqual({ missingKeys: [], unexpectedKeys: [] });
      expect(model.forward(x).toArray()).toEqual(old.forward(x).toArray());
    }
    const alone = utils.parametrizations.weightNorm(new nn.Linear(3, 4));
    alone.loadStateDict(old[0].stateDict());
    expect(alone.forward(x).toArray()).toEqual(old[0].forward(x).toArray());
  });

  it('only whole', () => {
    const { weight_v, ...half } = utils.weightNorm(new nn.Linear(3, 4)).stateDict();
    const model = utils.parametrizations.weightNorm(new nn.Linear(3, 4));
    expect(() => model.loadStateDict(half)).toThrow(/unexpected: weight_g/);
    expect(weight_v!.shape).toEqual([4, 3]);
  });
});
