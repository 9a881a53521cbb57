import { define } from '../../arguments/define.js';
import type { ArgumentsOf, FunctionOf, OptionsOf } from '../../arguments/forms.js';
import { takeNoMore } from '../../arguments/no-more.js';
import { signature } from '../../arguments/signature.js';
import { noGrad } from '../../autograd/mode.js';
import { type BackwardRule, record } from '../../autograd/node.js';
import { recording } from '../../backend/recording.js';
import { sameShape } from '../../backend/view.js';
import { DTypeError, ShapeError, ValueError } from '../../errors.js';
import { acrossSlices, gathered, index, scattered, selectedSlices } from '../../ops/along.js';
import { empty, ones, zeros } from '../../ops/creation.js';
import { indexCopy_ } from '../../ops/index-writes.js';
import { norm } from '../../ops/norms.js';
import { add, div, eq, gt, mul, where } from '../../ops/pointwise.js';
import { reshape, select } from '../../ops/views.js';
import * as kinds from '../../tensor/kinds.js';
import { owned } from '../../tensor/layout.js';
import { type Shape, show } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { normal_ } from '../init.js';
import { Module } from '../module.js';
import { Parameter } from '../parameter.js';
import { pythonText } from '../text.js';

/** What becomes of rows that are looked up, and of their gradients. */
export const scaling = {
  /** Scale rows that are looked up and have a larger norm down to this one, in place. Default: null, none. */
  maxNorm: kinds.number.optional(),
  /** Which norm `maxNorm` is of. Default: 2. */
  normType: kinds.number.default(2),
  /** Divide the gradient of a row by how often it is looked up. Default: false. */
  scaleGradByFreq: kinds.boolean.default(false),
};

/** What tables have in PyTorch. */
export const sparsity = {
  /** Whether gradients have rows only for what was looked up. Default: false. */
  sparse: kinds.only(false, 'gradients are dense'),
};

const looking = {
  /** The row that gets no gradient; negative from the end. Default: null, none. */
  paddingIdx: kinds.integer.optional(),
  ...scaling,
};

const embeddingSignature = signature('input, weight, /, paddingIdx, maxNorm, normType, scaleGradByFreq, sparse', {
  input: index,
  weight: kinds.tensor,
  ...looking,
  ...sparsity,
});

export interface EmbeddingFunctionOptions extends OptionsOf<typeof embeddingSignature> {}

/** A row of the table from 0, or null. */
export function rowOf(op: string, paddingIdx: number | null, rows: number): number | null {
  if (paddingIdx === null) return null;
  if (paddingIdx < -rows || paddingIdx >= rows)
    throw new ValueError(`${op}: paddingIdx ${paddingIdx} is out of range for ${rows} embeddings`);
  return paddingIdx < 0 ? paddingIdx + rows : paddingIdx;
}

/** Keeps what is scaled just within its bound. */
const EPSILON = 1e-7;

/** Scales the rows of a list down to a norm, in place and outside the graph. */
function shorten(weight: Tensor, list: Tensor, maxNorm: number, normType: number): void {
  noGrad(() => {
    const rows = selectedSlices('embedding', weight, 0, list);
    const lengths = norm(rows, normType, [1], true);
    const factor = where(gt(lengths, maxNorm), div(maxNorm, add(lengths, EPSILON)), 1);
    // A row that occurs more than once is written as often, with the same values.
    indexCopy_(weight, 0, list, mul(rows, factor));
  });
}

interface Lookup {
  readonly shape: Shape;
  readonly padding: number | null;
  readonly byFrequency: boolean;
}

/** How often each entry of a list occurs in it. */
function frequencies(list: Tensor, rows: number, dtype: Tensor['dtype']): Tensor {
  const counts = scattered('embedding', zeros([rows], { dtype }), 0, list, ones(shapeOf(list), { dtype }), 'add');
  return gathered('embedding', counts, 0, list);
}

const lookupRule: BackwardRule<Lookup> = {
  name: 'Embedding',
  backward: (g, [saved], { shape, padding, byFrequency }) => {
    const list = saved!;
    let rows = g;
    if (byFrequency) rows = div(rows, reshape(frequencies(list, shape[0]!, g.dtype), [-1, 1]));
    if (padding !== null) rows = where(reshape(eq(list, padding), [-1, 1]), 0, rows);
    const places = acrossSlices(list, 0, shapeOf(g));
    return [scattered('embedding', zeros(shape, { dtype: g.dtype }), 0, places, rows, 'add'), null];
  },
};

/**
 * Rows of a table, by their numbers.
 *
 * Shapes: input (…), weight (rows, size), result (…, size).
 *
 * @param input int32
 * @throws ShapeError if the weight is not a matrix; ValueError if an index or `paddingIdx` is out of range; DTypeError if the input is not int32
 * @example
 * ```ts
 * const table = tensor([[1, 2], [3, 4], [5, 6]]);
 * nn.functional.embedding(tensor([2, 0], { dtype: 'int32' }), table); // tensor([[5., 6.], [1., 2.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.embedding.html
 */
export const embedding: FunctionOf<Tensor, typeof embeddingSignature, EmbeddingFunctionOptions> = define(
  'embedding',
  embeddingSignature,
  (input, weight, paddingIdx, maxNorm, normType, scaleGradByFreq) => {
    if (weight.ndim !== 2)
      throw new ShapeError(`embedding: the weight must have 2 dimensions, (rows, size), got ${show(weight.shape)}`);
    const shape = shapeOf(weight);
    const padding = rowOf('embedding', paddingIdx, shape[0]!);
    const list = reshape(input, [input.numel()]);
    if (maxNorm !== null && list.numel() > 0) shorten(weight, list, maxNorm, normType);
    const rows = selectedSlices('embedding', weight.detach(), 0, list);
    record(rows, lookupRule, [weight, list], [list], { shape, padding, byFrequency: scaleGradByFreq });
    return owned(reshape(rows, [...shapeOf(input), shape[1]!]));
  },
);

const embeddingModule = signature(
  'numEmbeddings, embeddingDim, paddingIdx, maxNorm, normType, scaleGradByFreq, sparse, *, weight, dtype',
  {
    numEmbeddings: kinds.integerFrom(0),
    embeddingDim: kinds.integerFrom(0),
    ...looking,
    ...sparsity,
    /** The table to begin with, which is shared. Default: null, one that is drawn. */
    weight: kinds.tensor.optional(),
    /** Element type of the table. Default: null, that of `weight`, or else float32. */
    dtype: kinds.dtype.optional(),
  },
);

export const freezing = {
  /** Whether the table stays as it is, without gradients. Default: true. */
  freeze: kinds.boolean.default(true),
};

const pretrained = signature('embeddings, /, freeze, paddingIdx, maxNorm, normType, scaleGradByFreq, sparse', {
  embeddings: kinds.tensor,
  ...freezing,
  ...looking,
  ...sparsity,
});

export interface EmbeddingOptions extends OptionsOf<typeof embeddingModule> {}
interface PretrainedOptions extends OptionsOf<typeof pretrained> {}

export function checkGiven(op: string, given: Tensor, shape: Shape, dtype: Tensor['dtype'] | null): void {
  if (!sameShape(shapeOf(given), shape))
    throw new ShapeError(`${op}: the weight must have shape ${show(shape)}, got ${show(given.shape)}`);
  if (dtype !== null && dtype !== given.dtype)
    throw new DTypeError(`${op}: dtype is ${dtype}, but the weight is ${given.dtype}`);
}

/** The rows of a table that is there already, and how long they are. */
export function tableShape(op: string, embeddings: Tensor): readonly [number, number] {
  if (embeddings.ndim === 2) return shapeOf(embeddings) as readonly [number, number];
  throw new ShapeError(`${op}: the embeddings must be a matrix, got ${show(embeddings.shape)}`);
}

/** Draws a table: normal values, and zeros in the row of padding. */
export function drawTable(weight: Tensor, padding: number | null): void {
  normal_(weight);
  if (padding !== null) noGrad(() => select(weight, 0, padding).zero_());
}

/**
 * A table of vectors that are looked up by their numbers: see `nn.functional.embedding`. Starts with normal values, and zeros in row `paddingIdx`.
 *
 * Shapes: input (…), int32; result (…, embeddingDim); `weight` (numEmbeddings, embeddingDim).
 *
 * @throws ValueError if `paddingIdx` is out of range; ShapeError or DTypeError if `weight` does not fit
 * @example
 * ```ts
 * const words = new nn.Embedding(1000, 16);
 * words.forward(tensor([[1, 2, 999]], { dtype: 'int32' })).shape; // [1, 3, 16]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Embedding.html
 */
export class Embedding extends Module<[input: Tensor], Tensor> {
  readonly numEmbeddings: number;
  readonly embeddingDim: number;
  readonly paddingIdx: number | null;
  readonly maxNorm: number | null;
  readonly normType: number;
  readonly scaleGradByFreq: boolean;
  weight: Parameter;

  constructor(...args: ArgumentsOf<typeof embeddingModule, EmbeddingOptions>) {
    const options = embeddingModule.named('Embedding', args);
    const { numEmbeddings, embeddingDim, weight, dtype } = options;
    const shape = [numEmbeddings, embeddingDim];
    const paddingIdx = rowOf('Embedding', options.paddingIdx, numEmbeddings);
    if (weight !== null) checkGiven('Embedding', weight, shape, dtype);
    super();
    this.numEmbeddings = numEmbeddings;
    this.embeddingDim = embeddingDim;
    this.paddingIdx = paddingIdx;
    this.maxNorm = options.maxNorm;
    this.normType = options.normType;
    this.scaleGradByFreq = options.scaleGradByFreq;
    this.weight = new Parameter(weight ?? empty(shape, { dtype: dtype ?? 'float32' }));
    if (weight === null) this.resetParameters();
  }

  /**
   * A layer with a table that is there already, which it shares.
   *
   * @throws ShapeError if it is not a matrix
   * @example
   * ```ts
   * const layer = nn.Embedding.fromPretrained(tensor([[1, 2], [3, 4]]));
   * layer.forward(tensor([1], { dtype: 'int32' })); // tensor([[3., 4.]])
   * ```
   * @see https://pytorch.org/docs/stable/generated/torch.nn.Embedding.html#torch.nn.Embedding.from_pretrained
   */
  static fromPretrained(...args: ArgumentsOf<typeof pretrained, PretrainedOptions>): Embedding {
    const { embeddings, freeze, ...looking } = pretrained.named('Embedding.fromPretrained', args);
    const [numEmbeddings, embeddingDim] = tableShape('Embedding.fromPretrained', embeddings);
    const layer = new Embedding({ numEmbeddings, embeddingDim, weight: embeddings.detach(), ...looking });
    if (freeze) layer.weight.requiresGrad = false;
    return layer;
  }

  /** Draws the table again. */
  resetParameters(): void {
    drawTable(this.weight, this.paddingIdx);
  }

  override forward(input: Tensor): Tensor {
    recording?.used(this);
    return embedding(input, this.weight, this.paddingIdx, this.maxNorm, this.normType, this.scaleGradByFreq);
  }

  override extraRepr(): string {
    const padding = this.paddingIdx === null ? '' : `, padding_idx=${this.paddingIdx}`;
    const longest = this.maxNorm === null ? '' : `, max_norm=${pythonText(this.maxNorm)}`;
    const type = this.normType === 2 ? '' : `, norm_type=${pythonText(this.normType)}`;
    const scaled = this.scaleGradByFreq ? ', scale_grad_by_freq=True' : '';
    return `${this.numEmbeddings}, ${this.embeddingDim}${padding}${longest}${type}${scaled}`;
  }
}

takeNoMore(Embedding, 'forward');
