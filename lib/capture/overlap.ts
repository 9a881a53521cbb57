import type { View } from '../backend/index.js';
import { type Expr, isFold, stageCount, topological } from '../expr/index.js';
import { compiledRoots, factorsOf, type Nest, sameElements } from './nest.js';

/**
 * Whether a nest that is made of two leaves in memory what the first and then the second would, where it writes what it reads. An output may be
 * - what a product reads: never, since a product reads its operands again and again while it writes;
 * - memory that another output writes as well: if no element is written by both;
 * - an input: if that is read element by element (row value by row value) as it is written, and by no fold that comes after the write. A core
 *   writes the elements of a tile before the last folds run over that tile.
 */
export function writesAfterReads(nest: Nest): boolean {
  const { inputs, outputs, product } = nest;
  for (let i = 0; i < outputs.length; i++) {
    const { storage } = outputs[i]!;
    for (let j = 0; j < i; j++) {
      if (outputs[j]!.storage === storage && !areApart(outputs[i]!, outputs[j]!)) return false;
    }
    if (product !== null && factorsOf(product).some((factor) => factor.storage === storage)) return false;
    for (let input = 0; input < inputs.length; input++) {
      if (inputs[input]!.view?.storage !== storage) continue;
      if (!readsAsWritten(nest, input, i) || foldsWritten(nest, input)) return false;
    }
  }
  return true;
}

/**
 * Whether two views of the same memory have no element in common, as far as can be told: they lie one behind the other, or side by side, as columns
 * of a matrix do.
 */
export function areApart(a: View, b: View): boolean {
  if (a.dtype !== b.dtype) return false;
  return [Number.POSITIVE_INFINITY, ...a.strides].some((step) => step > 0 && haveOwnParts(a, b, step));
}

/** Whether in each stretch of so many elements one view stays in front of the other. */
function haveOwnParts(a: View, b: View, stretch: number): boolean {
  const [partOfA, partOfB] = [partOf(a, stretch), partOf(b, stretch)];
  if (partOfA === null || partOfB === null) return false;
  return partOfA.last < partOfB.first || partOfB.last < partOfA.first;
}

/** From where to where a view is in each stretch, counted from its beginning; null if it goes on into the next. */
function partOf({ offset, shape, strides }: View, stretch: number): { first: number; last: number } | null {
  let [first, length] = [offset, 0];
  for (const [axis, size] of shape.entries()) {
    const reach = (size - 1) * strides[axis]!;
    if (strides[axis]! % stretch === 0 && Number.isFinite(stretch)) continue;
    first += Math.min(reach, 0);
    length += Math.abs(reach);
  }
  if (Number.isFinite(stretch)) first = ((first % stretch) + stretch) % stretch;
  return first + length < stretch ? { first, last: first + length } : null;
}

function readsAsWritten(nest: Nest, input: number, output: number): boolean {
  const { view, kind } = nest.inputs[input]!;
  const rate = nest.roots[output]!.rate === 'element' ? 'element' : 'row';
  return sameElements(view as View, nest.outputs[output]!, nest.shape) && (nest.axes === null || kind === rate);
}

function foldsWritten(nest: Nest, input: number): boolean {
  if (nest.axes === null) return false;
  const roots = compiledRoots(nest);
  const last = stageCount(roots) - 1;
  return topological(roots).some((node) => isFold(node) && node.stage === last && isInputItself(node.args[0]!, input));
}

/** Whether an element is read where the input is, by no instruction before. */
function isInputItself(element: Expr, input: number): boolean {
  let node = element;
  while (node.rate === 'element' && (node.op === 'detach' || node.op === 'expand')) node = node.args[0]!;
  return node.op === 'input' && node.rate === 'element' && node.value === input;
}
