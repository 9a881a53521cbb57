import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  cat,
  DTypeError,
  manualSeed,
  type nn,
  noGrad,
  rand,
  ShapeError,
  type Tensor,
  tensor,
  ValueError,
  zeros,
} from 'nabla';
import { loadSafetensors, saveSafetensors } from 'nabla/io';
import { bert, gpt2, lenet, mobilenetV2, resnet18, resnet20, resnet34, resnet50, unet, vit } from 'nabla/models';
import { describe, expect, it } from 'vitest';
import { numbers } from './recorded.js';

const models = { bert, gpt2, lenet, mobilenetV2, resnet18, resnet20, resnet34, resnet50, unet, vit };

/** See fixtures/models.py. */
interface Recorded {
  readonly name: keyof typeof models;
  readonly options: object;
  readonly parameters: number;
  /** Names, or how many there are. */
  readonly state: readonly string[] | number;
  readonly shape?: readonly number[];
  readonly first?: readonly number[];
  readonly norm?: number;
  readonly next?: number;
}

const recorded = JSON.parse(readFileSync(new URL('./fixtures/models.json', import.meta.url), 'utf8')) as {
  readonly models: readonly Recorded[];
  readonly generated: readonly (readonly number[])[];
};

const integers = (rows: readonly (readonly number[])[]) =>
  tensor(
    rows.map((row) => [...row]),
    { dtype: 'int32' },
  );
const IDS = integers([
  [3, 1, 4, 1, 5],
  [9, 2, 6, 5, 3],
]);
const MASK = integers([
  [1, 1, 1, 1, 1],
  [1, 1, 1, 0, 0],
]);
const TYPES = integers([
  [0, 0, 1, 1, 1],
  [0, 1, 1, 0, 0],
]);

const waves = (shape: readonly number[]): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(Float64Array.from({ length: size }, (_, i) => Math.sin(Math.fround(Math.fround(0.7) * i))))
    .float()
    .reshape([...shape]);
};

const IMAGES: Readonly<Record<string, readonly number[]>> = {
  lenet: [2, 1, 28, 28],
  resnet20: [2, 3, 32, 32],
  resnet18: [1, 3, 40, 48],
  resnet50: [1, 3, 40, 40],
  mobilenetV2: [1, 3, 64, 64],
  unet: [1, 1, 20, 35],
  vit: [2, 3, 24, 24],
};

function outputOf(name: string, model: nn.Module): Tensor {
  if (name === 'gpt2') return (model as ReturnType<typeof models.gpt2>).forward(IDS).logits;
  if (name === 'bert') {
    const { lastHiddenState, poolerOutput } = (model as ReturnType<typeof models.bert>).forward(IDS, MASK, TYPES);
    return cat([lastHiddenState.flatten(1), poolerOutput], 1);
  }
  return (model as nn.Module<[Tensor], Tensor>).forward(waves(IMAGES[name]!));
}

describe.each(recorded.models)('$name $options', ({ name, options, parameters, state, shape, first, norm, next }) => {
  it('has the parameters of the same architecture in PyTorch, and gives what that gives', { timeout: 300_000 }, () => {
    manualSeed(0);
    const model = (models[name] as (options: object) => nn.Module)(options).eval();
    const names = Object.keys(model.stateDict());
    expect(typeof state === 'number' ? names.length : names).toEqual(state);
    expect(model.parameters().reduce((sum, p) => sum + p.numel(), 0)).toBe(parameters);
    if (shape === undefined) return;
    expect(rand([1]).item()).toBe(Math.fround(next!));
    if (name === 'vit') {
      const { weight } = (model as ReturnType<typeof models.vit>).heads.head;
      weight.data = waves(weight.shape);
    }
    const out = noGrad(() => outputOf(name, model));
    expect(out.shape).toEqual(shape);
    const values = numbers(out);
    const scale = Math.max(...values.map(Math.abs));
    for (const [i, value] of first!.entries()) expect(Math.abs(values[i]! - value)).toBeLessThan(1e-4 * scale);
    expect(Math.abs(Math.hypot(...values) / norm! - 1)).toBeLessThan(1e-4);
  });
});

describe('gpt2', () => {
  const make = () => {
    manualSeed(3);
    const model = models.gpt2({ vocabSize: 40, nPositions: 24, nEmbd: 16, nLayer: 2, nHead: 4 }).eval();
    noGrad(() => {
      for (const parameter of model.parameters()) parameter.mul_(8);
    });
    return model;
  };

  it('goes on as in PyTorch, with what it keeps of earlier tokens and without', () => {
    const model = make();
    expect(model.generate(IDS, { maxNewTokens: 15 }).toArray()).toEqual(recorded.generated);
    expect(model.generate(IDS, { maxNewTokens: 15, useCache: false }).toArray()).toEqual(recorded.generated);
    expect(model.generate(IDS, 0).toArray()).toEqual(IDS.toArray());
  });

  it('gives the same scores for a text in parts', () => {
    const model = make();
    const whole = model.forward(IDS).logits;
    const { pastKeyValues } = model.forward(IDS.narrow(1, 0, 2));
    const rest = model.forward(IDS.narrow(1, 2, 3), pastKeyValues).logits;
    expect(
      rest
        .sub(whole.narrow(1, 2, 3))
        .abs()
        .max()
        .item(),
    ).toBeLessThan(1e-4);
  });

  it('draws tokens from the likeliest, the same from the same seed', () => {
    const model = make();
    const drawn = () => {
      manualSeed(1);
      return model.generate(IDS, { maxNewTokens: 6, temperature: 2, topK: 3 }).toArray();
    };
    expect(drawn()).toEqual(drawn());
    const next = model.generate(IDS, { maxNewTokens: 1, temperature: 5, topK: 2 });
    const best = model.forward(IDS).logits.select(1, -1).topk(2).indices.toArray() as number[][];
    for (const [i, row] of (next.toArray() as number[][]).entries()) expect(best[i]).toContain(row[5]);
    expect(model.generate(IDS, { maxNewTokens: 1, temperature: 5, topK: 1 }).toArray()).toEqual(
      model.generate(IDS, { maxNewTokens: 1 }).toArray(),
    );
  });

  it('takes its state from safetensors, strictly', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nabla-models-'));
    try {
      const model = make();
      await saveSafetensors(join(folder, 'model.safetensors'), model.stateDict());
      const other = models.gpt2({ vocabSize: 40, nPositions: 24, nEmbd: 16, nLayer: 2, nHead: 4 }).eval();
      other.loadStateDict(await loadSafetensors(join(folder, 'model.safetensors')));
      expect(other.forward(IDS).logits.toArray()).toEqual(model.forward(IDS).logits.toArray());
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('takes the forms in which Hugging Face writes it, and no other head', () => {
    const model = make();
    const fresh = () => models.gpt2({ vocabSize: 40, nPositions: 24, nEmbd: 16, nLayer: 2, nHead: 4 }).eval();
    const state = model.stateDict();
    const body = Object.fromEntries(
      Object.entries(state).map(([name, value]) => [name.replace(/^transformer\./, ''), value]),
    );
    const embeddings = state['transformer.wte.weight']!;
    const masks = { 'h.0.attn.bias': zeros([1, 1, 24, 24]), 'h.1.attn.masked_bias': tensor(-1e4) };
    const forms = [state, { ...state, 'lm_head.weight': embeddings.clone() }, body, { ...body, ...masks }];
    for (const form of forms) {
      const other = fresh();
      other.loadStateDict(form);
      expect(other.forward(IDS).logits.toArray()).toEqual(model.forward(IDS).logits.toArray());
    }
    const head = { ...state, 'lm_head.weight': embeddings.add(1) };
    expect(() => fresh().loadStateDict(head)).toThrow(/lm_head.weight must be the embeddings of tokens/);
    expect(() => fresh().loadStateDict({ ...body, 'h.0.attn.other': zeros([1]) })).toThrow(/h\.0\.attn\.other/);
    expect(() => Reflect.apply(fresh().loadStateDict, fresh(), [null])).toThrow(/loadStateDict/);
  });

  it('is copied whole', () => {
    const model = make();
    expect(model.clone().generate(IDS, 2).toArray()).toEqual(model.generate(IDS, 2).toArray());
  });

  it('names what does not fit', () => {
    const model = make();
    expect(() => model.generate(IDS, 20)).toThrow(new ShapeError('gpt2: a text has at most 24 tokens, got 25'));
    expect(() => model.forward(IDS.float())).toThrow(DTypeError);
    expect(() => model.forward(IDS.select(0, 0))).toThrow(ShapeError);
    expect(() => models.gpt2({ nEmbd: 10, nHead: 4, nLayer: 1 })).toThrow(ValueError);
  });
});

it('names what does not fit a model', () => {
  expect(() => models.vit({ imageSize: 30 })).toThrow(/^vit: imageSize 30 must be a multiple of patchSize, 16/);
  const small = models.vit({ imageSize: 8, patchSize: 4, numLayers: 1, numHeads: 1, hiddenDim: 4, mlpDim: 4 });
  expect(() => small.forward(zeros([1, 3, 8, 4]))).toThrow(ShapeError);
  const text = models.bert({
    vocabSize: 9,
    hiddenSize: 4,
    numHiddenLayers: 1,
    numAttentionHeads: 2,
    intermediateSize: 4,
  });
  expect(() => text.forward(IDS.clamp(0, 8), MASK.narrow(1, 0, 2))).toThrow(/^bert: attentionMask must have shape/);
  expect(() => text.forward(IDS.clamp(0, 8).float())).toThrow(DTypeError);
  expect(() => models.bert({ hiddenSize: 10, numHiddenLayers: 1 })).toThrow(ValueError);
  expect(() => models.resnet18({ numClasses: 0 })).toThrow(ValueError);
});
