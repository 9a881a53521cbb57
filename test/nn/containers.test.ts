import { CaptureError, capture, full, nn, ones, type Tensor, tensor, ValueError, zeros } from 'nabla';
import { describe, expect, expectTypeOf, it } from 'vitest';

const linear = (n: number) => new nn.Linear(n, n);
const sizes = (list: Iterable<nn.Module>) => [...list].map((module) => (module as nn.Linear).inFeatures);

describe('ModuleList', () => {
  it('is indexed, counted and iterated over', () => {
    const list = new nn.ModuleList([linear(1), linear(2)]);
    expectTypeOf(list[0]).toEqualTypeOf<nn.Linear | undefined>();
    for (const layer of list) expectTypeOf(layer).toEqualTypeOf<nn.Linear>();
    expect(list.length).toBe(2);
    expect(list[1]!.inFeatures).toBe(2);
    expect(list[2]).toBeUndefined();
    expect(list.at(-1)).toBe(list[1]);
    expect(sizes(list)).toEqual([1, 2]);
    expect(Array.from(list, (layer) => layer.outFeatures)).toEqual([1, 2]);
  });

  it('grows at the end and within', () => {
    const list = new nn.ModuleList([linear(1)]);
    expect(list.append(linear(2)).extend([linear(3), linear(4)])).toBe(list);
    list.insert(0, linear(5)).insert(-1, linear(6)).insert(6, linear(7));
    expect(sizes(list)).toEqual([5, 1, 2, 3, 6, 4, 7]);
    expect(list.extend(new nn.ModuleList([linear(8)]))).toHaveLength(8);
    expect(list.namedChildren().map(([name]) => name)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
    list[0] = linear(9);
    expect(sizes(list)[0]).toBe(9);
    expect(list.parameters()).toHaveLength(16);
  });

  it('takes modules only, all or none', () => {
    const list = new nn.ModuleList<nn.Module>([linear(1)]);
    expect(() => list.append(ones([1]) as never)).toThrow(
      'ModuleList: append: the item must be a Module, got a Tensor',
    );
    expect(() => list.extend([linear(2), null as never])).toThrow(
      'ModuleList: extend: item 1 must be a Module, got null',
    );
    expect(() => list.extend(3 as never)).toThrow('ModuleList: expected an array, got 3');
    expect(() => new nn.ModuleList([Math.tanh as never])).toThrow(ValueError);
    for (const index of [2, -2, 0.5, '0']) expect(() => list.insert(index as number, linear(2))).toThrow(ValueError);
    expect(() => list.forward()).toThrow('ModuleList: forward: a container of modules has none');
    expect(list).toHaveLength(1);
  });
});

describe('Sequential', () => {
  it('grows as a list does', () => {
    const model = new nn.Sequential(linear(2));
    model
      .append(new nn.Tanh())
      .extend([linear(2)])
      .insert(1, new nn.ReLU());
    expect([...model].map((layer) => layer.constructor.name)).toEqual(['Linear', 'ReLU', 'Tanh', 'Linear']);
    expect(model.forward(ones([1, 2])).shape).toEqual([1, 2]);
    expect(() => model.append('x' as never)).toThrow('Sequential: append: the item must be a Module');
  });

  it('of nothing gives what it takes', () => {
    const x = ones([2]);
    expect(new nn.Sequential().append(new nn.Identity()).forward(x as never)).toBe(x);
    expect(new nn.Sequential().forward(x as never)).toBe(x);
  });
});

describe('ModuleDict', () => {
  const make = () => new nn.ModuleDict({ mean: linear(1), logVar: new nn.Sequential(linear(2)), get: new nn.Tanh() });

  it('has modules by key, and as properties', () => {
    const dict = make();
    expectTypeOf(dict.mean).toEqualTypeOf<nn.Linear>();
    expectTypeOf(dict.get('mean')).toEqualTypeOf<nn.Linear>();
    expectTypeOf(dict.logVar[0]).toEqualTypeOf<nn.Linear>();
    expectTypeOf(dict.get('get')).toEqualTypeOf<nn.Tanh>();
    const key: string = 'mean';
    expectTypeOf(dict.get(key)).toEqualTypeOf<nn.Module>();
    expect(dict.get(key)).toBe(dict.mean);
    expect(dict.get('get')).toBeInstanceOf(nn.Tanh);
    expect(dict.keys()).toEqual(['mean', 'logVar', 'get']);
    expect([...dict]).toEqual(['mean', 'logVar', 'get']);
    expect(dict.values()).toEqual([dict.mean, dict.logVar, dict.get('get')]);
    expect(dict.items()[1]).toEqual(['logVar', dict.logVar]);
    expect([dict.length, dict.has('mean'), dict.has('toString')]).toEqual([3, true, false]);
    expect(dict.namedParameters().map(([name]) => name)).toEqual([
      'mean.weight',
      'mean.bias',
      'logVar.0.weight',
      'logVar.0.bias',
    ]);
    expect(String(dict)).toContain('(get): Tanh()');
  });

  it('takes modules by key, in place of those that were there', () => {
    const dict = make();
    const other = linear(3);
    expect(dict.set('mean', other).set('more', new nn.ReLU()).set('get', new nn.Tanh())).toBe(dict);
    expect(dict.mean).toBe(other);
    expect(dict.keys()).toEqual(['mean', 'logVar', 'get', 'more']);
    dict.mean = linear(4);
    expect(dict.get('mean').inFeatures).toBe(4);
    expect(dict.namedChildren()).toHaveLength(4);
    // @ts-expect-error what is there has a type
    void (() => dict.set('mean', new nn.Tanh()));
  });

  it('keeps the order of its keys, whatever they are', () => {
    const dict = new nn.ModuleDict([
      ['b', linear(1)],
      ['1', linear(2)],
      ['0', linear(3)],
      ['__proto__', linear(4)],
    ]);
    expect(dict.keys()).toEqual(['b', '1', '0', '__proto__']);
    expect(Object.keys(dict.stateDict()).filter((name) => name.endsWith('bias'))).toEqual([
      'b.bias',
      '1.bias',
      '0.bias',
      '__proto__.bias',
    ]);
    expect(new nn.ModuleDict(new Map([['x', linear(1)]])).get('x')).toBeInstanceOf(nn.Linear);
  });

  it('refuses keys that are none, and what is no module', () => {
    const dict = make();
    expect(() => dict.get('maen')).toThrow("ModuleDict: unknown key 'maen'; did you mean 'mean'?");
    for (const key of ['', 'a.b', 3]) expect(() => dict.set(key as string, linear(1))).toThrow(ValueError);
    expect(() => dict.set('x', zeros([1]) as never)).toThrow("ModuleDict: 'x' must be a Module, got a Tensor");
    expect(() => Object.assign(dict, { mean: 3 })).toThrow(ValueError);
    for (const items of [3, null, [linear(1)], linear(1)]) {
      expect(() => new nn.ModuleDict(items as never)).toThrow('an object of items by key, or [key, item] pairs');
    }
    expect(dict).toHaveLength(3);
  });

  it('of a subclass has other parts too', () => {
    class Named extends nn.ModuleDict<{ a: nn.Linear }> {
      lastOne = linear(2);
    }
    expect(new Named({ a: linear(1) }).namedModules().map(([name]) => name)).toEqual(['', 'last_one', 'a']);
  });
});

describe('ParameterList and ParameterDict', () => {
  it('make parameters of tensors', () => {
    const own = new nn.Parameter(ones([2]));
    const list = new nn.ParameterList([own, zeros([1])]);
    expectTypeOf(list[0]).toEqualTypeOf<nn.Parameter | undefined>();
    expect(list[0]).toBe(own);
    expect(list[1]).toBeInstanceOf(nn.Parameter);
    expect(
      list
        .append(tensor([7]))
        .parameters()
        .map((p) => p.numel()),
    ).toEqual([2, 1, 1]);
    const dict = new nn.ParameterDict({ left: own, keys: zeros([1]) });
    expectTypeOf(dict.left).toEqualTypeOf<nn.Parameter>();
    expectTypeOf(dict.get('keys')).toEqualTypeOf<nn.Parameter>();
    expect(dict.left).toBe(own);
    expect(dict.set('left', zeros([4])).left.shape).toEqual([4]);
    expect(dict.parameters()).toHaveLength(2);
  });

  it('take tensors only', () => {
    expect(() => new nn.ParameterList([3 as never])).toThrow(
      'ParameterList: item 0 must be a Parameter or a Tensor, got 3',
    );
    expect(() => new nn.ParameterDict({ a: linear(1) as never })).toThrow(
      "ParameterDict: 'a' must be a Parameter or a Tensor",
    );
  });
});

describe('captured functions', () => {
  const x = ones([1, 2]);
  const cases: [string, () => { model: nn.Module<[Tensor], Tensor>; change: () => void }][] = [
    [
      'a list',
      () => {
        const list = new nn.ModuleList([linear(2)]);
        class Model extends nn.Module<[Tensor], Tensor> {
          layers = list;
          override forward(x: Tensor): Tensor {
            let result = x;
            for (const layer of this.layers) result = layer.forward(result);
            return result;
          }
        }
        return { model: new Model(), change: () => list.append(linear(2)) };
      },
    ],
    [
      'a dictionary',
      () => {
        const dict = new nn.ModuleDict({ values: linear(2) });
        class Model extends nn.Module<[Tensor], Tensor> {
          heads = dict;
          override forward(x: Tensor): Tensor {
            return this.heads.get('values').forward(x);
          }
        }
        return { model: new Model(), change: () => dict.set('values', linear(2)) };
      },
    ],
    [
      'parameters',
      () => {
        const dict = new nn.ParameterDict({ scale: ones([2]) });
        class Model extends nn.Module<[Tensor], Tensor> {
          of = dict;
          override forward(x: Tensor): Tensor {
            return x.mul(this.of.scale);
          }
        }
        return { model: new Model(), change: () => (dict.scale = new nn.Parameter(zeros([2]))) };
      },
    ],
  ];

  it.each(cases)('notice that %s was changed', (_, make) => {
    const { model, change } = make();
    const f = capture((x: Tensor) => model.forward(x));
    expect(f(x).toArray()).toEqual(model.forward(x).toArray());
    expect(f(x).toArray()).toEqual(model.forward(x).toArray());
    change();
    expect(() => f(x)).toThrow(CaptureError);
    f.reset();
    expect(f(x).toArray()).toEqual(model.forward(x).toArray());
  });

  it.each(cases)('refuse that %s changes in every call', (_, make) => {
    const { model, change } = make();
    const f = capture((x: Tensor) => {
      change();
      return model.forward(x);
    });
    f(x);
    expect(() => f(x)).toThrow(CaptureError);
  });

  it('call clones', () => {
    const model = new nn.Sequential(linear(2), new nn.GELU(), new nn.LayerNorm(2));
    const copy = model.clone();
    const f = capture((x: Tensor) => copy.forward(x));
    expect(f(x).toArray()).toEqual(model.forward(x).toArray());
    expect(f(x).toArray()).toEqual(model.forward(x).toArray());
  });
});

describe('items that go again', () => {
  it('lists give an item, and close up', () => {
    const list = new nn.ModuleList([new nn.Linear(1, 2), new nn.Tanh(), new nn.ReLU()]);
    expect(list.pop()).toBeInstanceOf(nn.ReLU);
    expect(list.pop(0)).toBeInstanceOf(nn.Linear);
    expect([list.length, list[0] instanceof nn.Tanh, Object.keys(list.stateDict())]).toEqual([1, true, []]);
    expect(() => list.pop(1)).toThrow('ModuleList: pop: expected a position of one of 1 items, got 1');
    const stack = new nn.Sequential(new nn.Linear(1, 2), new nn.Linear(2, 3));
    stack.pop();
    expect(stack.forward(zeros([1, 1])).shape).toEqual([1, 2]);
  });

  it('dictionaries take several, and let go of one or all', () => {
    const dictionary = new nn.ModuleDict<Record<string, nn.Module>>({ a: new nn.Linear(1, 1) });
    dictionary.update({ b: new nn.Linear(1, 2), training: new nn.Tanh() }).update([['c', new nn.ReLU()]]);
    expect(dictionary.keys()).toEqual(['a', 'b', 'training', 'c']);
    expect(() => dictionary.update({ d: new nn.ReLU(), e: 3 as never })).toThrow(ValueError);
    expect(dictionary.pop('training')).toBeInstanceOf(nn.Tanh);
    expect([dictionary.training, dictionary.has('d')]).toEqual([true, false]);
    dictionary.pop('b');
    expect(Object.keys(dictionary.stateDict())).toEqual(['a.weight', 'a.bias']);
    expect('b' in dictionary).toBe(false);
    expect(() => dictionary.pop('b')).toThrow(ValueError);
    dictionary.clear();
    expect([dictionary.length, dictionary.parameters()]).toEqual([0, []]);
  });
});

it('layers with parameters set them to what they were at first', () => {
  const layers: (nn.Module & { resetParameters(): void })[] = [
    new nn.BatchNorm1d(2),
    new nn.LayerNorm(2),
    new nn.RMSNorm(2),
    new nn.GroupNorm(1, 2),
    new nn.PReLU(1, 0.25),
  ];
  for (const layer of layers) {
    const before = layer.parameters().map((p) => p.toArray());
    for (const p of layer.parameters()) p.data = full([...p.shape], 7);
    layer.resetParameters();
    expect(layer.parameters().map((p) => p.toArray())).toEqual(before);
  }
  const lstm = new nn.LSTM(1, 1);
  const before = lstm.weightIhL0;
  lstm.flattenParameters();
  expect(lstm.weightIhL0).toBe(before);
});
