import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { nn, type Tensor, zeros } from 'nabla';
import { describe, expect, it } from 'vitest';

/** See fixtures/modules.py, which has the same modules in PyTorch's words. */
interface Recorded {
  readonly name: string;
  readonly text: string;
  readonly parameters: readonly string[];
  readonly allParameters: readonly string[];
  readonly own: readonly string[];
  readonly buffers: readonly string[];
  readonly modules: readonly string[];
  readonly children: readonly string[];
  readonly state: readonly string[];
  readonly prefixed: readonly string[];
}

const recorded = JSON.parse(readFileSync(new URL('../fixtures/modules.json', import.meta.url), 'utf8')) as Recorded[];

class Silent extends nn.Module {
  override forward(): void {}
}

class Attention extends Silent {
  inProjWeight = new nn.Parameter(zeros([2, 2]));
  biasK: nn.Parameter | null = null;
  outProj = new nn.Linear(2, 2, { bias: false });
}

class Block extends Silent {
  selfAttn = new Attention();
  W1 = new nn.Parameter(zeros([3]));
  fc1 = new nn.Linear(2, 3);
  ln_1 = new nn.LayerNorm(2);
  lora_A = new nn.Parameter(zeros([1]));
  weightIhL0 = new nn.Parameter(zeros([2]));
  numHeads = 2;
  declare runningMean: Tensor;
  declare positionIds: Tensor;

  constructor() {
    super();
    this.registerBuffer('runningMean', zeros([2]));
    this.registerBuffer('positionIds', zeros([2]), { persistent: false });
    this.registerBuffer('mask', null);
  }

  override extraRepr(): string {
    return `heads=${this.numHeads}`;
  }
}

class TwoLines extends Silent {
  override extraRepr(): string {
    return 'first\nsecond';
  }
}

class Around extends Silent {
  lines = new TwoLines();
  block = new Block();
}

class Shared extends Silent {
  encoder = new nn.Linear(2, 2);
  decoder = this.encoder;
  tied = new nn.Linear(2, 2);

  constructor() {
    super();
    this.tied.weight = this.encoder.weight;
  }
}

class Containers extends Silent {
  layers = new nn.ModuleList([
    new nn.Linear(2, 2),
    new nn.Linear(2, 2),
    new nn.Linear(2, 3),
    new nn.ReLU(),
    new nn.ReLU(),
    new Block(),
  ]);
  heads = new nn.ModuleDict({
    mean: new nn.Linear(2, 1),
    logVar: new nn.Sequential(new nn.Tanh(), new nn.Linear(2, 1)),
  });
  terms = new nn.ParameterList([zeros([2, 3]), zeros([])]);
  named = new nn.ParameterDict({ left: zeros([2]), rightSide: zeros([1, 2]) });
  emptyList = new nn.ModuleList();
  emptyDict = new nn.ModuleDict();
}

const classes = { Attention, Block, TwoLines, Around, Shared, Containers };

const names = (named: readonly [string, unknown][]) => named.map(([name]) => name);

describe.each(recorded)('$name', ({ name, ...expected }) => {
  const module = new classes[name as keyof typeof classes]();

  it('prints as in PyTorch', () => {
    expect(String(module)).toBe(expected.text);
    expect(inspect(module)).toBe(expected.text);
  });

  it('has the names that PyTorch gives', () => {
    expect(names(module.namedParameters())).toEqual(expected.parameters);
    expect(names(module.namedParameters({ removeDuplicate: false }))).toEqual(expected.allParameters);
    expect(names(module.namedParameters('model', false))).toEqual(expected.own);
    expect(names(module.namedBuffers())).toEqual(expected.buffers);
    expect(names(module.namedModules())).toEqual(expected.modules);
    expect(names(module.namedChildren())).toEqual(expected.children);
    expect(Object.keys(module.stateDict())).toEqual(expected.state);
    expect(Object.keys(module.stateDict({ prefix: 'head.' }))).toEqual(expected.prefixed);
  });

  it('is the same when cloned', () => {
    const copy = module.clone();
    expect(copy).toBeInstanceOf(classes[name as keyof typeof classes]);
    expect(String(copy)).toBe(expected.text);
    expect(Object.keys(copy.stateDict())).toEqual(expected.state);
    expect(names(copy.namedParameters())).toEqual(expected.parameters);
  });

  it('has its parts at their paths', () => {
    for (const [path, part] of module.namedModules()) expect(module.getSubmodule(path)).toBe(part);
    for (const [path, parameter] of module.namedParameters()) expect(module.getParameter(path)).toBe(parameter);
    for (const [path, buffer] of module.namedBuffers()) expect(module.getBuffer(path)).toBe(buffer);
  });
});
