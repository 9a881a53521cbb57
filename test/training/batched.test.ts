import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  batched,
  capture,
  manualSeed,
  NablaError,
  nn,
  noGrad,
  ones,
  randn,
  ShapeError,
  type Tensor,
  ValueError,
  zeros,
} from '../../lib/index.js';

manualSeed(0);
const model = new nn.Sequential(new nn.Linear(20, 100), new nn.GELU(), new nn.LayerNorm(100), new nn.Linear(100, 5));
model.eval();
const alone = (input: Tensor): number[] => [...model.forward(input.unsqueeze(0)).select(0, 0).toTypedArray()];

describe.each([
  ['a plain function', (x: Tensor) => model.forward(x)],
  ['a captured function', capture((x: Tensor) => noGrad(() => model.forward(x)))],
])('batched %s', (_, fn) => {
  it('answers with the bits of an input alone, whatever it was batched with', async () => {
    const predict = batched(fn, { maxBatch: 7, maxWaitMs: 5 });
    const inputs = Array.from({ length: 40 }, () => randn([20]));
    const answers = await Promise.all(inputs.map((input) => predict(input)));
    expect(answers.map((answer) => [...answer.toTypedArray()])).toEqual(inputs.map(alone));
    expect(answers[0]!.requiresGrad).toBe(false);
    expect(predict.batches).toBe(6);
    expect(predict.waiting).toBe(0);
  });
});

describe('batched', () => {
  it('computes full batches in turns of the event loop of their own, and others after their wait', async () => {
    const sizes: number[] = [];
    const predict = batched(
      (x) => {
        sizes.push(x.shape[0]!);
        return x;
      },
      { maxBatch: 3, maxWaitMs: 20 },
    );
    const answers = Array.from({ length: 8 }, (_, i) => predict(ones([2]).mul(i)));
    expect([sizes, predict.waiting]).toEqual([[], 8]);
    await setImmediate();
    expect([sizes, predict.waiting]).toEqual([[3], 5]);
    await setImmediate();
    expect([sizes, predict.waiting]).toEqual([[3, 3], 2]);
    expect((await Promise.all(answers)).map((answer) => answer.select(0, 0).item())).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(sizes).toEqual([3, 3, 2]);
  });

  it('keeps shapes and types apart, and takes inputs without dimensions', async () => {
    const predict = batched((x) => x.add(1));
    const inputs = [ones([2]), ones([3]), ones([2], { dtype: 'int32' }), zeros([])];
    const answers = await Promise.all(inputs.map((input) => predict(input)));
    expect(answers.map(({ shape, dtype }) => [...shape, dtype])).toEqual([
      [2, 'float32'],
      [3, 'float32'],
      [2, 'int32'],
      ['float32'],
    ]);
    expect(predict.batches).toBe(4);
  });

  it('gives answers memory of their own', async () => {
    const predict = batched((x) => x);
    const [a, b] = await Promise.all([predict(ones([2])), predict(ones([2]))]);
    a!.zero_();
    expect(b!.toArray()).toEqual([1, 1]);
  });

  it('refuses what comes when too many wait', async () => {
    const predict = batched((x) => x, { maxWaiting: 2 });
    const [first, second, third] = [predict(ones([1])), predict(ones([1])), predict(ones([1]))];
    await expect(third).rejects.toMatchObject({ code: 'ERR_NABLA_BUSY', message: 'batched: 2 inputs wait already' });
    await expect(Promise.all([first, second])).resolves.toHaveLength(2);
    await expect(predict(ones([1]))).resolves.toBeDefined();
  });

  it('refuses what comes when full batches wait', async () => {
    const predict = batched((x) => x, { maxWaiting: 4, maxBatch: 2 });
    const answers = await Promise.allSettled(Array.from({ length: 6 }, (_, i) => predict(ones([1]).mul(i))));
    expect(answers.map(({ status }) => status)).toEqual([
      ...new Array(4).fill('fulfilled'),
      ...new Array(2).fill('rejected'),
    ]);
    expect(predict.waiting).toBe(0);
  });

  it('answers to what an input was when it came', async () => {
    const input = ones([2]);
    const answer = batched((x) => x.add(1))(input);
    input.fill_(100);
    expect((await answer).toArray()).toEqual([2, 2]);
  });

  it('rejects every input of a batch that fails, and goes on', async () => {
    let fails = true;
    const predict = batched((x) => {
      if (fails) throw new NablaError('not now');
      return x;
    });
    const outcomes = await Promise.allSettled([predict(ones([1])), predict(ones([1]))]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected']);
    fails = false;
    await expect(predict(ones([1]))).resolves.toBeDefined();
  });

  it('refuses what makes no sense', async () => {
    expect(() => batched(1 as never)).toThrow(new ValueError('batched: fn must be a function, got 1'));
    expect(() => batched((x) => x, { maxBatch: 0 })).toThrow('batched: maxBatch must be an integer, at least 1, got 0');
    expect(() => batched((x) => x, { maxWait: 0 } as object)).toThrow("unknown option 'maxWait'");
    await expect(batched((x) => x)([1] as never)).rejects.toThrow('batched: input must be a Tensor, got an array of 1');
    await expect(batched((x) => x.sum())(ones([2]))).rejects.toThrow(ShapeError);
    await expect(batched(() => 1 as never)(ones([2]))).rejects.toThrow('batched: fn must give a Tensor, got 1');
  });
});
