import { capture, noGrad, optim, randn, ShapeError, type Tensor, tensor, ValueError, zeros } from 'nabla';
import { describe, expect, it } from 'vitest';

/** A parameter after steps along some gradients. */
function moved(
  parameter: Tensor,
  gradients: readonly Tensor[],
  make: (params: Tensor[]) => optim.Optimizer<object, object>,
) {
  const optimizer = make([parameter]);
  for (const gradient of gradients) {
    parameter.grad = gradient;
    optimizer.step();
  }
  return parameter.detach().contiguous();
}

const makers: [string, (params: Tensor[]) => optim.Optimizer<object, object>][] = [
  ['Muon', (params) => new optim.Muon(params, { lr: 0.1 })],
  ['Adafactor', (params) => new optim.Adafactor(params, { lr: 0.1 })],
];

describe.each(makers)('%s', (_, make) => {
  it('does the same to parameters and along gradients of any strides', () => {
    const start = randn([3, 5]);
    const gradients = [randn([3, 5]), randn([3, 5])];
    const expected = moved(start.clone().requiresGrad_(), gradients, make);
    const turned = start.t().contiguous().t().requiresGrad_();
    const others = gradients.map((gradient) => gradient.t().contiguous().t());
    expect(moved(turned, others, make).sub(expected).abs().max().item()).toBeLessThan(1e-3);
  });

  it('takes matrices without elements, and hands on NaN', () => {
    expect(moved(zeros([0, 3], { requiresGrad: true }), [zeros([0, 3])], make).shape).toEqual([0, 3]);
    const [w, g] = [
      zeros([2, 2], { requiresGrad: true }),
      tensor([
        [Number.NaN, 1],
        [1, 1],
      ]),
    ];
    expect(moved(w, [g], make).isnan().any().item()).toBe(true);
  });
});

describe('Muon', () => {
  it('takes matrices only, when it is made and when it steps', () => {
    expect(() => new optim.Muon([zeros([3], { requiresGrad: true })])).toThrow(ShapeError);
    expect(() => new optim.Muon([zeros([3], { requiresGrad: true })])).toThrow(
      /Muon: parameter 0: Muon takes matrices only, got shape \[3\]/,
    );
    const w = zeros([2, 2], { requiresGrad: true });
    const muon = new optim.Muon([w]);
    noGrad(() => {
      w.data = zeros([4]);
    });
    w.grad = zeros([4]);
    expect(() => muon.step()).toThrow(/Muon.step: parameter 0: Muon takes matrices only/);
    expect(() => muon.addParamGroup({ params: [zeros([1, 1, 1], { requiresGrad: true })] })).toThrow(ShapeError);
  });

  it('follows options that change its operations, captured as well', () => {
    const train = (isCaptured: boolean): unknown => {
      const w = tensor(
        [
          [1, 2],
          [3, 5],
        ],
        { requiresGrad: true },
      );
      const muon = new optim.Muon([w], { lr: 0.1 });
      const plain = (x: Tensor): void => {
        muon.zeroGrad();
        w.mul(x).square().sum().backward();
        muon.step();
      };
      const step = isCaptured ? capture(plain) : plain;
      const x = tensor([
        [1, 2],
        [0.5, 1],
      ]);
      step(x);
      step(x);
      Object.assign(muon.paramGroups[0]!, { nsSteps: 2, nesterov: false, nsCoefficients: [3, -4, 2], lr: 0.2 });
      step(x);
      step(x);
      return w.detach().toArray();
    };
    expect(train(true)).toEqual(train(false));
  });
});

describe('Adafactor', () => {
  it('keeps means of rows and columns for matrices, and looks at their shapes', () => {
    const [w, b] = [zeros([2, 3], { requiresGrad: true }), zeros([3], { requiresGrad: true })];
    const adafactor = new optim.Adafactor([w, b]);
    for (const p of [w, b]) p.grad = p.detach().add(1);
    adafactor.step();
    const { rowVar, colVar, variance } = adafactor.state.get(w)!;
    expect([rowVar!.shape, colVar!.shape, variance]).toEqual([[2, 1], [1, 3], undefined]);
    expect(Object.keys(adafactor.state.get(b)!)).toEqual(['step', 'variance']);
    const saved = adafactor.stateDict();
    const load = (state: object) => () =>
      adafactor.loadStateDict({ ...saved, state: { ...saved.state, 0: state as optim.AdafactorState } });
    expect(load({ ...saved.state[0]!, rowVar: zeros([2, 3]) })).toThrow(
      /has shape \[2, 3\], but its rowVar \[2, 3\] instead of \[2, 1\]; it is the state of another model/,
    );
    expect(load({ ...saved.state[0]!, variance: zeros([2, 3]) })).toThrow(/a parameter of its shape has no variance/);
    expect(load({ step: 1 })).toThrow(/its rowVar must be a Tensor, got undefined/);
    adafactor.step();
    expect(adafactor.state.get(w)!.step).toBe(2);
  });

  it('refuses options that make no sense', () => {
    const params = [zeros([2, 3], { requiresGrad: true })];
    for (const options of [{ d: 0.5 }, { beta2Decay: 0.1 }, { eps: [null, -1] }, { eps: 1e-3 }, { lr: -1 }]) {
      expect(() => new optim.Adafactor(params, options as object)).toThrow(ValueError);
    }
  });
});

describe('a closure', () => {
  it('computes with gradients, whatever is around the step', () => {
    const w = tensor([1], { requiresGrad: true });
    const sgd = new optim.SGD([w], { lr: 0.1 });
    const loss = noGrad(() =>
      sgd.step(() => {
        sgd.zeroGrad();
        const loss = w.square().sum();
        loss.backward();
        return loss;
      }),
    );
    expect([loss.item(), w.item()]).toEqual([1, expect.closeTo(0.8, 6)]);
  });
});
