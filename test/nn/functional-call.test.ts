import { capture, func, grad, manualSeed, nn, ones, randn, type Tensor, tensor, zeros } from 'nabla';
import { describe, expect, it } from 'vitest';

const { functionalCall } = func;

const perceptron = () => new nn.Sequential(new nn.Linear(2, 3), new nn.Tanh(), new nn.Linear(3, 1));
const named = (module: nn.Module) => Object.fromEntries(module.namedParameters());

describe('functionalCall', () => {
  it('is forward with other tensors, after which the own ones are back', () => {
    manualSeed(0);
    const [model, other] = [perceptron(), perceptron()];
    const x = randn([4, 2]);
    const [own, wanted] = [model.forward(x).toArray(), other.forward(x).toArray()];
    expect(functionalCall(model, named(other), [x]).toArray()).toEqual(wanted);
    expect(functionalCall(model, named(other), x).toArray()).toEqual(wanted);
    expect(
      functionalCall(
        model,
        [named(other[0]), {}].map((dict, i) => (i === 0 ? { '0.bias': dict.bias! } : dict)),
        x,
      ).shape,
    ).toEqual([4, 1]);
    expect(functionalCall(model, {}, [x]).toArray()).toEqual(own);
    expect(model.forward(x).toArray()).toEqual(own);
    expect(Object.keys(model.stateDict())).toEqual(Object.keys(other.stateDict()));
  });

  it('lets gradients through to parameters that were computed, and to those before', () => {
    // With w' = w - a dL/dw of L = (w x)², w' = w - 2 a w x²; then dL'/dw = 2 w' x² (1 - 2 a x²).
    const model = new nn.Linear(1, 1, { bias: false, dtype: 'float64' });
    model.weight.data = tensor([[3]], { dtype: 'float64' });
    const x = tensor([[0.5]], { dtype: 'float64' });
    const [slope] = grad(model.forward(x).pow(2).sum(), model.weight, { createGraph: true });
    const after = model.weight.sub(slope!.mul(0.1));
    functionalCall(model, { weight: after }, [x]).pow(2).sum().backward();
    const next = 3 - 2 * 0.1 * 3 * 0.25;
    expect(model.weight.grad!.item()).toBeCloseTo(2 * next * 0.25 * (1 - 2 * 0.1 * 0.25), 12);
  });

  it('replaces buffers too, and writes to those that are given', () => {
    const norm = new nn.BatchNorm1d(2);
    const runningMean = zeros([2]);
    functionalCall(norm, { running_mean: runningMean }, [
      tensor([
        [1, 2],
        [3, 4],
      ]),
    ]);
    expect(runningMean.toArray()).toEqual([0.2, 0.3].map((value) => expect.closeTo(value, 6)));
    expect(norm.runningMean!.toArray()).toEqual([0, 0]);
  });

  it.each([
    ['GRU', () => new nn.GRU(2, 3), [randn([4, 1, 2])]],
    [
      'MultiheadAttention',
      () => new nn.MultiheadAttention(4, 2),
      [randn([3, 1, 4]), randn([3, 1, 4]), randn([3, 1, 4])],
    ],
    ['ModuleList', () => new WithList(), [randn([2, 2])]],
  ])('works with %s', (_, make, inputs) => {
    const [model, other] = [make(), make()] as unknown as [nn.Module<Tensor[], object>, nn.Module<Tensor[], object>];
    const text = (output: object) => JSON.stringify(output);
    const wanted = text(other.forward(...inputs));
    expect(text(model.forward(...inputs))).not.toBe(wanted);
    expect(text(functionalCall(model, named(other), inputs))).toBe(wanted);
  });

  it.each(['RNN', 'LSTM', 'GRU'] as const)('lets gradients through to weights of %s that were computed', (name) => {
    const model: nn.Module<[Tensor], { output: Tensor }> = new nn[name](2, 3);
    const x = randn([4, 1, 2]);
    const halves = Object.fromEntries(model.namedParameters().map(([path, p]) => [path, p.mul(0.5)]));
    const output = functionalCall(model, halves, [x]).output;
    output.sum().backward();
    const slopes = model.parameters().map((p) => p.grad!.mul(2).toArray());
    model.zeroGrad();
    model.loadStateDict(Object.fromEntries(Object.entries(halves).map(([path, p]) => [path, p.detach()])));
    const plain = model.forward(x).output;
    expect(plain.toArray()).toEqual(output.toArray());
    plain.sum().backward();
    expect(model.parameters().map((p) => p.grad!.toArray())).toEqual(slopes);
  });

  it('replaces what is shared everywhere, unless told otherwise', () => {
    const tied = new Tied();
    const [x, other] = [
      ones([1, 2]),
      tensor([
        [2, 0],
        [0, 2],
      ]),
    ];
    tied.a.weight.data = tensor([
      [1, 0],
      [0, 1],
    ]);
    expect(functionalCall(tied, { 'a.weight': other }, x).toArray()).toEqual([[4, 4]]);
    expect(functionalCall(tied, { 'b.weight': other }, x).toArray()).toEqual([[4, 4]]);
    expect(functionalCall(tied, { 'a.weight': other }, x, { tieWeights: false }).toArray()).toEqual([[2, 2]]);
    expect(() => functionalCall(tied, { 'a.weight': other, 'b.weight': other.clone() }, x)).toThrow(
      "functionalCall: 'b.weight' is shared under another name",
    );
  });

  it('is captured', () => {
    const model = perceptron();
    const call = (w: Tensor, x: Tensor) => functionalCall(model, { '0.weight': w }, [x]).detach();
    const captured = capture(call);
    for (let i = 0; i < 3; i++) {
      const [w, x] = [randn([3, 2]), randn([4, 2])];
      expect(captured(w, x).toArray()).toEqual(call(w, x).toArray());
    }
  });

  it('refuses what does not fit, and changes nothing', () => {
    const model = perceptron();
    const x = ones([1, 2]);
    const before = model.forward(x).toArray();
    const call =
      (...args: unknown[]) =>
      () =>
        Reflect.apply(functionalCall, null, args);
    expect(call(model, { '0.wieght': ones([3, 2]) }, x)).toThrow(
      "functionalCall: unknown parameter or buffer '0.wieght'; did you mean '0.weight'?",
    );
    expect(call(model, { '0.weight': ones([2, 3]) }, x)).toThrow(
      "functionalCall: '0.weight' has shape [3, 2], got a tensor of shape [2, 3]",
    );
    expect(call(model, { '0.weight': 3 }, x)).toThrow("functionalCall: '0.weight' must be a Tensor, got 3");
    expect(call(model, [{ '0.bias': ones([3]) }, { '0.bias': ones([3]) }], x)).toThrow("'0.bias' is given twice");
    expect(call(model, { '0.weight': ones([3, 2]) }, x, { strict: true })).toThrow(
      "functionalCall: missing '0.bias', '2.weight', '2.bias'",
    );
    expect(call(model, 3, x)).toThrow('functionalCall: parameterAndBufferDicts must be tensors by name');
    expect(call({}, {}, x)).toThrow('functionalCall: module must be a Module');
    expect(call(model, { '0.weight': ones([3, 2]) }, [ones([1, 5])])).toThrow();
    expect(model.forward(x).toArray()).toEqual(before);
  });
});

class WithList extends nn.Module<[Tensor], Tensor> {
  layers = new nn.ModuleList([new nn.Linear(2, 2), new nn.Linear(2, 2)]);
  scale = new nn.ParameterList([randn([2])]);

  override forward(x: Tensor): Tensor {
    return [...this.layers].reduce((y, layer) => layer.forward(y), x).mul(this.scale[0]!);
  }
}

class Tied extends nn.Module<[Tensor], Tensor> {
  a = new nn.Linear(2, 2, { bias: false });
  b = new nn.Linear(2, 2, { bias: false });

  constructor() {
    super();
    this.b.weight = this.a.weight;
  }

  override forward(x: Tensor): Tensor {
    return this.b.forward(this.a.forward(x));
  }
}
