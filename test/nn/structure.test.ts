import { AutogradError, capture, NablaError, nn, ones, type Tensor, tensor, ValueError, zeros } from 'nabla';
import { describe, expect, expectTypeOf, it } from 'vitest';

class Silent extends nn.Module {
  override forward(): void {}
}

/** A module with what the test puts into it. */
function moduleOf(parts: object): nn.Module {
  return Object.assign(new Silent(), parts);
}

const parameter = (...values: number[]) => new nn.Parameter(tensor(values));

describe('types of modules', () => {
  it('say what they take and give', () => {
    expectTypeOf<nn.Linear>().toExtend<nn.Module<[Tensor], Tensor>>();
    expectTypeOf<nn.MSELoss>().toExtend<nn.Module<[Tensor, Tensor], Tensor>>();
    expectTypeOf<nn.Module<[Tensor], Tensor>['forward']>().toEqualTypeOf<(...inputs: [Tensor]) => Tensor>();
    expectTypeOf<nn.Linear>().toExtend<nn.Module>();
    const layers: nn.Module<[Tensor], Tensor>[] = [new nn.Linear(2, 2), new nn.Tanh(), new nn.LayerNorm(2)];
    expect(layers.reduce((x, layer) => layer.forward(x), ones([1, 2])).shape).toEqual([1, 2]);
  });

  it('of a class with a forward of its own too', () => {
    class Gate extends nn.Module {
      override forward(x: Tensor, open: boolean): Tensor | null {
        return open ? x : null;
      }
    }
    expectTypeOf<Gate>().toExtend<nn.Module<[Tensor, boolean], Tensor | null>>();
    expectTypeOf<Gate>().not.toExtend<nn.Module<[Tensor], Tensor>>();
    expect(new Gate().forward(ones([1]), false)).toBeNull();
  });

  it('are those of the parts of a sequence', () => {
    class Length extends nn.Module<[string], Tensor> {
      override forward(text: string): Tensor {
        return tensor([text.length]);
      }
    }
    const model = new nn.Sequential(new Length(), new nn.Linear(1, 2), new nn.Sequential(new nn.Tanh()));
    expectTypeOf(model).toExtend<nn.Module<[string], Tensor>>();
    expectTypeOf(model[0]).toEqualTypeOf<Length>();
    expectTypeOf(model[1]).toEqualTypeOf<nn.Linear>();
    expectTypeOf(model[2][0]).toEqualTypeOf<nn.Tanh>();
    expect(model.forward('abc').shape).toEqual([2]);
    // @ts-expect-error it takes a text
    void (() => model.forward(ones([1])));
    // @ts-expect-error a text is not what a Linear gives
    void (() => new nn.Sequential(new nn.Linear(1, 1), new Length()));
    const layers: nn.Layer[] = [new nn.Linear(1, 1), new nn.ReLU()];
    const dynamic: nn.Sequential = new nn.Sequential(...layers);
    expectTypeOf(dynamic.forward).returns.toEqualTypeOf<Tensor>();
    expectTypeOf(new nn.Sequential(...Array.from({ length: 3 }, () => new nn.Tanh()))).toExtend<nn.Layer>();
  });

  it('have parameters, unless made without', () => {
    expectTypeOf(new nn.LayerNorm(1).weight).toEqualTypeOf<nn.Parameter>();
    expectTypeOf(new nn.LayerNorm(1).bias).toEqualTypeOf<nn.Parameter>();
    expectTypeOf(new nn.LayerNorm(1, { bias: false }).bias).toEqualTypeOf<null>();
    expectTypeOf(new nn.LayerNorm(1, { elementwiseAffine: false }).weight).toEqualTypeOf<null>();
    expectTypeOf(new nn.LayerNorm(1, { elementwiseAffine: false }).bias).toEqualTypeOf<null>();
    expectTypeOf(new nn.RMSNorm(1, { elementwiseAffine: false }).weight).toEqualTypeOf<null>();
    expect(new nn.LayerNorm(1, { elementwiseAffine: false }).bias).toBeNull();
    const bias: boolean = Math.random() < 2;
    expectTypeOf(new nn.Linear(1, 1, { bias }).bias).toEqualTypeOf<nn.Parameter | null>();
  });

  it('tell parameters from plain tensors', () => {
    const layer = new nn.Linear(1, 1);
    // @ts-expect-error a tensor is no parameter
    void (() => (layer.weight = zeros([1, 1])));
    expectTypeOf<nn.Parameter>().toExtend<Tensor>();
    expectTypeOf<Tensor>().not.toExtend<nn.Parameter>();
  });
});

describe('names', () => {
  it('that two properties would get are an error, wherever they are asked for', () => {
    const model = moduleOf({ inner: moduleOf({ fcOne: parameter(1), fc_one: new nn.Linear(1, 1) }) });
    const uses = [
      () => model.parameters(),
      () => model.stateDict(),
      () => model.namedModules(),
      () => String(model),
      () => model.clone(),
      () => model.apply(() => undefined),
    ];
    for (const use of uses) {
      expect(use).toThrow(ValueError);
      expect(use).toThrow("Silent: the properties 'fcOne' and 'fc_one' would both be called 'fc_one' in state dicts");
    }
  });

  it('are free where a property is no part of the module', () => {
    const model = moduleOf({ fcOne: parameter(1), fc_one: 3 });
    expect(Object.keys(model.stateDict())).toEqual(['fc_one']);
  });

  it('are PyTorch’s in files, whichever way a property is spelled', () => {
    const state = { run_mean: tensor([1]), W1: tensor([2]) };
    const model = moduleOf({ runMean: parameter(0), W1: parameter(0) });
    model.loadStateDict(state);
    expect(Object.values(model.stateDict()).map((x) => x.item())).toEqual([1, 2]);
    expect(() => model.loadStateDict({ runMean: zeros([1]), W1: zeros([1]) })).toThrow(
      "unexpected: runMean; did you mean 'run_mean'?",
    );
  });
});

describe('a module within itself', () => {
  const cyclic = () => {
    const model = moduleOf({ first: moduleOf({}) });
    Object.assign(model.getSubmodule('first'), { second: model });
    return model;
  };

  it.each([
    ['parameters', (model: nn.Module) => model.parameters()],
    ['stateDict', (model: nn.Module) => model.stateDict()],
    ['loadStateDict', (model: nn.Module) => model.loadStateDict({})],
    ['modules', (model: nn.Module) => model.modules()],
    ['train', (model: nn.Module) => model.train()],
    ['apply', (model: nn.Module) => model.apply(() => undefined)],
    ['zeroGrad', (model: nn.Module) => model.zeroGrad()],
    ['to', (model: nn.Module) => model.double()],
    ['toString', (model: nn.Module) => String(model)],
    ['summary', (model: nn.Module) => model.summary()],
    ['clone', (model: nn.Module) => model.clone()],
    ['getParameter', (model: nn.Module) => model.getParameter('first.x')],
  ])('%s refuses it', (_, use) => {
    expect(() => use(cyclic())).toThrow(ValueError);
    expect(() => use(cyclic())).toThrow("the module at 'first.second' is also one of those around it");
  });

  it('keeps nobody from capturing another one', async () => {
    const { capture } = await import('nabla');
    const broken = cyclic();
    const layer = new nn.Linear(1, 1);
    expect(capture((x: Tensor) => layer.forward(x))(ones([1, 1])).shape).toEqual([1, 1]);
    expect(broken).toBeInstanceOf(nn.Module);
  });
});

describe('a parameter', () => {
  it('that became a plain tensor is an error', () => {
    const layer = new nn.Linear(2, 1);
    layer.parameters();
    Object.assign(layer, { weight: zeros([1, 2]) });
    for (const use of [() => layer.parameters(), () => layer.stateDict(), () => layer.zeroGrad()]) {
      expect(use).toThrow('Linear: weight was a Parameter, and is a plain Tensor now, which nothing learns');
    }
    layer.weight = new nn.Parameter(zeros([1, 2]));
    expect(layer.parameters()).toHaveLength(2);
    Object.assign(layer, { bias: null });
    expect(layer.parameters()).toHaveLength(1);
  });

  it('can become a buffer of that name, and come back', () => {
    const model = moduleOf({ scale: parameter(1) });
    model.parameters();
    Object.assign(model, { scale: null });
    model.registerBuffer('scale', tensor([2]));
    expect(model.namedBuffers().map(([name]) => name)).toEqual(['scale']);
    expect(model.parameters()).toEqual([]);
    Object.assign(model, { scale: parameter(3) });
    expect(model.buffers()).toEqual([]);
    expect(model.parameters().map((p) => p.item())).toEqual([3]);
  });
});

describe('registering', () => {
  it('makes properties', () => {
    const model = new Silent();
    const weight = parameter(1);
    const layer = new nn.Tanh();
    model.registerParameter('fcWeight', weight);
    model.registerParameter('fcBias', null);
    model.registerModule('act', layer);
    model.addModule('none', null);
    expect(Object.entries(model).slice(-4)).toEqual([
      ['fcWeight', weight],
      ['fcBias', null],
      ['act', layer],
      ['none', null],
    ]);
    expect(Object.keys(model.stateDict())).toEqual(['fc_weight']);
    model.registerParameter('fcBias', weight);
    model.registerModule('act', new nn.ReLU());
    expect(String(model)).toBe('Silent(\n  (act): ReLU()\n)');
  });

  it('keeps a buffer out of files that is not persistent', () => {
    const model = new Silent();
    model.registerBuffer('kept', tensor([1]));
    model.registerBuffer('made', tensor([2]), false);
    model.registerBuffer('also', tensor([3]), { persistent: false });
    expect(model.buffers().map((x) => x.item())).toEqual([1, 2, 3]);
    expect(Object.keys(model.stateDict())).toEqual(['kept']);
    expect(model.loadStateDict({ kept: tensor([5]) })).toEqual({ missingKeys: [], unexpectedKeys: [] });
    expect(
      model
        .double()
        .buffers()
        .map(({ dtype }) => dtype),
    ).toEqual(['float64', 'float64', 'float64']);
  });

  it.each([
    ['registerParameter', 'Parameter', zeros([1])],
    ['registerParameter', 'Parameter', undefined],
    ['registerModule', 'Module', zeros([1])],
    ['addModule', 'Module', undefined],
  ] as const)('%s takes a %s or null only', (method, type, value) => {
    const register = () =>
      (new Silent()[method] as (name: string, part: unknown) => void).call(new Silent(), 'a', value);
    expect(register).toThrow(ValueError);
    expect(register).toThrow(`${method}: ${type.toLowerCase()} must be a ${type}, or null`);
  });

  it('refuses names that are taken, and that are none', () => {
    const model = moduleOf({ size: 3, mask: zeros([1]), layer: new nn.Tanh() });
    for (const name of ['size', 'mask', 'layer', 'forward', 'training', 'toString']) {
      expect(() => model.registerBuffer(name, zeros([1]))).toThrow(`has something else called '${name}'`);
      expect(() => model.registerParameter(name, parameter(1))).toThrow(`has something else called '${name}'`);
    }
    for (const name of ['', 'a.b', 3, null]) {
      expect(() => model.registerModule(name as string, null)).toThrow(ValueError);
      expect(() => model.registerParameter(name as string, null)).toThrow(ValueError);
    }
    expect(model.buffers()).toEqual([]);
  });
});

describe('paths', () => {
  const model = new nn.Sequential(new nn.Linear(1, 1), new nn.Sequential(new nn.Linear(1, 2)));

  it('lead to parts', () => {
    expect(model.getSubmodule('')).toBe(model);
    expect(model.getSubmodule('1.0')).toBe(model[1][0]);
    expect(model.getParameter('1.0.weight')).toBe(model[1][0].weight);
  });

  it('that lead nowhere are errors with the nearest that does', () => {
    expect(() => model.getParameter('1.0.wieght')).toThrow(
      "getParameter: unknown parameter '1.0.wieght'; did you mean '1.0.weight'?",
    );
    expect(() => model.getSubmodule('2')).toThrow(ValueError);
    expect(() => model.getBuffer('weight')).toThrow("getBuffer: unknown buffer 'weight'; there are none");
    expect(() => model.getParameter(3 as never)).toThrow(ValueError);
  });

  it('lead to what is shared, by each of its names', () => {
    const shared = new nn.Linear(1, 1);
    const twice = moduleOf({ a: shared, b: shared });
    expect(twice.getParameter('b.weight')).toBe(shared.weight);
    expect(twice.parameters({ recurse: false })).toEqual([]);
  });
});

describe('stateDict', () => {
  it('gives the tensors themselves if it is to', () => {
    const layer = new nn.Linear(1, 1);
    expect(layer.stateDict({ keepVars: true }).weight).toBe(layer.weight);
    expect(layer.stateDict().weight!.requiresGrad).toBe(false);
    expect(() => layer.stateDict({ prefx: 'a' } as object)).toThrow("did you mean 'prefix'?");
    expect(() => layer.stateDict('a' as never)).toThrow(NablaError);
  });
});

describe('clone', () => {
  // Every layer whose class has fields of its own, beside its parameters.
  const layers: readonly (readonly [nn.Module<[x: Tensor]>, shape: number[]])[] = [
    [new nn.Conv1d(2, 3, 2, { paddingMode: 'circular', padding: 1 }), [1, 2, 4]],
    [new nn.ConvTranspose1d(2, 3, 2), [1, 2, 4]],
    [new nn.BatchNorm1d(2, { momentum: null }), [1, 2, 4]],
    [new nn.InstanceNorm1d(2), [1, 2, 4]],
    [new nn.MaxPool1d(2), [1, 2, 4]],
    [new nn.AvgPool2d(2), [1, 2, 4, 4]],
    [new nn.LPPool1d(2, 2), [1, 2, 4]],
    [new nn.AdaptiveAvgPool1d(2), [1, 2, 4]],
    [new nn.AdaptiveMaxPool2d(2), [1, 2, 4, 4]],
    [new nn.ReflectionPad1d(1), [1, 2, 4]],
    [new nn.ConstantPad1d(1, 3), [1, 2, 4]],
    [new nn.Upsample({ scaleFactor: 2 }), [1, 2, 4]],
    [new nn.LSTM(4, 3), [1, 2, 4]],
    [new nn.TransformerEncoderLayer(4, 2, 8, 0), [1, 2, 4]],
  ];
  it.each(layers.map(([layer, shape]) => ({ name: layer.constructor.name, layer, shape })))(
    'of $name does what it does',
    ({ layer, shape }) => {
      const x = ones(shape).cumsum(-1);
      const outputOf = (made: unknown) => ((made as { output?: Tensor }).output ?? made) as Tensor;
      const copy = layer.clone();
      expect(outputOf(copy.forward(x)).toArray()).toEqual(outputOf(layer.forward(x)).toArray());
      expect(String(copy)).toBe(String(layer));
    },
  );

  class Model extends Silent {
    encoder = new nn.Linear(2, 2);
    decoder = this.encoder;
    tied = new nn.Linear(2, 2, { bias: false });
    heads = new nn.ModuleDict({ a: new nn.Linear(2, 1), keys: new nn.Dropout(0.5) });
    list = new nn.ModuleList([new nn.Linear(1, 1), this.tied]);
    kept = { x: zeros([1]) };
    options = { sizes: [1, 2], nested: new Map([['a', { x: [1] }]]), seen: new Set([1]) };
    table = new Float64Array([1, 2]);
    act = Math.tanh;
    created = new Date(0);
    around: { readonly model: Model } = { model: this };
    private scale = 2;

    constructor() {
      super();
      this.tied.weight = this.encoder.weight;
      this.registerBuffer('count', tensor([3]), false);
      this.encoder.bias.requiresGrad = false;
      this.heads.keys();
    }

    scaled(): number {
      return this.scale * this.heads.length;
    }
  }

  const model = new Model().eval();
  const copy = model.clone();

  it('is of the same class, with the same values, in memory of its own', () => {
    expectTypeOf(copy).toEqualTypeOf<Model>();
    expect(copy).toBeInstanceOf(Model);
    expect(String(copy)).toBe(String(model));
    for (const [name, value] of Object.entries(model.stateDict())) {
      expect(copy.stateDict()[name]!.toArray()).toEqual(value.toArray());
    }
    const before = model.encoder.weight.toArray();
    nn.init.zeros_(copy.encoder.weight);
    expect(model.encoder.weight.toArray()).toEqual(before);
    expect(copy.encoder.weight.toArray()).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect(copy.scaled()).toBe(4);
  });

  it('shares within itself what the module shares, and nothing with the module', () => {
    expect(copy.decoder).toBe(copy.encoder);
    expect(copy.tied.weight).toBe(copy.encoder.weight);
    expect(copy.list[1]).toBe(copy.tied);
    expect(copy.around.model).toBe(copy);
    const originals = new Set<object>([...model.modules(), ...model.parameters(), ...model.buffers()]);
    for (const part of [...copy.modules(), ...copy.parameters(), ...copy.buffers()])
      expect(originals).not.toContain(part);
  });

  it('has parameters and buffers as they are: learned or not, saved or not, in their mode', () => {
    expect(copy.encoder.weight).toBeInstanceOf(nn.Parameter);
    expect(copy.parameters().map((p) => p.requiresGrad)).toEqual(model.parameters().map((p) => p.requiresGrad));
    expect(copy.namedBuffers().map(([name]) => name)).toEqual(['count']);
    expect(Object.keys(copy.stateDict())).toEqual(Object.keys(model.stateDict()));
    expect(copy.modules().map(({ training }) => training)).toEqual(model.modules().map(({ training }) => training));
    copy.train();
    expect(model.training).toBe(false);
  });

  it('copies what is in its properties, too', () => {
    expect(copy.options).toEqual(model.options);
    expect(copy.options.sizes).not.toBe(model.options.sizes);
    expect(copy.options.nested.get('a')!.x).not.toBe(model.options.nested.get('a')!.x);
    expect(copy.table).toEqual(model.table);
    expect(copy.table).not.toBe(model.table);
    expect(copy.kept.x).not.toBe(model.kept.x);
    expect(copy.kept.x.toArray()).toEqual([0]);
    expect(copy.act).toBe(Math.tanh);
    expect(copy.created).toBe(model.created);
  });

  it('has containers of its own', () => {
    copy.heads.set('more', new nn.Tanh());
    copy.list.append(new nn.Linear(3, 3));
    expect(model.heads.has('more')).toBe(false);
    expect(model.list).toHaveLength(2);
    expect(copy.heads.a).not.toBe(model.heads.a);
    expect(copy.heads.get('keys')).toBeInstanceOf(nn.Dropout);
    expect(copy.heads.get('keys')).not.toBe(model.heads.get('keys'));
    copy.heads.a = new nn.Linear(5, 5);
    expect(copy.heads.get('a').inFeatures).toBe(5);
    expect(model.heads.a.inFeatures).toBe(2);
  });

  it('leaves no half of itself when a part cannot be copied, for captured functions to find', () => {
    const { weight } = new nn.Linear(2, 2);
    const dictionary = new nn.ModuleDict({ a: new nn.Linear(1, 1) });
    Object.assign(dictionary.get('a'), { kept: weight.mul(2) });
    expect(() => dictionary.clone()).toThrow('the result of an operation');
    const captured = capture(() => weight.sum());
    expect(captured().item()).toBe(weight.sum().item());
  });

  it('leaves gradients behind', () => {
    const layer = new nn.Linear(1, 1);
    layer
      .forward(ones([1, 1]))
      .sum()
      .backward();
    expect(layer.clone().weight.grad).toBeNull();
    expect(layer.weight.grad).not.toBeNull();
  });

  it('learns by itself', () => {
    const layer = new nn.Linear(1, 1);
    const twin = layer.clone();
    twin
      .forward(ones([1, 1]))
      .sum()
      .backward();
    expect(twin.weight.grad!.item()).toBe(1);
    expect(layer.weight.grad).toBeNull();
  });

  it('refuses the result of an operation', () => {
    const layer = new nn.Linear(1, 1);
    const last = layer.forward(ones([1, 1]));
    expect(() => moduleOf({ layer, last }).clone()).toThrow(AutogradError);
    expect(() => moduleOf({ layer, last }).clone()).toThrow('keep x.detach() instead');
    expect(moduleOf({ layer, last: last.detach() }).clone()).toBeInstanceOf(Silent);
  });

  it('is of every module that there is', () => {
    const modules = [
      new nn.Softmax(1),
      new nn.GELU({ approximate: 'tanh' }),
      new nn.BCEWithLogitsLoss({ posWeight: tensor([2]) }),
      new nn.ParameterList([ones([2])]),
      new nn.ParameterDict({ a: ones([2]) }),
    ];
    for (const module of modules) {
      expect(String(module.clone())).toBe(String(module));
      expect(Object.keys(module.clone().stateDict())).toEqual(Object.keys(module.stateDict()));
    }
    const gelu = new nn.GELU({ approximate: 'tanh' });
    expect(
      gelu
        .clone()
        .forward(tensor([1]))
        .item(),
    ).toBe(gelu.forward(tensor([1])).item());
    const loss = new nn.BCEWithLogitsLoss({ posWeight: tensor([2]) });
    expect(
      loss
        .clone()
        .forward(tensor([0]), tensor([1]))
        .item(),
    ).toBe(loss.forward(tensor([0]), tensor([1])).item());
  });
});
