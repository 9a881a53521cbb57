import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NablaError, noGrad, ones, optim, type Tensor, tensor, ValueError } from 'nabla';
import { decodeSafetensors, saveSafetensors } from 'nabla/io';
import { loadTorchOptimizer } from 'nabla/training';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FormatError } from '../../lib/errors.js';

interface Recorded {
  readonly name: Exclude<keyof typeof optim, 'Optimizer' | 'lrScheduler' | 'swaUtils'>;
  readonly shapes: readonly (readonly number[])[];
  readonly dtype: 'float32' | 'float64';
  readonly file: string;
  readonly lr: number;
  readonly before: readonly number[];
  readonly after: readonly number[];
}

const recorded = JSON.parse(
  readFileSync(new URL('../fixtures/torch-optimizer.json', import.meta.url), 'utf8'),
) as readonly Recorded[];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nabla-torch-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** The parameters that the recorded program had when it saved. */
const parametersOf = ({ before, shapes, dtype }: Recorded) => [
  tensor(before.slice(0, 6), { dtype })
    .reshape([...shapes[0]!])
    .requiresGrad_(),
  tensor(before.slice(6), { dtype })
    .reshape([...shapes[1]!])
    .requiresGrad_(),
];

/** What the recorded program trains on. */
const lossOf = ({ name }: Recorded, parameters: readonly Tensor[]): Tensor => {
  const one = (p: Tensor) => (name === 'LBFGS' ? p.pow(4).add(p.sub(2).square().mul(p)) : p.mul(p)).sum();
  return parameters.map(one).reduce((a, b) => a.add(b));
};

describe('loadTorchOptimizer', () => {
  it.each(recorded)("goes on as PyTorch's $name", async (one) => {
    const path = join(folder, `${one.name}.safetensors`);
    await writeFile(path, Buffer.from(one.file, 'base64'));
    const parameters = parametersOf(one);
    // Options other than the saved ones: they come from the file.
    const type = optim[one.name] as unknown as new (
      params: Tensor[],
      options: object,
    ) => optim.Optimizer<{ lr: number }, object>;
    const optimizer = new type(parameters, { lr: 7 });
    await loadTorchOptimizer(path, optimizer);
    expect(optimizer.paramGroups[0]).toMatchObject({ lr: one.lr, initialLr: 2 * one.lr });
    for (let i = 0; i < 4; i++) {
      optimizer.step(() => {
        optimizer.zeroGrad();
        const loss = lossOf(one, parameters);
        loss.backward();
        return loss;
      });
    }
    const values = parameters.flatMap((p) => [...p.detach().reshape([-1]).toTypedArray()]);
    values.forEach((value, i) => {
      const tolerance = one.dtype === 'float64' ? 1e-10 : 2e-6;
      expect(Math.abs(value - one.after[i]!)).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(one.after[i]!)));
    });
  });

  it('has a state of every optimizer', () => {
    const names = Object.entries(optim).flatMap(([name, one]) =>
      typeof one === 'function' && name !== 'Optimizer' ? [name] : [],
    );
    expect([...new Set(recorded.map(({ name }) => name))].sort()).toEqual(names.sort());
  });

  it('keeps the options where the file has none', async () => {
    const one = recorded[0]!;
    const path = join(folder, 'bare.safetensors');
    await saveSafetensors(path, decodeSafetensors(Buffer.from(one.file, 'base64')));
    const optimizer = new optim.Adam(parametersOf(one), { lr: 0.25, amsgrad: true });
    await loadTorchOptimizer(path, optimizer);
    expect(optimizer.paramGroups[0]!.lr).toBe(0.25);
    expect(optimizer.stateDict().state[1]!.step).toBe(3);
  });

  it('refuses what does not fit, and changes nothing', async () => {
    const one = recorded[0]!;
    const path = join(folder, 'misfit.safetensors');
    const tensors = decodeSafetensors(Buffer.from(one.file, 'base64'));
    const optimizer = new optim.Adam(parametersOf(one), { lr: 0.25 });
    const refused = async (
      state: object,
      options: unknown,
      message: RegExp,
      type: new (...args: never[]) => Error = NablaError,
    ) => {
      const metadata =
        options === undefined ? {} : { param_groups: typeof options === 'string' ? options : JSON.stringify(options) };
      await saveSafetensors(path, { ...tensors, ...state }, { metadata });
      await expect(loadTorchOptimizer(path, optimizer)).rejects.toThrow(message);
      await expect(loadTorchOptimizer(path, optimizer)).rejects.toThrow(type);
      expect(optimizer.state.size).toBe(0);
      expect(optimizer.paramGroups[0]!.lr).toBe(0.25);
    };
    await refused({ 'state.0.exp_avg': ones([3, 2]) }, undefined, /expAvg/);
    await refused({ 'state.7.exp_avg': ones([2]) }, undefined, /parameter 7/);
    await refused({ 'state.0.exp_average': ones([2, 3]) }, undefined, /expAverage/);
    await refused({ weight: ones([2]) }, undefined, /state\.<parameter>\.<name>, got 'weight'/, FormatError);
    await refused({}, '{', /param_groups must be a list/, FormatError);
    await refused({}, [{ params: [0, 1], learning_rate: 3 }], /learningRate/);
    await refused({}, [{ params: [0] }], /groups of 2 parameters, got 1/);
    const search = recorded.find(({ name }) => name === 'LBFGS')!;
    const vectors = decodeSafetensors(Buffer.from(search.file, 'base64'));
    const lbfgs = new optim.LBFGS(parametersOf(search));
    for (const [state, message] of [
      [{ 'state.0.ro': ones([9]) }, /as many vectors of floats as ro has numbers/],
      [{ 'state.0.old_dirs': ones([8]) }, /oldDirs/],
      [{ 'state.0.d': ones([2, 4]) }, /d must be a vector of floats/],
      [{ 'state.0.t': ones([2]) }, /t must be a finite number/],
    ] as const) {
      await saveSafetensors(path, { ...vectors, ...state });
      await expect(loadTorchOptimizer(path, lbfgs)).rejects.toThrow(message);
      expect(lbfgs.state.size).toBe(0);
    }
    const adamW = new optim.AdamW(parametersOf(one));
    await saveSafetensors(
      path,
      {},
      { metadata: { param_groups: '[{"params":[0,1],"decoupled_weight_decay":false}]' } },
    );
    await expect(loadTorchOptimizer(path, adamW)).rejects.toThrow(/load it into an optim.Adam/);
    await expect(loadTorchOptimizer(path, noGrad(() => 3) as never)).rejects.toThrow(ValueError);
  });

  it('leaves out what schedulers of PyTorch note in groups', async () => {
    const path = join(folder, 'scheduled.safetensors');
    const noted = { initial_lr: 0.04, max_lr: 1, min_lr: 4e-6, base_momentum: 0.85, max_momentum: 0.95, swa_lr: 0.05 };
    const own = { dampening: 0, weight_decay: 0, nesterov: false, maximize: false };
    const groups = [{ params: [0], lr: 0.5, momentum: 0.9, ...own, ...noted }];
    await saveSafetensors(path, {}, { metadata: { param_groups: JSON.stringify(groups) } });
    const sgd = new optim.SGD([ones([2], { requiresGrad: true })], { lr: 1 });
    await loadTorchOptimizer(path, sgd);
    expect(sgd.paramGroups[0]).toMatchObject({ lr: 0.5, momentum: 0.9, initialLr: 0.04 });
  });
});
