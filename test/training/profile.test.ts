import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CaptureError,
  capture,
  grad,
  manualSeed,
  nn,
  optim,
  randint,
  randn,
  type Tensor,
  tensor,
  ValueError,
} from 'nabla';
import { profile, type TraceEvent } from 'nabla/training';
import { describe, expect, it } from 'vitest';
import { expectSame } from '../capture/same.js';

class Net extends nn.Module<[x: Tensor], Tensor> {
  encoder = new nn.Sequential(new nn.Linear(6, 8), new nn.Dropout(0.25));
  head = new nn.Linear(8, 3);

  forward(x: Tensor): Tensor {
    return this.head.forward(this.encoder.forward(x).tanh());
  }
}

function training() {
  manualSeed(3);
  const model = new Net();
  const adam = new optim.Adam(model.parameters(), { lr: 0.01 });
  const schedule = new optim.lrScheduler.StepLR(adam, 3, 0.5);
  const fn = (x: Tensor, y: Tensor) => {
    adam.zeroGrad();
    const loss = nn.functional.crossEntropy(model.forward(x), y);
    loss.backward();
    nn.utils.clipGradNorm_(model.parameters(), 0.5);
    adam.step();
    schedule.step();
    return loss;
  };
  const batch: [Tensor, Tensor] = [randn([4, 6]), randint(0, 3, [4])];
  return { model, schedule, fn, batch };
}

describe('profile', () => {
  it('trains as calls do, to the bit', () => {
    const [profiled, plain] = [training(), training()];
    const step = capture(profiled.fn);
    manualSeed(5);
    const found = profile(step, profiled.batch, { steps: 4 });
    expect(found.steps).toBe(4);
    expect(step.stats).toEqual([]);
    const calls = profiled.schedule.lastEpoch;
    expect(calls).toBeGreaterThanOrEqual(8);
    manualSeed(5);
    for (let i = 0; i < calls; i++) plain.fn(...plain.batch);
    const [got, expected] = [profiled.model.stateDict(), plain.model.stateDict()];
    for (const [name, value] of Object.entries(expected)) expectSame(got[name]!, value);
    manualSeed(6);
    const next = step(...profiled.batch);
    manualSeed(6);
    expectSame(next, plain.fn(...plain.batch));
  });

  it('leads back to modules, in both directions, and to optimizers', () => {
    const { model, fn, batch } = training();
    const { instructions, modules, milliseconds } = profile(capture(fn), batch, { steps: 3 });
    const products = instructions.filter(({ name }) => name.startsWith('matmul'));
    const names = products.map(({ modules }) => modules[0]);
    for (const name of ['Net.encoder.0', 'Net.head', 'Net.encoder.0 backward', 'Net.head backward']) {
      expect(names).toContain(name);
    }
    expect(
      instructions.filter(({ modules }) => modules.includes('Adam')).every(({ name }) => name.includes('Adam')),
    ).toBe(true);
    const random = instructions.find(({ name }) => name.startsWith('random'))!;
    expect(random.modules).toEqual(['Net.encoder.1']);
    const sums = modules.map((one) => one.milliseconds);
    expect(sums).toEqual([...sums].sort((a, b) => b - a));
    expect(sums.reduce((a, b) => a + b)).toBeCloseTo(milliseconds, 9);
    expect(new Set(modules.map(({ phase }) => phase))).toEqual(new Set(['forward', 'backward', 'update']));
    for (const { bytes, operands } of instructions) {
      expect(bytes).toBeGreaterThan(0);
      expect(operands).toContain('->');
    }
    expect(operandsOf(products)).toContain('encoder.0.weight');
    for (const module of model.modules()) expect(Object.hasOwn(module, 'forward')).toBe(false);
  });

  it('names what is shared by where it is called, and what is called alone by its class', () => {
    const shared = new nn.Linear(2, 2);
    const [a, b] = [new nn.Sequential(shared), new nn.ModuleDict({ other: shared })];
    const both = capture((x: Tensor) => {
      const first = a.forward(x);
      return [first, b.get('other').forward(first), nn.functional.relu(x)];
    });
    const { instructions } = profile(both, [randn([2, 2])], { steps: 1 });
    expect(instructions.flatMap(({ modules }) => modules)).toEqual(['Sequential.0', 'Linear']);
  });

  it('follows gradients of gradients', () => {
    const layer = new nn.Linear(2, 1);
    const penalty = capture((x: Tensor) => {
      const input = x.detach().requiresGrad_();
      const [slope] = grad(layer.forward(input).square().sum(), input, { createGraph: true });
      slope!.square().sum().backward();
      return layer.weight.grad!.clone();
    });
    const names = profile(penalty, [randn([2, 2])], { steps: 1 }).instructions.flatMap(({ modules }) => modules);
    expect(names).toContain('Linear backward');
  });

  it('prints tables, and writes a trace that a viewer of Chrome traces takes', async () => {
    const { fn, batch } = training();
    const found = profile(capture(fn, { name: 'step' }), batch, { steps: 2 });
    const text = String(found).split('\n');
    expect(text[0]).toMatch(
      /^captured step: [\d.]+ (ms|µs) a call, [\d.]+ (ms|µs) in \d+ instructions \(of 2 steps, the middle\)$/,
    );
    expect(text[2]).toMatch(/^module +phase +time +share$/);
    expect(String(found)).toMatch(/Net\.encoder\.0 +backward +[\d.]+ (ms|µs) +\d+ %/);
    expect(String(found)).toMatch(/^\d+ matmul .*Net\.encoder\.0/m);

    const path = join(mkdtempSync(join(tmpdir(), 'nabla-profile-')), 'trace.json');
    await found.saveTrace(path);
    const { traceEvents } = JSON.parse(readFileSync(path, 'utf8')) as { traceEvents: TraceEvent[] };
    const complete = traceEvents.filter(({ ph }) => ph === 'X') as (TraceEvent & { ts: number; dur: number })[];
    const [steps, modules, instructions] = [1, 2, 3].map((track) => complete.filter(({ tid }) => tid === track));
    expect(steps!.map(({ name }) => name)).toEqual(['step 0', 'step 1']);
    expect(instructions).toHaveLength(2 * found.instructions.length);
    for (const track of [steps!, modules!, instructions!]) {
      for (const [i, one] of track.entries()) {
        expect(one.dur).toBeGreaterThanOrEqual(0);
        const next = track[i + 1];
        if (next !== undefined) expect(next.ts).toBeGreaterThanOrEqual(one.ts + one.dur - 1e-6);
      }
    }
    for (const one of instructions!) {
      expect(steps!.some(({ ts, dur }) => ts <= one.ts + 1e-6 && one.ts + one.dur <= ts + dur + 1e-6)).toBe(true);
    }
    expect(traceEvents.filter(({ ph }) => ph === 'M').map(({ args }) => args.name)).toEqual([
      'steps',
      'modules',
      'instructions',
    ]);
  });

  it('throws what the function throws, with modules as they were', () => {
    const model = new nn.Embedding(3, 2);
    const step = capture((i: Tensor) => model.forward(i).sum());
    expect(() => profile(step, [tensor([0, 5], { dtype: 'int32' })])).toThrow(ValueError);
    expect(Object.hasOwn(model, 'forward')).toBe(false);
    expect(profile(step, [tensor([0, 2], { dtype: 'int32' })], { steps: 1 }).steps).toBe(1);
  });

  it('refuses what it cannot look at', () => {
    const x = randn([2]);
    const step = capture((x: Tensor) => x.exp());
    expect(() => profile(((x: Tensor) => x.exp()) as typeof step, [x])).toThrow(/step must be a captured function/);
    expect(() => profile(step, x as never)).toThrow(/args must be the array of its arguments/);
    expect(() => profile(step, [x], { steps: 0 })).toThrow(/steps/);
    expect(() => capture(() => profile(step, [x]))()).toThrow(CaptureError);
    const model = new nn.Dropout();
    const flipping = capture((x: Tensor) => {
      const y = model.forward(x);
      model.train(!model.training);
      return y;
    });
    expect(() => profile(flipping, [x])).toThrow(/8 calls in a row were each recorded again|no program to look at/);
  });

  it('takes functions of no instructions', () => {
    const found = profile(
      capture((x: Tensor) => x),
      [randn([2])],
      { steps: 2 },
    );
    expect([found.instructions, found.modules, found.milliseconds]).toEqual([[], [], 0]);
    expect(found.toTrace().traceEvents.every(({ ph }) => ph === 'M')).toBe(true);
    expect(String(found)).toContain('0 instructions');
  });
});

const operandsOf = (instructions: readonly { readonly operands: string }[]): string =>
  instructions.map(({ operands }) => operands).join('\n');
