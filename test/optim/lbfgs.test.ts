import {
  CaptureError,
  capture,
  NablaError,
  nn,
  optim,
  ShapeError,
  type Tensor,
  tensor,
  ValueError,
  zeros,
} from 'nabla';
import { describe, expect, it } from 'vitest';

type Options = Partial<optim.LBFGSOptions>;

/** Rosenbrock's valley, in two parameters. */
class Valley {
  readonly x = tensor(-1.2, { dtype: 'float64', requiresGrad: true });
  readonly y = tensor([1], { dtype: 'float64', requiresGrad: true });
  readonly lbfgs: optim.LBFGS;
  evaluations = 0;

  constructor(options: Options = {}) {
    this.lbfgs = new optim.LBFGS([this.x, this.y], options);
  }

  readonly closure = (): Tensor => {
    this.evaluations++;
    this.lbfgs.zeroGrad();
    const loss = this.x.square().sub(this.y).square().mul(100).add(this.x.sub(1).square()).sum();
    loss.backward();
    return loss;
  };

  at(): number[] {
    return [this.x.item(), this.y.item()];
  }
}

/** Of the valley after three steps in PyTorch: x, y, the losses that the steps returned, func_evals and n_iter. */
const recorded: [Options, number[], number[], [number, number]][] = [
  [
    { lr: 0.1, maxIter: 7, historySize: 3 },
    [-1.0427503497485164, 1.0620938666369033],
    [24.199999999999996, 6.136220174641892, 4.619002612578713],
    [21, 21],
  ],
  [
    { lineSearchFn: 'strong_wolfe' },
    [0.9999814210791366, 0.9999619651810989],
    [24.199999999999996, 0.4234823024380289, 4.221457511263308e-10],
    [45, 36],
  ],
  [
    { lineSearchFn: 'strong_wolfe', maxIter: 4, lr: 0.3, maxEval: 9 },
    [-1.0219569576476741, 1.0485755957702194],
    [24.199999999999996, 4.260512962597206, 4.114933126741744],
    [15, 12],
  ],
  [
    { lineSearchFn: 'strong_wolfe', lr: 4 },
    [1.0000003868511365, 1.0000007183452553],
    [24.199999999999996, 0.4462585455297829, 4.560953988664552e-13],
    [52, 25],
  ],
];

describe('LBFGS', () => {
  it.each(recorded)('with %o goes the way that PyTorch goes', (options, at, losses, [funcEvals, nIter]) => {
    const valley = new Valley(options);
    const seen = losses.map(() => valley.lbfgs.step(valley.closure).item());
    expect(seen).toEqual(losses.map((loss) => expect.closeTo(loss, 6)));
    expect(valley.at()).toEqual(at.map((x) => expect.closeTo(x, 6)));
    const state = valley.lbfgs.state.get(valley.x)!;
    expect([state.funcEvals, state.nIter]).toEqual([funcEvals, nIter]);
    expect(valley.evaluations).toBe(funcEvals);
  });

  it('goes on from a saved state as if it had not stopped', () => {
    const options = { lineSearchFn: 'strong_wolfe', maxIter: 3, historySize: 2 } as const;
    const [through, resumed] = [new Valley(options), new Valley(options)];
    for (let i = 0; i < 3; i++) through.lbfgs.step(through.closure);
    resumed.lbfgs.loadStateDict(through.lbfgs.stateDict());
    resumed.x.data = through.x.detach().clone();
    resumed.y.data = through.y.detach().clone();
    for (const valley of [through, resumed]) for (let i = 0; i < 2; i++) valley.lbfgs.step(valley.closure);
    expect(resumed.at()).toEqual(through.at());
    expect(resumed.lbfgs.state.get(resumed.x)!.oldDirs).toHaveLength(2);
  });

  it('has a closure that may call a captured function', () => {
    const train = (isCaptured: boolean): number[] => {
      const model = new nn.Linear(3, 1);
      for (const p of model.parameters()) p.data = zeros(p.shape).add(0.25);
      const [x, y] = [
        tensor([
          [1, 2, 3],
          [4, 5, 7],
        ]),
        tensor([[1], [0]]),
      ];
      const lbfgs = new optim.LBFGS(model.parameters(), { lineSearchFn: 'strong_wolfe' });
      const closure = (): Tensor => {
        lbfgs.zeroGrad();
        const loss = nn.functional.mseLoss(model.forward(x), y);
        loss.backward();
        return loss;
      };
      const used = isCaptured ? capture(closure) : closure;
      return [lbfgs.step(used).item(), lbfgs.step(used).item(), ...model.weight.detach().toTypedArray()];
    };
    expect(train(true)).toEqual(train(false));
    expect(train(false)[1]).toBeLessThan(1e-6);
  });

  it('takes zeros for a gradient that is not there, and stops at once where nothing is to be gained', () => {
    const [a, b] = [tensor([1], { requiresGrad: true }), tensor([2], { requiresGrad: true })];
    const lbfgs = new optim.LBFGS([a, b]);
    const closure = () => {
      lbfgs.zeroGrad();
      const loss = a.square().sum();
      loss.backward();
      return loss;
    };
    lbfgs.step(closure);
    expect([a.item(), b.item()]).toEqual([expect.closeTo(0, 6), 2]);
    const { funcEvals } = lbfgs.state.get(a)!;
    lbfgs.step(closure);
    expect(lbfgs.state.get(a)!.funcEvals).toBe(funcEvals + 1);
  });

  it('puts parameters back where a closure fails in a line search', () => {
    const valley = new Valley({ lineSearchFn: 'strong_wolfe' });
    const before = valley.at();
    const failing = () => {
      if (valley.evaluations === 2) throw new Error('the end');
      return valley.closure();
    };
    expect(() => valley.lbfgs.step(failing)).toThrow('the end');
    expect(valley.at()).toEqual(before);
    expect(valley.lbfgs.state.size).toBe(0);
  });

  it('refuses what it cannot do, and changes nothing', () => {
    const w = tensor([1], { requiresGrad: true });
    const lbfgs = new optim.LBFGS([w]);
    expect(() => lbfgs.step()).toThrow(/LBFGS.step: closure must be a function that computes the loss, got none/);
    expect(() => lbfgs.step(() => 'a')).toThrow(
      /the closure must return the loss, a number or a tensor of one, got 'a'/,
    );
    expect(() => lbfgs.step(() => zeros([2]))).toThrow(ValueError);
    expect(() => lbfgs.addParamGroup({ params: [zeros([1])] })).toThrow(/takes one group of parameters/);
    expect(() => new optim.LBFGS([{ params: [w] }, { params: [zeros([1])] }])).toThrow(/takes one group/);
    expect(() => new optim.LBFGS([w], { lineSearchFn: 'wolfe' as never })).toThrow(/lineSearchFn/);
    expect(() => new optim.LBFGS([zeros([0], { requiresGrad: true })]).step(() => 1)).toThrow(/no elements/);
    const step = capture(() => lbfgs.step(() => w.square().sum()));
    expect(step).toThrow(CaptureError);
    expect(step).toThrow(/LBFGS.step: goes by values/);
    expect(w.item()).toBe(1);
  });

  it('refuses states that are none, and of other parameters', () => {
    const valley = new Valley({ maxIter: 3 });
    valley.lbfgs.step(valley.closure);
    const saved = valley.lbfgs.stateDict();
    const state = saved.state[0]!;
    const wrong: object[] = [
      { nIter: 1 },
      { ...state, funcEvals: 'a' },
      { ...state, d: 7 },
      { ...state, d: zeros([1, 2]) },
      { ...state, ro: [] },
      { ...state, ro: ['a', 'b'] },
      { ...state, oldDirs: 7 },
      { ...state, al: [] },
    ];
    for (const one of wrong) {
      const loading = () => valley.lbfgs.loadStateDict({ ...saved, state: { 0: one as optim.LBFGSState } });
      expect(loading).toThrow(NablaError);
    }
    expect(valley.lbfgs.stateDict()).toEqual(saved);
    valley.lbfgs.loadStateDict({ ...saved, state: { 0: { ...state, d: zeros([3]), prevFlatGrad: zeros([3]) } } });
    expect(() => valley.lbfgs.step(valley.closure)).toThrow(ShapeError);
  });
});
