import { define } from '../../arguments/define.js';
import type { ArgumentsOf, FunctionOf, OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import { recording } from '../../backend/recording.js';
import { sameShape } from '../../backend/view.js';
import { ShapeError, ValueError } from '../../errors.js';
import { index } from '../../ops/along.js';
import { to } from '../../ops/conversion.js';
import { arange, empty, full, zeros } from '../../ops/creation.js';
import { indexAdd, indexReduce } from '../../ops/index-writes.js';
import { gather, indexSelect } from '../../ops/indexing.js';
import { cat } from '../../ops/joining.js';
import {
  add,
  clamp,
  div,
  eq,
  gt,
  isnan,
  logicalAnd,
  logicalNot,
  logicalOr,
  lt,
  mul,
  ne,
  sub,
  where,
} from '../../ops/pointwise.js';
import { sum } from '../../ops/reductions.js';
import { searchsorted } from '../../ops/searching.js';
import { narrow, reshape, select, unsqueeze } from '../../ops/views.js';
import { refuseIf, requireOneType } from '../../tensor/check.js';
import * as kinds from '../../tensor/kinds.js';
import { type Shape, show } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';
import { Parameter } from '../parameter.js';
import { pythonText } from '../text.js';
import { checkGiven, drawTable, embedding, freezing, rowOf, scaling, sparsity, tableShape } from './embedding.js';

const bagging = {
  ...scaling,
  /** What a bag becomes. Default: mean. */
  mode: kinds.choice('sum', 'mean', 'max').default('mean'),
};

const filling = {
  /** Where bags begin in an input of one dimension. Default: null, for an input with a bag in each row. */
  offsets: index.optional(),
  /** What each row is multiplied with, only with `sum`. Default: null, nothing. */
  perSampleWeights: kinds.tensor.optional(),
};

const ends = {
  /** Whether the last offset is where the last bag ends, rather than where one begins. Default: false. */
  includeLastOffset: kinds.boolean.default(false),
  /** The row that is left out of bags; negative from the end. Default: null, none. */
  paddingIdx: kinds.integer.optional(),
};

const lookingUp = signature(
  'input, weight, offsets, maxNorm, normType, scaleGradByFreq, mode, sparse, perSampleWeights, includeLastOffset, paddingIdx',
  {
    input: index,
    weight: kinds.tensor,
    ...bagging,
    ...sparsity,
    ...filling,
    ...ends,
  },
);

export interface EmbeddingBagFunctionOptions extends Omit<OptionsOf<typeof lookingUp>, 'weight'> {}

const OP = 'embeddingBag';

/** Where the bags of a list begin. */
function startsOf(input: Tensor, offsets: Tensor | null, includeLastOffset: boolean): Tensor {
  if (input.ndim === 2) {
    if (offsets !== null)
      throw new ValueError(`${OP}: offsets are for an input of one dimension; this one has its bags in rows`);
    const [bags, size] = shapeOf(input) as [number, number];
    return mul(arange(bags, { dtype: 'int32' }), size);
  }
  if (input.ndim !== 1)
    throw new ShapeError(`${OP}: the input must have 1 or 2 dimensions, got ${show(shapeOf(input))}`);
  if (offsets === null || offsets.ndim !== 1) {
    const given = offsets === null ? 'none' : show(shapeOf(offsets));
    throw new ShapeError(`${OP}: an input of one dimension needs offsets, of one dimension, got ${given}`);
  }
  if (includeLastOffset && offsets.numel() === 0) throw new ShapeError(`${OP}: there is no last offset`);
  checkOffsets(offsets, input.numel());
  return includeLastOffset ? narrow(offsets, 0, 0, offsets.numel() - 1) : offsets;
}

/** They begin with 0, do not descend, and end within the list; replays look again. */
function checkOffsets(offsets: Tensor, length: number): void {
  const count = offsets.numel();
  if (count === 0) return;
  const before = cat([zeros([1], { dtype: 'int32' }), narrow(offsets, 0, 0, count - 1)]);
  const bad = logicalOr(lt(offsets, before), gt(offsets, length));
  const flag = add(to(sum(bad), 'float64'), to(ne(select(offsets, 0, 0), 0), 'float64'));
  const rule = `${OP}: offsets must begin with 0, not descend, and be at most ${length}, the length of the input`;
  refuseIf(
    flag,
    () => new ValueError(`${rule}, got ${offsets.toString()}`),
    () => new ValueError(rule),
  );
}

interface Bags {
  /** Per position, the number of its bag. */
  readonly bag: Tensor;
  readonly count: number;
}

function bagsOf(starts: Tensor, length: number, includesEnd: Tensor | null): Bags {
  const positions = arange(length, { dtype: 'int32' });
  const bag = sub(searchsorted(starts, positions, { right: true }), 1);
  const count = starts.numel();
  // What is after the end of the last bag belongs to one more, which is left out.
  return { bag: includesEnd === null ? bag : where(lt(positions, includesEnd), bag, count), count };
}

function checkWeights(perSampleWeights: Tensor | null, input: Tensor, weight: Tensor, mode: string): void {
  if (perSampleWeights === null) return;
  if (mode !== 'sum') throw new ValueError(`${OP}: perSampleWeights are for mode 'sum', got '${mode}'`);
  requireOneType(OP, weight, perSampleWeights);
  if (sameShape(shapeOf(perSampleWeights), shapeOf(input))) return;
  throw new ShapeError(
    `${OP}: perSampleWeights must have the shape of the input: ${show(shapeOf(perSampleWeights))} for ${show(shapeOf(input))}`,
  );
}

/**
 * Where the largest element of each bag and column is: the first of equal ones, as in PyTorch, where it alone has the gradient. NaN is
 * larger than all. Of an empty bag, the place after the last row.
 */
function placesOfLargest(rows: Tensor, present: Tensor, bag: Tensor, all: Shape): Tensor {
  const length = shapeOf(rows)[0]!;
  const low = where(present, rows, Number.NEGATIVE_INFINITY);
  const most = indexReduce(full([...all], Number.NEGATIVE_INFINITY, { dtype: rows.dtype }), 0, bag, low, 'amax');
  const isLargest = logicalAnd(present, logicalOr(eq(low, indexSelect(most, 0, bag)), isnan(low)));
  const places = where(isLargest, unsqueeze(arange(length, { dtype: 'int32' }), 1), length);
  return indexReduce(full([...all], length, { dtype: 'int32' }), 0, bag, places, 'amin');
}

/** The rows of all positions, folded by bags; `used` is 0 where a position is left out. */
function folded(rows: Tensor, used: Tensor, { bag, count }: Bags, mode: 'sum' | 'mean' | 'max'): Tensor {
  const size = shapeOf(rows)[1]!;
  const { dtype } = rows;
  const all: Shape = [count + 1, size];
  const present = unsqueeze(used, 1);
  if (mode === 'max') {
    const place = placesOfLargest(rows.detach(), present, bag, all);
    // The row of zeros is where bags are empty.
    return gather(cat([rows, zeros([1, size], { dtype })]), 0, place);
  }
  const sums = indexAdd(zeros([...all], { dtype }), 0, bag, where(present, rows, 0));
  if (mode === 'sum') return sums;
  const counts = indexAdd(zeros([count + 1], { dtype }), 0, bag, used.to(dtype));
  return div(sums, unsqueeze(clamp(counts, 1), 1));
}

/**
 * Sums, means or maxima of bags of rows of a table. A bag without rows gives zeros.
 *
 * Shapes: input (bags, size) without offsets, or (length) with offsets (bags), or (bags + 1) with `includeLastOffset`; weight (rows, size); result (bags, size).
 *
 * @param input int32
 * @throws ShapeError for shapes that do not fit; ValueError for indices and offsets out of range or order (in replays too), and for options that exclude each other; DTypeError if indices are not int32
 * @example
 * ```ts
 * const table = tensor([[1, 2], [3, 4], [5, 6]]);
 * const [input, offsets] = [[0, 1, 2], [0, 1]].map((x) => tensor(x, { dtype: 'int32' }));
 * nn.functional.embeddingBag(input!, table, offsets); // tensor([[1., 2.], [4., 5.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.embedding_bag.html
 */
export const embeddingBag: FunctionOf<Tensor, typeof lookingUp, EmbeddingBagFunctionOptions> = define(
  OP,
  lookingUp,
  (
    input,
    weight,
    offsets,
    maxNorm,
    normType,
    scaleGradByFreq,
    mode,
    _sparse,
    perSampleWeights,
    includeLastOffset,
    paddingIdx,
  ) => {
    if (weight.ndim !== 2)
      throw new ShapeError(`${OP}: the weight must have 2 dimensions, (rows, size), got ${show(shapeOf(weight))}`);
    if (mode === 'max' && scaleGradByFreq) throw new ValueError(`${OP}: scaleGradByFreq is not for mode 'max'`);
    const padding = rowOf(OP, paddingIdx, shapeOf(weight)[0]!);
    checkWeights(perSampleWeights, input, weight, mode);
    const starts = startsOf(input, offsets, includeLastOffset);
    const length = input.numel();
    const list = reshape(input, [length]);
    const looked = embedding(list, weight, { paddingIdx, maxNorm, normType, scaleGradByFreq });
    const rows = perSampleWeights === null ? looked : mul(looked, reshape(perSampleWeights, [length, 1]));
    const used = padding === null ? eq(list, list) : logicalNot(eq(list, padding));
    const end = includeLastOffset && offsets !== null ? select(offsets, 0, -1) : null;
    const bags = bagsOf(starts, length, end);
    return narrow(folded(rows, used, bags, mode), 0, 0, bags.count);
  },
);

const bagModule = signature(
  'numEmbeddings, embeddingDim, maxNorm, normType, scaleGradByFreq, mode, sparse, *, weight, includeLastOffset, paddingIdx, dtype',
  {
    numEmbeddings: kinds.integerFrom(0),
    embeddingDim: kinds.integerFrom(0),
    ...bagging,
    ...sparsity,
    /** The table to begin with, which is shared. Default: null, one that is drawn. */
    weight: kinds.tensor.optional(),
    ...ends,
    /** Element type of the table. Default: null, that of `weight`, or else float32. */
    dtype: kinds.dtype.optional(),
  },
);

const pretrained = signature(
  'embeddings, /, freeze, maxNorm, normType, scaleGradByFreq, mode, sparse, includeLastOffset, paddingIdx',
  {
    embeddings: kinds.tensor,
    ...freezing,
    ...bagging,
    ...sparsity,
    ...ends,
  },
);

const forwarding = signature('input, offsets, perSampleWeights', { input: index, ...filling });

export interface EmbeddingBagOptions extends OptionsOf<typeof bagModule> {}
interface PretrainedOptions extends OptionsOf<typeof pretrained> {}

/**
 * Sums, means or maxima of bags of rows of a table: see `nn.functional.embeddingBag`. Starts with normal values, and zeros in row `paddingIdx`.
 *
 * Shapes: input (bags, size), or (length) with offsets; int32; result (bags, embeddingDim); `weight` (numEmbeddings, embeddingDim).
 *
 * @throws ValueError if `paddingIdx` is out of range; ShapeError if `weight` does not fit
 * @example
 * ```ts
 * const words = new nn.EmbeddingBag(1000, 16, { mode: 'sum' });
 * words.forward(tensor([[1, 2, 999]], { dtype: 'int32' })).shape; // [1, 16]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.EmbeddingBag.html
 */
export class EmbeddingBag extends Module<ArgumentsOf<typeof forwarding>, Tensor> {
  readonly numEmbeddings: number;
  readonly embeddingDim: number;
  readonly maxNorm: number | null;
  readonly normType: number;
  readonly scaleGradByFreq: boolean;
  readonly mode: 'sum' | 'mean' | 'max';
  readonly includeLastOffset: boolean;
  readonly paddingIdx: number | null;
  weight: Parameter;

  constructor(...args: ArgumentsOf<typeof bagModule, EmbeddingBagOptions>) {
    const options = bagModule.named('EmbeddingBag', args);
    const { numEmbeddings, embeddingDim, weight, dtype } = options;
    const shape = [numEmbeddings, embeddingDim];
    const paddingIdx = rowOf('EmbeddingBag', options.paddingIdx, numEmbeddings);
    if (weight !== null) checkGiven('EmbeddingBag', weight, shape, dtype);
    super();
    this.numEmbeddings = numEmbeddings;
    this.embeddingDim = embeddingDim;
    this.maxNorm = options.maxNorm;
    this.normType = options.normType;
    this.scaleGradByFreq = options.scaleGradByFreq;
    this.mode = options.mode;
    this.includeLastOffset = options.includeLastOffset;
    this.paddingIdx = paddingIdx;
    this.weight = new Parameter(weight ?? empty(shape, { dtype: dtype ?? 'float32' }));
    if (weight === null) this.resetParameters();
  }

  /**
   * A layer with a table that is there already, which it shares.
   *
   * @throws ShapeError if it is not a matrix
   * @example
   * ```ts
   * const layer = nn.EmbeddingBag.fromPretrained(tensor([[1, 2], [3, 4]]));
   * layer.forward(tensor([[1, 0]], { dtype: 'int32' })); // tensor([[2., 3.]])
   * ```
   * @see https://pytorch.org/docs/stable/generated/torch.nn.EmbeddingBag.html#torch.nn.EmbeddingBag.from_pretrained
   */
  static fromPretrained(...args: ArgumentsOf<typeof pretrained, PretrainedOptions>): EmbeddingBag {
    const { embeddings, freeze, ...options } = pretrained.named('EmbeddingBag.fromPretrained', args);
    const [numEmbeddings, embeddingDim] = tableShape('EmbeddingBag.fromPretrained', embeddings);
    const layer = new EmbeddingBag({ numEmbeddings, embeddingDim, weight: embeddings.detach(), ...options });
    if (freeze) layer.weight.requiresGrad = false;
    return layer;
  }

  /** Draws the table again. */
  resetParameters(): void {
    drawTable(this.weight, this.paddingIdx);
  }

  override forward(...args: ArgumentsOf<typeof forwarding>): Tensor {
    const [input, offsets, perSampleWeights] = forwarding.read('EmbeddingBag', args);
    recording?.used(this);
    const { maxNorm, normType, scaleGradByFreq, mode, includeLastOffset, paddingIdx } = this;
    return embeddingBag(input, this.weight, {
      offsets,
      maxNorm,
      normType,
      scaleGradByFreq,
      mode,
      perSampleWeights,
      includeLastOffset,
      paddingIdx,
    });
  }

  override extraRepr(): string {
    const longest = this.maxNorm === null ? '' : `, max_norm=${pythonText(this.maxNorm)}`;
    const type = this.normType === 2 ? '' : `, norm_type=${pythonText(this.normType)}`;
    const scaled = this.scaleGradByFreq ? ', scale_grad_by_freq=True' : '';
    const padding = this.paddingIdx === null ? '' : `, padding_idx=${this.paddingIdx}`;
    return `${this.numEmbeddings}, ${this.embeddingDim}${longest}${type}${scaled}, mode=${pythonText(this.mode)}${padding}`;
  }
}
