import { AutogradError, capture, nn, ones, optim, randn, type Tensor, tensor, ValueError, zeros } from 'nabla';
import { describe, expect, it } from 'vitest';
import { expectSame } from '../capture/same.js';

const { clipGradNorm_, clipGradValue_ } = nn.utils;

function withGradient(gradient: Tensor): Tensor {
  const parameter = zeros([...gradient.shape], { dtype: gradient.dtype, requiresGrad: true });
  parameter.grad = gradient;
  return parameter;
}

const gradients = (parameters: readonly Tensor[]): unknown[] => parameters.map(({ grad }) => grad!.toArray());

describe('clipGradNorm_', () => {
  it('scales all gradients by one factor, in place, and returns the norm that there was', () => {
    const [a, b] = [withGradient(tensor([3, 0])), withGradient(tensor([[4]]))];
    const { grad } = a;
    expect(clipGradNorm_([a, b], 2.5).item()).toBe(5);
    expect(a.grad).toBe(grad);
    expect(a.grad!.select(0, 0).item()).toBeCloseTo(1.5, 5);
    expect(b.grad!.item()).toBeCloseTo(2, 5);
  });

  it('leaves gradients alone whose norm is small enough, to the bit', () => {
    const a = withGradient(tensor([0.3, 0.4]));
    const before = a.grad!.clone();
    clipGradNorm_([a], 0.6);
    expectSame(a.grad!, before);
  });

  // Recorded: torch.nn.utils.clip_grad_norm_ of float64 gradients [3, -4] and [[1, 0]] with max_norm 2.
  it.each<[number | 'inf', number, number]>([
    [2, 5.0990195135927845, 1.1766965800599187],
    [1, 8, 0.7499999062500118],
    [0, 2, 2.99999850000075],
    [3, 4.514357435474001, 1.3290925135345413],
    [0.5, 22.392304845413257, 0.26794918046499505],
    [-1, 0, 3],
    [-2, 0, 3],
    ['inf', 4, 1.4999996250000938],
    [Number.POSITIVE_INFINITY, 4, 1.4999996250000938],
    [Number.NEGATIVE_INFINITY, 0, 3],
  ])('of order %s is that of PyTorch', (normType, total, first) => {
    const parameters = [
      withGradient(tensor([3, -4], { dtype: 'float64' })),
      withGradient(tensor([[1, 0]], { dtype: 'float64' })),
    ];
    expect(clipGradNorm_(parameters, 2, { normType }).item()).toBeCloseTo(total, 12);
    expect(parameters[0]!.grad!.select(0, 0).item()).toBeCloseTo(first, 12);
  });

  it('takes one parameter, any iterable, those without a gradient, and none', () => {
    const a = withGradient(tensor([3, 4]));
    expect(clipGradNorm_(a, 1).item()).toBe(5);
    const idle = zeros([2], { requiresGrad: true });
    function* some() {
      yield idle;
      yield withGradient(tensor([3, 4]));
    }
    expect(clipGradNorm_(some(), 1).item()).toBe(5);
    expect(idle.grad).toBe(null);
    expect(clipGradNorm_([], 1).item()).toBe(0);
    expect(clipGradNorm_([idle], 1, { foreach: true }).item()).toBe(0);
  });

  it('takes strided, 0-d and empty gradients, and types beside each other', () => {
    const strided = withGradient(
      tensor([
        [3, 9],
        [9, 4],
      ])
        .t()
        .select(0, 0),
    );
    const scalar = withGradient(tensor(12, { dtype: 'float64' }));
    const parameters = [strided, scalar, withGradient(zeros([0]))];
    expect(clipGradNorm_(parameters, 1).item()).toBeCloseTo(Math.hypot(3, 9, 12), 5);
    expect(scalar.grad!.dtype).toBe('float64');
  });

  it('scales by NaN and infinity unless that is an error', () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const make = () => [withGradient(tensor([bad, 1])), withGradient(tensor([2]))];
      const parameters = make();
      expect(clipGradNorm_(parameters, 1).isfinite().item()).toBe(false);
      expect(parameters[1]!.grad!.item()).toEqual(Number.isNaN(bad) ? Number.NaN : 0);
      const kept = make();
      const before = gradients(kept);
      const clip = () => clipGradNorm_(kept, 1, { errorIfNonfinite: true });
      expect(clip).toThrow(ValueError);
      expect(clip).toThrow(/clipGradNorm_: the norm of the gradients is NaN or infinite/);
      expect(gradients(kept)).toEqual(before);
    }
  });
});

describe('clipGradValue_', () => {
  it('clamps every element, in place', () => {
    const a = withGradient(tensor([3, -4, 0.5, Number.NaN, Number.NEGATIVE_INFINITY]));
    const { grad } = a;
    clipGradValue_([a, zeros([1], { requiresGrad: true })], 2);
    expect(a.grad).toBe(grad);
    expect(a.grad!.toArray()).toEqual([2, -2, 0.5, Number.NaN, -2]);
    clipGradValue_(a, 1);
    expect(a.grad!.select(0, 0).item()).toBe(1);
  });
});

describe('clipping between backward and step', () => {
  const training = (clip: (parameters: Tensor[]) => unknown) => {
    const parameters = [ones([3, 2], { requiresGrad: true }), ones([2], { requiresGrad: true })];
    const sgd = new optim.SGD(parameters, { lr: 0.1, momentum: 0.9 });
    const step = (x: Tensor) => {
      sgd.zeroGrad();
      const loss = x.matmul(parameters[0]!).add(parameters[1]!).square().sum();
      loss.backward();
      clip(parameters);
      sgd.step();
      return loss;
    };
    return { parameters, step };
  };
  const x = randn([12, 3]);

  it.each<[string, (parameters: Tensor[]) => unknown]>([
    ['by norm', (parameters) => clipGradNorm_(parameters, 0.3)],
    ['by the largest', (parameters) => clipGradNorm_(parameters, 0.3, { normType: 'inf', errorIfNonfinite: true })],
    ['by value', (parameters) => clipGradValue_(parameters, 0.2)],
  ])('%s gives the bits of the plain function in captured ones and in the background', async (_, clip) => {
    const [plain, captured, background] = [training(clip), training(clip), training(clip)];
    const replay = capture(captured.step);
    for (let i = 0; i < 6; i++) {
      plain.step(x.narrow(0, 2 * i, 2));
      replay(x.narrow(0, 2 * i, 2));
    }
    await capture(background.step).run([x], { batchSize: 2 });
    plain.parameters.forEach((parameter, i) => {
      expectSame(captured.parameters[i]!.detach(), parameter.detach());
      expectSame(background.parameters[i]!.detach(), parameter.detach());
    });
  });

  it('stops a captured function and a run at a norm that is not finite, before anything is changed', async () => {
    const one = training((parameters) => clipGradNorm_(parameters, 1, { errorIfNonfinite: true }));
    const step = capture(one.step);
    step(x.narrow(0, 0, 2));
    const before = one.parameters.map((p) => p.detach().clone());
    const bad = x.narrow(0, 0, 2).mul(Number.POSITIVE_INFINITY);
    expect(() => step(bad)).toThrow(/the norm of the gradients is NaN or infinite/);
    await expect(step.run([bad], { batchSize: 2 })).rejects.toThrow(/the norm of the gradients is NaN or infinite/);
    one.parameters.forEach((parameter, i) => {
      expectSame(parameter.detach(), before[i]!);
    });
  });

  it('leaves no gradient to see, as a step without clipping', () => {
    const one = training((parameters) => clipGradNorm_(parameters, 1));
    const step = capture(one.step);
    for (let i = 0; i < 2; i++) step(x.narrow(0, 0, 2));
    expect(() => one.parameters[0]!.grad).toThrow(AutogradError);
  });
});

describe('what is refused', () => {
  const a = () => withGradient(tensor([1]));
  const cases: [string, () => unknown, RegExp][] = [
    [
      'no parameters',
      () => clipGradNorm_(5 as never, 1),
      /parameters must be a Tensor or an iterable of tensors, got 5/,
    ],
    ['null', () => clipGradValue_(null as never, 1), /got null/],
    ['what is no tensor', () => clipGradNorm_([a(), 'b' as never], 1), /parameter 1 must be a Tensor, got 'b'/],
    ['no norm', () => clipGradNorm_([a()], undefined as never), /maxNorm must be a number, got undefined/],
    ['a norm that is NaN', () => clipGradNorm_([a()], Number.NaN), /maxNorm must be a number, got NaN/],
    [
      'an order that is none',
      () => clipGradNorm_([a()], 1, { normType: 'fro' as never }),
      /normType must be a number or 'inf', got 'fro'/,
    ],
    ['a flag that is none', () => clipGradNorm_([a()], 1, { errorIfNonfinite: 1 as never }), /errorIfNonfinite/],
    ['another flag that is none', () => clipGradNorm_([a()], 1, { foreach: 1 as never }), /foreach/],
    ['an unknown option', () => clipGradNorm_([a()], 1, { normtype: 1 } as never), /did you mean 'normType'/],
    ['no value', () => clipGradValue_([a()], 'x' as never), /clipValue must be a number, got 'x'/],
  ];
  it.each(cases)('%s', (_, call, message) => {
    expect(call).toThrow(ValueError);
    expect(call).toThrow(message);
  });
});
