import type { Tensor } from 'nabla';
import * as nabla from 'nabla';
import { expectTypeOf, test } from 'vitest';
import type { ArgumentsOf } from '../../lib/arguments/forms.js';
import { signature } from '../../lib/arguments/signature.js';
import * as kinds from '../../lib/tensor/kinds.js';

// What TypeScript takes and refuses. The calls are never made: the compiler is the test.

const never = (_: () => unknown): void => undefined;

const needing = signature('rows, columns, bias', {
  rows: kinds.integerFrom(0),
  columns: kinds.integerFrom(0),
  bias: kinds.boolean.default(true),
});

test('the values of a signature have the types of its kinds, in its order', () => {
  never(() => expectTypeOf(needing.read('f', [])).toEqualTypeOf<[number, number, boolean]>());
  never(() => expectTypeOf(needing.named('f', [])).toEqualTypeOf<{ rows: number; columns: number; bias: boolean }>());
  const list = signature('input, /, mode, *, dtype', {
    input: kinds.tensor,
    mode: kinds.choice('a', 'b').default('a'),
    dtype: kinds.dtype.optional(),
  });
  never(() => expectTypeOf(list.read('f', [])).toEqualTypeOf<[Tensor, 'a' | 'b', nabla.DType | null]>());
});

test('a signature has a kind for every name, and no other', () => {
  // @ts-expect-error
  never(() => signature('a, b', { a: kinds.number }));
  // @ts-expect-error
  never(() => signature('a', { a: kinds.number, b: kinds.number }));
});

test('arguments go by position, by name, and mixed', () => {
  type Arguments = ArgumentsOf<typeof needing>;
  expectTypeOf<[1, 2]>().toExtend<Arguments>();
  expectTypeOf<[1, 2, true]>().toExtend<Arguments>();
  expectTypeOf<[1, 2, { bias: true }]>().toExtend<Arguments>();
  expectTypeOf<[1, { columns: 2 }]>().toExtend<Arguments>();
  expectTypeOf<[1, { columns: 2; bias: true }]>().toExtend<Arguments>();
  expectTypeOf<[{ rows: 1; columns: 2 }]>().toExtend<Arguments>();
  expectTypeOf<[]>().not.toExtend<Arguments>();
  expectTypeOf<[1]>().not.toExtend<Arguments>();
  expectTypeOf<[{ rows: 1 }]>().not.toExtend<Arguments>();
  expectTypeOf<[1, 2, 3]>().not.toExtend<Arguments>();
  expectTypeOf<[1, 2, true, 4]>().not.toExtend<Arguments>();
});

test('reductions', () => {
  never(() => {
    const x = nabla.ones([2, 3]);
    expectTypeOf(x.sum()).toEqualTypeOf<Tensor>();
    x.sum(1);
    x.sum([0, 1], true);
    x.sum(1, true, { dtype: 'float64' });
    x.sum(1, { keepdim: true });
    x.sum({ dim: 1 });
    x.sum(undefined, true);
    nabla.sum(x, { dim: null, keepdim: true });
    expectTypeOf(x.varMean(0)).toEqualTypeOf<[Tensor, Tensor]>();
    expectTypeOf(x.max()).toEqualTypeOf<Tensor>();
    expectTypeOf(x.max(x)).toEqualTypeOf<Tensor>();
    expectTypeOf(x.max(1).values).toEqualTypeOf<Tensor>();
    expectTypeOf(x.max(1, true).indices).toEqualTypeOf<Tensor>();
    x.max({ dim: 1, keepdim: true }).values;
    // @ts-expect-error
    x.sum('1');
    // @ts-expect-error
    x.sum(1, true, 'float64');
    // @ts-expect-error
    x.sum(1, { keepDim: true });
    // @ts-expect-error
    x.sum(1, null);
    // @ts-expect-error
    nabla.sum();
    // @ts-expect-error
    nabla.sum(x, 1, true, {}, 1);
    // @ts-expect-error
    x.max({ keepdim: true });
  });
  const options: nabla.SumOptions = { keepdim: true };
  expectTypeOf(options).toExtend<{ dim?: nabla.Dim | null; keepdim?: boolean | undefined }>();
});

test('optimizers, schedulers and clipping', () => {
  never(() => {
    const params = [nabla.ones([2], { requiresGrad: true })];
    const sgd = new nabla.optim.SGD(params, 0.1, 0.9, { nesterov: true });
    new nabla.optim.SGD([{ params, lr: 0.1 }], { momentum: 0.9 });
    expectTypeOf(sgd.paramGroups[0]!.momentum).toEqualTypeOf<number>();
    expectTypeOf(sgd.step()).toEqualTypeOf<undefined>();
    expectTypeOf(sgd.step(() => 3)).toEqualTypeOf<number>();
    new nabla.optim.Adam(params, { betas: [0.9, 0.99], decoupledWeightDecay: true });
    const scheduler = new nabla.optim.lrScheduler.StepLR(sgd, 3, { gamma: 0.5 });
    const plateau = new nabla.optim.lrScheduler.ReduceLROnPlateau(sgd, 'min', { patience: 3 });
    plateau.step(0.5);
    // @ts-expect-error it goes by a metric
    plateau.step();
    // @ts-expect-error the last argument is no milestone
    new nabla.optim.lrScheduler.SequentialLR(sgd, [scheduler, scheduler], 3);
    const averaged = new nabla.optim.swaUtils.AveragedModel(new nabla.nn.Linear(2, 1));
    expectTypeOf(averaged.module).toEqualTypeOf<nabla.nn.Linear>();
    expectTypeOf(averaged.forward(params[0]!)).toEqualTypeOf<nabla.Tensor>();
    new nabla.optim.lrScheduler.StepLR(sgd, { stepSize: 3 });
    expectTypeOf(scheduler.getLastLr()).toEqualTypeOf<number[]>();
    expectTypeOf(nabla.nn.utils.clipGradNorm_(params, 1, 'inf', true)).toEqualTypeOf<Tensor>();
    nabla.nn.utils.clipGradNorm_(params, { maxNorm: 1 });
    // @ts-expect-error
    new nabla.optim.SGD();
    // @ts-expect-error
    new nabla.optim.SGD(params, '0.1');
    // @ts-expect-error
    new nabla.optim.SGD(params, { learningRate: 0.1 });
    // @ts-expect-error
    new nabla.optim.SGD(params, 0.1, 0, 0, 0, false, true);
    // @ts-expect-error
    new nabla.optim.Adam(params, { betas: [0.9] });
    // @ts-expect-error
    new nabla.optim.AdamW(params, { decoupledWeightDecay: true });
    // @ts-expect-error
    new nabla.optim.lrScheduler.StepLR(sgd);
    // @ts-expect-error
    nabla.nn.utils.clipGradNorm_(params);
  });
});
