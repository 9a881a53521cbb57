import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { type BackwardRule, record } from '../autograd/node.js';
import type { DType } from '../backend/dtype.js';
import { isBool, isFloat, isInteger } from '../backend/dtype.js';
import { backend } from '../backend/index.js';
import type { Program } from '../backend/program.js';
import { recording } from '../backend/recording.js';
import { sizeOf, type View } from '../backend/view.js';
import { ShapeError } from '../errors.js';
import * as e from '../expr/index.js';
import { requireOneType } from '../tensor/check.js';
import { emptyOf } from '../tensor/empty.js';
import { Formula } from '../tensor/formula.js';
import * as kinds from '../tensor/kinds.js';
import { owned, sumTo, viewAs } from '../tensor/layout.js';
import { broadcastShapes, broadcastsTo, type Shape, show } from '../tensor/shape.js';
import { operandOf, shapeOf, type Tensor, viewOf } from '../tensor/tensor.js';
import { to } from './conversion.js';
import { add } from './pointwise.js';
import { reshape, squeeze, transpose, unsqueeze } from './views.js';

const withOther = signature('input, other, /', { input: kinds.tensor, other: kinds.tensor });
const withMatrix = signature('input, /, mat2', { input: kinds.tensor, mat2: kinds.tensor });
const withVector = signature('input, /, vec', { input: kinds.tensor, vec: kinds.tensor });
const withTensor = signature('input, /, tensor', { input: kinds.tensor, tensor: kinds.tensor });

type WithMatrix = FunctionOf<Tensor, typeof withMatrix>;

function innerMismatch(op: string, a: Shape, b: Shape): ShapeError {
  return new ShapeError(`${op}: inner dimensions differ: ${show(a)} x ${show(b)} (${a.at(-1)} != ${b.at(-2) ?? b[0]})`);
}

const swapped = (x: Tensor): Tensor => transpose(x, -2, -1);

const matmulRule: BackwardRule<null> = {
  name: 'Mm',
  backward: (g, [a, b], _, [aNeeds, bNeeds]) => [
    aNeeds ? sumTo(product('matmul', g, swapped(b!)), viewOf(a!).shape) : null,
    bNeeds ? sumTo(product('matmul', swapped(a!), g), viewOf(b!).shape) : null,
  ],
};

/** The product of (batches of) matrices: (…, m, k) x (…, k, n), batches broadcast. */
function product(op: string, a: Tensor, b: Tensor): Tensor {
  const [left, right] = [shapeOf(a), shapeOf(b)];
  if (left.at(-1) !== right.at(-2)) throw innerMismatch(op, left, right);
  if (isInteger(a.dtype)) return integerProduct(op, to(a, 'float64'), to(b, 'float64'));
  if (isBool(a.dtype)) return to(product(op, to(a, 'float64'), to(b, 'float64')), 'bool');
  // A batch times one matrix is one larger product, whose gradients then add up in the order of the rows, wherever these are in memory.
  if (a.ndim > 2 && b.ndim === 2) {
    const rows = product(op, reshape(a, [sizeOf(left.slice(0, -1)), left.at(-1)!]), b);
    return owned(viewAs(rows, [...left.slice(0, -1), right[1]!]));
  }
  const out = emptyOf(productShape(op, left, right), a.dtype);
  backend.matmul(operandOf(a), operandOf(b), [operandOf(out)], null);
  return record(out, matmulRule, [a, b], [a, b], null);
}

const whole = new Formula('matmul', (x) => x);

/** Sums of products of lower, mixed and upper halves as one number, with what each carries to the next. */
const joinedHalves = new Formula('matmul', (low, middle, high) => {
  const carry = e.floor(e.div(low, HALF));
  const sum = e.add(middle, carry);
  const next = e.floor(e.div(sum, HALF));
  const upper = e.add(e.mul(e.add(high, next), HALF), e.sub(sum, e.mul(next, HALF)));
  return e.add(e.mul(upper, HALF), e.sub(low, e.mul(carry, HALF)));
});

const HALF = 2 ** 16;

/** The product of integers that are given as float64, exactly: of halves of 16 bits where float64 might round a sum on the way. */
function integerProduct(op: string, a: Tensor, b: Tensor): Tensor {
  // In a captured function nothing is known of the values.
  const bounded = recording === null && largest(a) * largest(b) * a.shape.at(-1)! <= 2 ** 53;
  if (bounded) return whole.call([product(op, a, b)], 'int32');
  const [[ah, al], [bh, bl]] = [halves(a), halves(b)];
  const middle = add(product(op, ah, bl), product(op, al, bh));
  return joinedHalves.call([product(op, al, bl), middle, product(op, ah, bh)], 'int32');
}

const largest = (x: Tensor): number => (x.numel() === 0 ? 0 : x.abs().amax().item());

function halves(x: Tensor): [high: Tensor, low: Tensor] {
  const high = x.div(HALF).floor();
  return [high, x.sub(high.mul(HALF))];
}

function productShape(op: string, a: Shape, b: Shape): Shape {
  if (a.length === 2 && b.length === 2) return [a[0]!, b[1]!];
  return [...broadcastShapes(op, a.slice(0, -2), b.slice(0, -2)), a.at(-2)!, b.at(-1)!];
}

/**
 * The matrix product. 1-d operands are a row (left) or a column (right), and that dimension is removed again; leading dimensions are
 * batches, and broadcast.
 *
 * @throws ShapeError if inner sizes differ; DTypeError if element types differ; ValueError for integers whose product int32 does not hold
 * @example
 * ```ts
 * matmul(ones([2, 3]), ones([3, 4])).shape; // [2, 4]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.matmul.html
 */
export const matmul: FunctionOf<Tensor, typeof withOther> = define('matmul', withOther, (a, b) =>
  multiplied('matmul', a, b),
);

/** `matmul` for another function. */
function multiplied(op: string, a: Tensor, b: Tensor): Tensor {
  requireOneType(op, a, b);
  const [first, second] = [shapeOf(a), shapeOf(b)];
  if (first.length === 0 || second.length === 0)
    throw new ShapeError(`${op}: expected at least 1 dimension, got ${show(first)} x ${show(second)}; use mul`);
  if (first.at(-1) !== (second.at(-2) ?? second[0])) throw innerMismatch(op, first, second);
  const left = a.ndim === 1 ? unsqueeze(a, 0) : a;
  const right = b.ndim === 1 ? unsqueeze(b, 1) : b;
  const rows = product(op, left, right);
  const columns = a.ndim === 1 ? owned(squeeze(rows, -2)) : rows;
  return b.ndim === 1 ? owned(squeeze(columns, -1)) : columns;
}

function requireDims(op: string, x: Tensor, ndim: number, name: string): void {
  if (x.ndim !== ndim) throw new ShapeError(`${op}: ${name} must have ${ndim} dimensions, got ${show(x.shape)}`);
}

/**
 * The product of two matrices, (m, k) x (k, n).
 *
 * @throws ShapeError if inner sizes differ, or an operand is no matrix; DTypeError if element types differ
 * @example
 * ```ts
 * mm(tensor([[1, 2], [3, 4]]), tensor([[1], [1]])); // tensor([[3.], [7.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.mm.html
 */
export const mm: WithMatrix = define('mm', withMatrix, (a, b) => {
  requireOneType('mm', a, b);
  requireDims('mm', a, 2, 'the first operand');
  requireDims('mm', b, 2, 'the second operand');
  return product('mm', a, b);
});

/**
 * Products of two batches of matrices, (b, m, k) x (b, k, n).
 *
 * @throws ShapeError if sizes differ; DTypeError if element types differ
 * @example
 * ```ts
 * bmm(ones([5, 2, 3]), ones([5, 3, 4])).shape; // [5, 2, 4]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.bmm.html
 */
export const bmm: WithMatrix = define('bmm', withMatrix, (a, b) => {
  requireOneType('bmm', a, b);
  requireDims('bmm', a, 3, 'the first operand');
  requireDims('bmm', b, 3, 'the second operand');
  if (a.shape[0] !== b.shape[0]) throw new ShapeError(`bmm: batch sizes differ: ${show(a.shape)} x ${show(b.shape)}`);
  return product('bmm', a, b);
});

/**
 * The product of a matrix and a vector, (m, k) x (k).
 *
 * @throws ShapeError if inner sizes differ; DTypeError if element types differ
 * @example
 * ```ts
 * mv(tensor([[1, 2], [3, 4]]), tensor([1, 1])); // tensor([3., 7.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.mv.html
 */
export const mv: FunctionOf<Tensor, typeof withVector> = define('mv', withVector, (a, b) => {
  requireOneType('mv', a, b);
  requireDims('mv', a, 2, 'the matrix');
  requireDims('mv', b, 1, 'the vector');
  return multiplied('mv', a, b);
});

/**
 * Σ aᵢ bᵢ of two vectors.
 *
 * @throws ShapeError if sizes differ; DTypeError if element types differ
 * @example
 * ```ts
 * dot(tensor([1, 2]), tensor([3, 4])); // tensor(11.)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.dot.html
 */
export const dot: FunctionOf<Tensor, typeof withTensor> = define('dot', withTensor, (a, b) => {
  requireOneType('dot', a, b);
  requireDims('dot', a, 1, 'the first operand');
  requireDims('dot', b, 1, 'the second operand');
  return multiplied('dot', a, b);
});

const biasPrograms: Partial<Record<DType, Program>> = {};

/** The epilogue of a linear layer: the bias is added to each tile of the product while it is in cache. */
function addBias(dtype: 'float32' | 'float64'): Program {
  let program = biasPrograms[dtype];
  if (program === undefined) {
    const root = e.add(e.input(0, 'element'), e.input(1, 'element'));
    program = e.compile({ name: 'addBias', compute: dtype, inputs: ['element', 'element'], params: 0 }, [root]);
    biasPrograms[dtype] = program;
  }
  return program;
}

const linearRule: BackwardRule<{ readonly bias: Shape }> = {
  name: 'Linear',
  backward: (g, [x, weight], { bias }, [xNeeds, weightNeeds, biasNeeds]) => [
    xNeeds ? product('linear', g, weight!) : null,
    weightNeeds ? product('linear', transpose(rows(g), 0, 1), rows(x!)) : null,
    biasNeeds ? sumTo(g, bias) : null,
  ],
};

/** All leading dimensions as one. */
function rows(x: Tensor): Tensor {
  const { shape } = viewOf(x);
  return shape.length === 2 ? x : reshape(x, [sizeOf(shape.slice(0, -1)), shape.at(-1)!]);
}

const transforming = signature('input, /, weight, bias', {
  input: kinds.tensor,
  weight: kinds.tensor,
  /** Added; broadcasts to (…, outFeatures). Default: null, none. */
  bias: kinds.tensor.optional(),
});

interface LinearOptions extends OptionsOf<typeof transforming> {}

/**
 * x weightᵀ + bias.
 *
 * @param x (…, inFeatures)
 * @param weight (outFeatures, inFeatures), or (inFeatures) for a result without the last dimension
 * @param bias anything that broadcasts to (…, outFeatures); default none
 * @throws ShapeError if the sizes do not fit; DTypeError if element types differ
 * @example
 * ```ts
 * linear(tensor([[1, 2]]), tensor([[1, 0], [0, 1], [1, 1]]), tensor(0.5)); // tensor([[1.5000, 2.5000, 3.5000]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.linear.html
 */
export const linear: FunctionOf<Tensor, typeof transforming, LinearOptions> = define(
  'linear',
  transforming,
  (x, weight, bias) => {
    if (bias === null) requireOneType('linear', x, weight);
    else requireOneType('linear', x, weight, bias);
    if (x.ndim === 0 || viewOf(x).shape.at(-1) !== viewOf(weight).shape.at(-1)) {
      throw new ShapeError(
        `linear: expected ${weight.shape.at(-1)} features (weight ${show(weight.shape)}), got an input of shape ${show(x.shape)}`,
      );
    }
    if (weight.ndim === 1) return bias === null ? matmul(x, weight) : add(matmul(x, weight), bias);
    requireDims('linear', weight, 2, 'the weight');
    return bias === null ? matmul(x, transpose(weight, 0, 1)) : biased(x, weight, bias);
  },
);

function biased(x: Tensor, weight: Tensor, bias: Tensor): Tensor {
  const { dtype } = x;
  const shape = viewOf(x).shape.slice();
  shape[shape.length - 1] = viewOf(weight).shape[0]!;
  const fits = isFloat(dtype) && x.ndim > 1 && broadcastsTo(viewOf(bias).shape, shape);
  if (!fits) {
    broadcastShapes('linear', shape, bias.shape);
    return add(matmul(x, transpose(weight, 0, 1)), bias);
  }
  const out = emptyOf(shape, dtype);
  backend.matmul(operandOf(x), flipped(operandOf(weight)), [operandOf(out)], {
    program: addBias(dtype),
    params: [],
    inputs: [operandOf(bias)],
  });
  return record(out, linearRule, [x, weight, bias], [x, weight], { bias: viewOf(bias).shape });
}

/** A matrix seen transposed, outside the graph. */
function flipped({ storage, offset, shape, strides, dtype }: View): View {
  return { storage, offset, shape: [shape[1]!, shape[0]!], strides: [strides[1]!, strides[0]!], dtype };
}
