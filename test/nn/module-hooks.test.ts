import { AutogradError, CaptureError, capture, nn, noGrad, ones, type Tensor, tensor, ValueError } from 'nabla';
import { describe, expect, expectTypeOf, it } from 'vitest';

const leaf = (values: number[]) => tensor(values, { requiresGrad: true });
const values = (list: readonly (Tensor | null)[]) => list.map((one) => one?.toArray() ?? null);

class Net extends nn.Module<[Tensor, Tensor], Tensor[]> {
  a = new nn.Linear(2, 2);

  constructor() {
    super();
    this.a.weight.data = tensor([
      [1, 2],
      [3, 4],
    ]);
    this.a.bias.data = tensor([0, 0]);
  }

  forward(x: Tensor, y: Tensor): Tensor[] {
    return [this.a.forward(x).mul(y), x.sum()];
  }
}

describe('hooks of modules', () => {
  it('are called in the order and with the values of PyTorch', () => {
    const net = new Net();
    const log: unknown[] = [];
    net.registerForwardPreHook(() => void log.push('second'));
    net.registerForwardPreHook(
      (_, [x, y]) => {
        log.push('first');
        return [x.mul(2), y];
      },
      { prepend: true },
    );
    net.registerForwardHook((_, inputs, output) => void log.push([values(inputs), values(output)]));
    net.registerFullBackwardPreHook((_, gradOutput) => {
      log.push(values(gradOutput));
      return null;
    });
    net.registerFullBackwardHook((_, gradInput, gradOutput) => {
      log.push([values(gradInput), values(gradOutput)]);
      return [gradInput[0]!.mul(10), null];
    });
    const x = leaf([1, 2]);
    const [first] = net.forward(x, tensor([3, 5]));
    first!.sum().backward();
    // From PyTorch 2.13, with the same program.
    expect(log).toEqual([
      'first',
      'second',
      [
        [
          [2, 4],
          [3, 5],
        ],
        [[30, 110], 6],
      ],
      [[1, 1], null],
      [
        [
          [18, 26],
          [0, 0],
        ],
        [[1, 1], null],
      ],
    ]);
    expect(x.grad!.toArray()).toEqual([360, 520]);
    expect(net.a.weight.grad!.toArray()).toEqual([
      [6, 12],
      [10, 20],
    ]);
  });

  it('are told at once where no input needs a gradient', () => {
    const layer = new nn.Linear(2, 1);
    const seen: unknown[] = [];
    layer.registerFullBackwardHook((_, gradInput, gradOutput) => {
      seen.push([gradInput, values(gradOutput)]);
      return null;
    });
    layer
      .forward(ones([1, 2]))
      .sum()
      .backward();
    expect(seen).toEqual([[[null], [[[1]]]]]);
  });

  it('replace outputs and gradients of outputs, and see what each other made', () => {
    const layer = new nn.Identity();
    layer.registerForwardHook((_, __, y) => y.add(1));
    layer.registerForwardHook((_, __, y) => y.mul(3));
    layer.registerFullBackwardPreHook((_, [g]) => g!.mul(5));
    layer.registerFullBackwardPreHook((_, [g]) => g!.add(1));
    const x = leaf([1, 2]);
    const y = layer.forward(x);
    expect(y.toArray()).toEqual([6, 9]);
    y.sum().backward();
    expect(x.grad!.toArray()).toEqual([18, 18]);
  });

  it('are gone after remove, and leave nothing', () => {
    const layer = new nn.ReLU();
    const [a, b] = [layer.registerForwardHook(() => 7), layer.registerForwardHook(() => 8)];
    expect(layer.forward(ones([1]))).toBe(8);
    b.remove();
    b.remove();
    expect(layer.forward(ones([1]))).toBe(7);
    a.remove();
    expect(layer.forward(ones([1])).item()).toBe(1);
    expect(Object.getOwnPropertyNames(layer)).not.toContain('forward');
  });

  it('keep a forward that is a property, and one that is assigned meanwhile', () => {
    class Arrow extends nn.Module<[number], number> {
      forward = (x: number) => x + 1;
    }
    const module = new Arrow();
    const seen: unknown[] = [];
    const handle = module.registerForwardHook((_, [x], y) => void seen.push([x, y]));
    expect(module.forward(1)).toBe(2);
    module.forward = (x) => x + 10;
    expect(module.forward(1)).toBe(11);
    handle.remove();
    expect(module.forward(1)).toBe(11);
    expect(seen).toEqual([
      [1, 2],
      [1, 11],
    ]);
    expect(Object.keys(module.stateDict())).toEqual([]);
  });

  it('are called on layers within others, and stay with a clone, in lists of its own', () => {
    const model = new nn.Sequential(new nn.Linear(2, 3), new nn.ReLU());
    const seen: unknown[] = [];
    const handle = model[0].registerForwardHook((module) => void seen.push(module));
    const copy = model.clone();
    model.forward(ones([1, 2]));
    copy.forward(ones([1, 2]));
    expect(seen).toEqual([model[0], copy[0]]);
    handle.remove();
    model.forward(ones([1, 2]));
    copy.forward(ones([1, 2]));
    expect(seen.length).toBe(3);
  });

  it('with alwaysCall are called where forward throws, and hide nothing', () => {
    class Failing extends nn.Module<[], Tensor> {
      forward(): Tensor {
        throw new RangeError('mine');
      }
    }
    const module = new Failing();
    const seen: unknown[] = [];
    module.registerForwardHook(() => void seen.push('never'));
    module.registerForwardHook(
      (_, __, output) => {
        seen.push(output);
        throw new Error('dropped');
      },
      { alwaysCall: true },
    );
    expect(() => module.forward()).toThrow(RangeError);
    expect(seen).toEqual([undefined]);
  });

  it('know the types of inputs and outputs', () => {
    new nn.Linear(2, 2).registerForwardHook((module, [x], y) => {
      expectTypeOf(module).toEqualTypeOf<nn.Linear<true>>();
      expectTypeOf(x).toEqualTypeOf<Tensor>();
      expectTypeOf(y).toEqualTypeOf<Tensor>();
    });
  });

  it('see nothing where nothing is recorded, and are not called for gradients of gradients, as in PyTorch', () => {
    const layer = new nn.Tanh();
    let calls = 0;
    layer.registerFullBackwardHook((_, [g]) => {
      calls++;
      return g!.mul(2);
    });
    const x = leaf([0.5]);
    noGrad(() => layer.forward(x));
    expect(calls).toBe(0);
    layer.forward(x).sum().backward(null, { createGraph: true });
    expect(calls).toBe(1);
    expect(x.grad!.item()).toBeCloseTo(2 * (1 - Math.tanh(0.5) ** 2), 6);
    const first = x.grad!;
    x.grad = null;
    first.sum().backward();
    expect(calls).toBe(1);
    expect(x.grad!.item()).toBeCloseTo(-1.4537, 4); // PyTorch's
  });

  it('are called again in each pass through a graph that is kept', () => {
    const layer = new nn.Tanh();
    const seen: unknown[] = [];
    layer.registerFullBackwardHook((_, __, [g]) => {
      seen.push(g!.item());
      return null;
    });
    const y = layer.forward(leaf([0])).sum();
    y.backward(null, { retainGraph: true });
    y.mul(3).backward();
    expect(seen).toEqual([1, 3]);
  });

  it('refuse what they cannot tell of', () => {
    const inPlace = new nn.ReLU({ inplace: true });
    inPlace.registerFullBackwardHook(() => null);
    expect(() => inPlace.forward(leaf([1]).mul(1))).toThrow(/ReLU changed its input 0 in place/);
    const layer = new nn.Tanh();
    const handle = layer.registerFullBackwardHook(() => [ones([1]), ones([1])]);
    expect(() => layer.forward(leaf([1])).backward()).toThrow(/must return 1 gradients, or nothing/);
    handle.remove();
    layer.registerFullBackwardHook(() => ones([1]));
    expect(() => layer.forward(tensor([1]).add(leaf([1]).detach())).backward()).toThrow(AutogradError);
    class Record extends nn.Module<[Tensor], object> {
      forward = (x: Tensor) => ({ x });
    }
    const record = new Record();
    record.registerFullBackwardHook(() => null);
    expect(() => record.forward(leaf([1]))).toThrow(ValueError);
    expect(() => layer.registerForwardHook(3 as never)).toThrow(/registerForwardHook: hook must be a function/);
    expect(() => layer.registerForwardHook(() => 1, { prepnd: true } as never)).toThrow(/prepend/);
  });

  it('are refused by name in captured functions, registered before or after', () => {
    const layer = new nn.Tanh();
    const other = new nn.Tanh();
    const step = capture((x: Tensor) => layer.forward(x));
    const [x, y] = [ones([2]), ones([2]).tanh().toArray()];
    expect(step(x).toArray()).toEqual(y);
    expect(step(x).toArray()).toEqual(y);
    const elsewhere = other.registerForwardHook(() => 1);
    expect(step(x).toArray()).toEqual(y);
    const handle = layer.registerForwardHook((_, __, output) => output.mul(2));
    expect(() => step(x)).toThrow(CaptureError);
    expect(() => step(x)).toThrow(/does not call hooks of modules \(of Tanh\)/);
    handle.remove();
    elsewhere.remove();
    expect(step(x).toArray()).toEqual(y);
    expect(() => capture(() => layer.registerForwardHook(() => 1))()).toThrow(
      /registerForwardHook: a captured function/,
    );
  });
});
