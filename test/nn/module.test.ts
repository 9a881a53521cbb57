import { cat, NablaError, nn, ones, type Tensor, tensor, ValueError, zeros } from 'nabla';
import { describe, expect, expectTypeOf, it } from 'vitest';

class Scaled extends nn.Module {
  inner = new nn.Linear(2, 3, { bias: false });
  factor = new nn.Parameter(ones([1]));
  declare count: Tensor;

  constructor() {
    super();
    this.registerBuffer('count', zeros([], { dtype: 'int32' }));
  }

  override forward(x: Tensor): Tensor {
    return this.inner.forward(x).mul(this.factor);
  }
}

class Shared extends nn.Module {
  a = new nn.Linear(2, 2);
  b = this.a;

  override forward(x: Tensor): Tensor {
    return this.b.forward(this.a.forward(x));
  }
}

const names = (named: [string, unknown][]) => named.map(([name]) => name);

describe('Module', () => {
  it('finds parameters, buffers and modules among its properties, its own first', () => {
    const model = new Scaled();
    expect(names(model.namedParameters())).toEqual(['factor', 'inner.weight']);
    expect(names(model.namedBuffers())).toEqual(['count']);
    expect(names(model.namedModules())).toEqual(['', 'inner']);
    expect(Object.keys(model.stateDict())).toEqual(['factor', 'count', 'inner.weight']);
  });

  it('lists what is shared once, but saves it under each path', () => {
    const model = new Shared();
    expect(names(model.namedParameters())).toEqual(['a.weight', 'a.bias']);
    expect(names(model.namedModules())).toEqual(['', 'a']);
    expect(Object.keys(model.stateDict())).toEqual(['a.weight', 'a.bias', 'b.weight', 'b.bias']);
  });

  it('follows a property that is replaced', () => {
    const model = new Scaled();
    model.factor = new nn.Parameter(zeros([3]));
    expect(model.parameters()[0]!.shape).toEqual([3]);
  });

  it('switches training mode in all modules', () => {
    const model = new nn.Sequential(new nn.Dropout(0.9), new nn.Sequential(new nn.Dropout(0.9)));
    expect(
      model
        .eval()
        .modules()
        .map((module) => module.training),
    ).toEqual([false, false, false, false]);
    expect(model.forward(ones([50])).toTypedArray()).toEqual(new Float32Array(50).fill(1));
    expect(
      model
        .train()
        .forward(ones([50]))
        .toTypedArray(),
    ).toContain(0);
  });

  it('applies a function innermost first', () => {
    const seen: string[] = [];
    new nn.Sequential(new nn.Identity(), new nn.Sequential(new nn.Tanh())).apply((module) => {
      seen.push(module.constructor.name);
    });
    expect(seen).toEqual(['Identity', 'Tanh', 'Sequential', 'Sequential']);
  });

  it('forgets gradients, and switches them off', () => {
    const model = new nn.Linear(2, 1);
    model
      .forward(ones([1, 2]))
      .sum()
      .backward();
    expect(model.weight.grad).not.toBeNull();
    model.zeroGrad();
    expect(model.parameters().map((p) => p.grad)).toEqual([null, null]);
    model.requiresGrad_(false);
    expect(model.forward(ones([1, 2])).requiresGrad).toBe(false);
  });

  it('converts parameters and float buffers, not integers', () => {
    const model = new Scaled().double();
    expect(model.factor.dtype).toBe('float64');
    expect(model.buffers()[0]!.dtype).toBe('int32');
    expect(model.forward(ones([1, 2], { dtype: 'float64' })).dtype).toBe('float64');
  });

  it('prints as PyTorch does', () => {
    const model = new nn.Sequential(
      new nn.Linear(4, 3),
      new nn.LeakyReLU(),
      new nn.ReLU({ inplace: true }),
      new nn.GELU(),
      new nn.Softplus({ beta: 2 }),
      new nn.Dropout(0.25),
      new nn.Flatten(),
      new nn.Softmax(1),
      new nn.Sequential(new nn.ELU()),
    );
    expect(String(model)).toBe(`Sequential(
  (0): Linear(in_features=4, out_features=3, bias=True)
  (1): LeakyReLU(negative_slope=0.01)
  (2): ReLU(inplace=True)
  (3): GELU(approximate='none')
  (4): Softplus(beta=2.0, threshold=20.0)
  (5): Dropout(p=0.25, inplace=False)
  (6): Flatten(start_dim=1, end_dim=-1)
  (7): Softmax(dim=1)
  (8): Sequential(
    (0): ELU(alpha=1.0)
  )
)`);
  });

  it('sums up its parameters', () => {
    const model = new nn.Linear(784, 10);
    model.bias.requiresGrad = false;
    expect(model.summary()).toBe(
      [
        'parameter  shape      elements',
        'weight     [10, 784]     7,840',
        'bias       [10]             10  frozen',
        'total                    7,850  7,840 trainable',
      ].join('\n'),
    );
  });

  it.each([
    ['', 'empty'],
    ['a.b', "contain '.'"],
  ])('refuses the buffer name %j', (name, message) => {
    expect(() => new Scaled().registerBuffer(name, null)).toThrow(message);
  });
});

describe('loadStateDict', () => {
  it('copies into the same tensors', () => {
    const [from, to] = [new Scaled(), new Scaled()];
    const { factor } = to;
    to.loadStateDict(from.stateDict());
    expect(to.factor).toBe(factor);
    expect(to.inner.weight.toArray()).toEqual(from.inner.weight.toArray());
  });

  it('names all that is wrong, and changes nothing', () => {
    const model = new Scaled();
    const before = model.inner.weight.toArray();
    const state = { factor: zeros([2]), 'inner.wieght': zeros([3, 2]), 'inner.weight': zeros([3, 2]) };
    const load = () => model.loadStateDict(state);
    expect(load).toThrow(NablaError);
    expect(load).toThrow(/factor: expected shape \[1\], got \[2\]/);
    expect(load).toThrow(/missing: count/);
    expect(load).toThrow(/unexpected: inner.wieght; did you mean 'inner.weight'\?/);
    expect(model.inner.weight.toArray()).toEqual(before);
  });

  it('takes a shape of [1] for a number, as PyTorch does', () => {
    const model = new Scaled();
    model.loadStateDict({ ...model.stateDict(), count: tensor([7], { dtype: 'int32' }) });
    expect(model.count.item()).toBe(7);
    const load = (shape: number[]) => () => model.loadStateDict({ ...model.stateDict(), count: zeros(shape) });
    for (const shape of [[2], [1, 1]]) expect(load(shape)).toThrow(/count: expected shape \[\]/);
    // The other way round a shape is one too many.
    expect(() => model.loadStateDict({ ...model.stateDict(), factor: tensor(1) })).toThrow(
      /factor: expected shape \[1\]/,
    );
  });

  it('lets names differ where it is not strict, but not shapes', () => {
    const model = new nn.Linear(2, 1);
    const result = model.loadStateDict({ weight: tensor([[1, 2]]), other: zeros([1]) }, { strict: false });
    expect(result).toEqual({ missingKeys: ['bias'], unexpectedKeys: ['other'] });
    expect(model.weight.toArray()).toEqual([[1, 2]]);
    expect(() => model.loadStateDict({ weight: zeros([2, 1]) }, { strict: false })).toThrow(/expected shape \[1, 2\]/);
  });

  it('knows its options', () => {
    const options: object = { stric: false };
    expect(() => new nn.Linear(1, 1).loadStateDict({}, options)).toThrow("did you mean 'strict'?");
  });
});

describe('Sequential', () => {
  const model = new nn.Sequential(new nn.Linear(4, 3), new nn.Sigmoid());

  it('is indexed and iterated over, each layer with its own type', () => {
    expectTypeOf(model[0]).toEqualTypeOf<nn.Linear>();
    expectTypeOf(model[1]).toEqualTypeOf<nn.Sigmoid>();
    expect(model[0].weight.shape).toEqual([3, 4]);
    expect([...model].map((layer) => layer.constructor.name)).toEqual(['Linear', 'Sigmoid']);
    expect(model.length).toBe(2);
    expect(model.at(-1)).toBe(model[1]);
  });

  it('refuses what is not a module', () => {
    expect(() => new nn.Sequential(new nn.Tanh(), Math.tanh as never)).toThrow(/argument 1 must be a Module/);
  });
});

describe('Linear', () => {
  it('has a bias by type, unless made without', () => {
    expectTypeOf(new nn.Linear(1, 1).bias).toEqualTypeOf<nn.Parameter>();
    expectTypeOf(new nn.Linear(1, 1, { bias: false }).bias).toEqualTypeOf<null>();
    expect(new nn.Linear(1, 1, { bias: false }).bias).toBeNull();
  });

  it('gives a 0-d bias a 0-d gradient', () => {
    const layer = new nn.Linear(2, 3);
    layer.bias.data = tensor(5.5);
    layer
      .forward(ones([4, 2]))
      .sum()
      .backward();
    expect(layer.bias.grad!.shape).toEqual([]);
    expect(layer.bias.grad!.item()).toBe(12);
  });

  it.each([
    [-1, 2],
    [1.5, 2],
    ['3', 2],
  ])('refuses %j input features', (inFeatures, outFeatures) => {
    expect(() => new nn.Linear(inFeatures as number, outFeatures)).toThrow(ValueError);
  });

  it('says which features it expected', () => {
    expect(() => new nn.Linear(4, 3).forward(ones([2, 5]))).toThrow(
      'linear: expected 4 features (weight [3, 4]), got an input of shape [2, 5]',
    );
  });

  it('refuses unknown options', () => {
    expect(() => new nn.Linear(1, 1, { bais: false } as object)).toThrow("did you mean 'bias'?");
  });
});

describe('Parameter', () => {
  it('shares the storage of its tensor, and prints what it is', () => {
    const data = zeros([2]);
    const parameter = new nn.Parameter(data);
    data.fill_(1);
    expect(String(parameter)).toBe('Parameter containing:\ntensor([1., 1.], requires_grad=True)');
    expect(cat([parameter, data]).requiresGrad).toBe(true);
    expect(() => new nn.Parameter([1] as never)).toThrow('Parameter: data must be a Tensor, got an array of 1');
  });
});

describe('states with many foreign names', () => {
  const foreign = (count: number, length: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`${i}.${'x'.repeat(length)}`, zeros([1])]));

  it('are refused with the first of them, cut', () => {
    const layer = new nn.Linear(2, 1);
    const load = () => layer.loadStateDict({ ...layer.stateDict(), ...foreign(1000, 5000) });
    expect(load).toThrow('unexpected: 980 more');
    try {
      load();
    } catch (error) {
      expect((error as Error).message.split('\n')).toHaveLength(22);
      expect((error as Error).message.length).toBeLessThan(6000);
    }
  });

  it('give hints as before for few', () => {
    const layer = new nn.Linear(2, 1);
    const { weight, bias } = layer.stateDict();
    expect(() => layer.loadStateDict({ wieght: weight!, bias: bias! })).toThrow(
      "unexpected: wieght; did you mean 'weight'?",
    );
  });
});

describe('names that all objects have', () => {
  it.each([
    ['__proto__', '__proto__'],
    ['constructor', 'constructor'],
    ['toString', 'to_string'],
    ['hasOwnProperty', 'has_own_property'],
  ])('%s is a name like any other', (property, name) => {
    class Odd extends nn.Module {
      constructor(value: number) {
        super();
        Object.defineProperty(this, property, { value: new nn.Parameter(tensor([value])), enumerable: true });
      }
      override forward(): void {}
    }
    const state = new Odd(3).stateDict();
    expect(Object.keys(state)).toEqual([name]);
    const odd = new Odd(1);
    expect(() => odd.loadStateDict({})).toThrow(`missing: ${name}`);
    expect(odd.loadStateDict({}, { strict: false }).missingKeys).toEqual([name]);
    odd.loadStateDict(state);
    expect(odd.parameters()[0]!.toArray()).toEqual([3]);
    expect(() => new nn.Linear(1, 1, { bias: false }).loadStateDict(state, { strict: true })).toThrow(
      `unexpected: ${name}`,
    );
  });

  it.each([null, 3, new Map(), [zeros([1])], 'state'])('states are not made of %s', (state) => {
    expect(() => new nn.Linear(1, 1).loadStateDict(state as never)).toThrow(
      'loadStateDict: state must be tensors by name',
    );
  });
});
