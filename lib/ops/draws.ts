import { backend, isFloat, type RandomKind } from '../backend/index.js';
import { DTypeError } from '../errors.js';
import { overwritten, requireWritable } from '../tensor/elementwise.js';
import { emptyOf } from '../tensor/empty.js';
import { ambientGenerator, type Generator, streamOf } from '../tensor/generator.js';
import { operandOf, type Tensor } from '../tensor/tensor.js';
import { narrow, permute, reshape } from './views.js';

/** Draws into a contiguous tensor that is new. */
export function draw(kind: RandomKind, out: Tensor, generator: Generator | null, p0: number, p1: number): Tensor {
  backend.random(kind, streamOf(generator ?? ambientGenerator), operandOf(out), p0, p1);
  return out;
}

/** Draws into `x` itself. */
export function drawInto(
  op: string,
  kind: RandomKind,
  x: Tensor,
  generator: Generator | null,
  p0: number,
  p1 = 0,
): Tensor {
  requireWritable(op, x);
  if (x.isContiguous()) draw(kind, x, generator, p0, p1);
  else drawStrided(kind, x.detach(), generator, p0, p1);
  overwritten(op, x);
  return x;
}

/** As many normals as are drawn one by one, not as a block. */
const FEW = 15;

/** Draws in the order of memory, which for a transposed matrix is that of its columns, and normals one by one: as PyTorch does. */
function drawStrided(kind: RandomKind, x: Tensor, generator: Generator | null, p0: number, p1: number): void {
  const inOrder = inOrderOfMemory(x);
  if (kind !== 'normal' && inOrder.isContiguous()) {
    draw(kind, inOrder, generator, p0, p1);
    return;
  }
  const values = emptyOf([x.numel()], x.dtype);
  if (kind === 'normal') drawOneByOne(values, generator, p0, p1);
  else draw(kind, values, generator, p0, p1);
  inOrder.copy_(reshape(values, inOrder.shape));
}

/** Draws normals into a vector, not as a block. */
function drawOneByOne(values: Tensor, generator: Generator | null, mean: number, std: number): Tensor {
  const count = values.numel();
  for (let start = 0; start < count; start += FEW) {
    draw('normal', narrow(values, 0, start, Math.min(FEW, count - start)), generator, mean, std);
  }
  return values;
}

/** A view of a tensor whose first axes are those with the largest steps. */
export function inOrderOfMemory(x: Tensor): Tensor {
  return permute(
    x,
    [...x.shape.keys()].sort((a, b) => x.strides[b]! - x.strides[a]!),
  );
}

/** So many uniform values in double precision. */
export const uniforms = (count: number, generator: Generator | null): Tensor =>
  draw('uniform', emptyOf([count], 'float64'), generator, 0, 1);

/** So many normal values in double precision, drawn one by one. */
export const normals = (count: number, generator: Generator | null, mean: number, std: number): Tensor =>
  drawOneByOne(emptyOf([count], 'float64'), generator, mean, std);

export function requireFloat(op: string, x: Tensor): void {
  if (!isFloat(x.dtype)) throw new DTypeError(`${op}: expected a float tensor, got ${x.dtype}`);
}
