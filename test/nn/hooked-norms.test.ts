import { readFileSync } from 'node:fs';
import { capture, manualSeed, NablaError, nn, noGrad, ones, optim, randn, type Tensor } from 'nabla';
import { describe, expect, it } from 'vitest';
import { decodeTensor, type EncodedTensor, expectClose } from '../recorded.js';

type State = Readonly<Record<string, EncodedTensor>>;
type Net = nn.Module<[x: Tensor], Tensor>;

/** See fixtures/hooked_norms.py. */
interface Case {
  readonly layer: 'Linear' | 'Conv1d' | 'Conv2d' | 'ConvTranspose1d';
  readonly args: readonly number[];
  readonly how: 'weight_norm' | 'spectral_norm';
  readonly options: Readonly<Record<string, unknown>>;
  readonly plain: State;
  readonly x: EncodedTensor;
  readonly before: State;
  readonly outputs: readonly EncodedTensor[];
  readonly after: State;
  readonly evaluated: EncodedTensor;
  readonly removed: State;
}

const { weightNorm, removeWeightNorm, spectralNorm, removeSpectralNorm } = nn.utils;
const cases = JSON.parse(
  readFileSync(new URL('../fixtures/hooked-norms.json', import.meta.url), 'utf8'),
) as readonly Case[];

function expectState(module: Net, expected: State): void {
  const state = module.stateDict();
  expect(Object.keys(state).sort()).toEqual(Object.keys(expected).sort());
  for (const [key, value] of Object.entries(state)) {
    expect(value.shape).toEqual(expected[key]!.shape);
    expectClose(value, expected[key]!.values, 1e-12);
  }
}

const camel = ([key, value]: [string, unknown]) => [key.replace(/_(\w)/g, (_, c: string) => c.toUpperCase()), value];

function made({ layer, args, how, options, plain }: Case): Net {
  const module: Net = Reflect.construct(nn[layer], [...args, { dtype: 'float64' }]);
  module.loadStateDict(Object.fromEntries(Object.entries(plain).map(([key, value]) => [key, decodeTensor(value)])));
  manualSeed(6);
  const named = Object.fromEntries(Object.entries(options).map(camel)) as object;
  return how === 'weight_norm' ? weightNorm(module, named) : spectralNorm(module, named);
}

describe.each(cases)('$how of $layer with $options', (one) => {
  const steps = (module: Net, how: 'plain' | 'captured'): Tensor[] => {
    const optimizer = new optim.SGD(module.parameters(), { lr: 0.1 });
    const step = (x: Tensor) => {
      optimizer.zeroGrad();
      const y = module.forward(x);
      y.pow(2).sum().backward();
      optimizer.step();
      return y.detach();
    };
    const x = decodeTensor(one.x);
    const run = how === 'plain' ? step : capture(step);
    return one.outputs.map(() => run(x).clone());
  };

  it.each(['plain', 'captured'] as const)('is what PyTorch computes and keeps (%s)', (how) => {
    const module = made(one);
    expectState(module, one.before);
    for (const [i, y] of steps(module, how).entries()) expectClose(y, one.outputs[i]!.values, 1e-12);
    expectState(module, one.after);
    module.eval();
    expectClose(module.forward(decodeTensor(one.x)), one.evaluated.values, 1e-12);
    expectState(module, one.after);
    if (one.how === 'weight_norm') removeWeightNorm(module);
    else removeSpectralNorm(module);
    expectState(module, one.removed);
    expect(module.parameters().every((p) => p instanceof nn.Parameter && p.isLeaf)).toBe(true);
    expectClose(module.forward(decodeTensor(one.x)), one.evaluated.values, 1e-12);
  });

  it('is loaded, and copied with parts of its own', () => {
    const [module, other] = [made(one), made(one)];
    steps(module, 'plain');
    const copy = module.clone();
    other.loadStateDict(module.stateDict());
    const x = decodeTensor(one.x);
    const [wanted, ...got] = [module, copy, other].map((net) => net.eval().forward(x).toArray());
    expect(got).toEqual([wanted, wanted]);
    for (const p of copy.parameters()) noGrad(() => p.fill_(1));
    expect(module.forward(x).toArray()).toEqual(wanted);
    expect(copy.forward(x).toArray()).not.toEqual(wanted);
  });
});

describe('weights that are computed at the start of forward', () => {
  it('can be set by what sets weights before the first forward of spectralNorm, and not after', () => {
    const layer = spectralNorm(new nn.Linear(2, 2));
    nn.init.constant_(layer.weight.data, 3);
    expect(layer.stateDict().weight_orig!.toArray()).toEqual([
      [3, 3],
      [3, 3],
    ]);
    layer.forward(ones([1, 2]));
    nn.init.constant_(layer.weight.data, 5);
    expect(layer.stateDict().weight_orig!.select(0, 0).toArray()).toEqual([3, 3]);
  });

  it('are the same whenever they are read within one forward, and in evaluation', () => {
    manualSeed(0);
    class Twice extends nn.Module<[Tensor], Tensor> {
      weight = new nn.Parameter(randn([3, 3]));
      override forward(x: Tensor): Tensor {
        return x.matmul(this.weight).sub(x.matmul(this.weight));
      }
    }
    const layer = spectralNorm(new Twice());
    const before = layer.stateDict().weight_u!.toArray();
    expect(layer.forward(ones([1, 3])).toArray()).toEqual([[0, 0, 0]]);
    const after = layer.stateDict().weight_u!.toArray();
    expect(after).not.toEqual(before);
    void layer.weight;
    layer.eval().forward(ones([1, 3]));
    expect(layer.stateDict().weight_u!.toArray()).toEqual(after);
  });

  it('are of any name, and of several', () => {
    const lstm = weightNorm(weightNorm(new nn.LSTM(2, 3), 'weightHhL0'), 'weightIhL0');
    expect(
      Object.keys(lstm.stateDict())
        .filter((name) => name.startsWith('weight'))
        .sort(),
    ).toEqual(['weight_hh_l0_g', 'weight_hh_l0_v', 'weight_ih_l0_g', 'weight_ih_l0_v']);
    const x = randn([4, 1, 2]);
    const wanted = lstm.forward(x).output;
    const plain = removeWeightNorm(removeWeightNorm(lstm, 'weightHhL0'), 'weightIhL0');
    expect(plain.forward(x).output.sub(wanted).abs().max().item()).toBeLessThan(1e-6);
  });

  it('refuses what cannot be', () => {
    const layer = weightNorm(new nn.Linear(2, 3));
    expect(() => weightNorm(layer)).toThrow('weightNorm: weight has been normalised already');
    expect(() => spectralNorm(layer)).toThrow('spectralNorm: weight has been normalised already');
    expect(() => removeSpectralNorm(layer)).toThrow("removeSpectralNorm: 'weight' of Linear has no spectralNorm");
    expect(() => Reflect.set(layer, 'weight', new nn.Parameter(ones([3, 2])))).toThrow(
      'weightNorm: weight is made of weight_g, weight_v; set these',
    );
    expect(() => weightNorm(new nn.Linear(2, 3), 'no')).toThrow("Linear has no parameter or buffer 'no'");
    expect(() => weightNorm(new nn.Linear(2, 3), { dim: 2 })).toThrow('weightNorm: dim must be less than 2');
    expect(() => spectralNorm(new nn.Linear(2, 3), 'bias')).toThrow('two dimensions or more, got 1');
    expect(() => spectralNorm(new nn.Linear(2, 3), { nPowerIterations: 0 })).toThrow(NablaError);
    expect(() => weightNorm(new nn.BatchNorm1d(2), 'runningMean')).toThrow('must be a Parameter');
    expect(Object.keys(layer.stateDict())).toEqual(['bias', 'weight_g', 'weight_v']);
  });
});
