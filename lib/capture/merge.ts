import { isBool } from '../backend/dtype.js';
import { type Storage, sameShape, sizeOf, type View } from '../backend/index.js';
import { foldsColumns, planLoops } from '../backend/loops.js';
import { type Expr, hasRows, input, stageCount } from '../expr/index.js';
import { isComparison, type Nest, type NestInput, relocate, sameElements, within, writtenAs } from './nest.js';
import { areApart, writesAfterReads } from './overlap.js';

/** Operands of a merged nest; an instruction may have a few more (`MAX_OPERANDS` of `lib/backend/view.ts`). */
export const MOST_MERGED_OPERANDS = 40;
/** Operations of a merged nest: beyond that a pass over memory hardly counts, and merging and compiling stay cheap. */
const MAX_SIZE = 1024;
/** Operations of all its stages, each of which may have to compute all elements again. */
const MAX_STREAMED = 4096;
/** Rows up to this length stay in registers from fold to fold; of longer ones elements are computed again after each. */
const RESIDENT_ROW = 1024;

/** Elements up to which nests that share but single values are merged: of more, one pass over so many pieces of memory takes longer than two. */
const MOST_APART = 1 << 15;

/** Whether it makes sense to try: most pairs that cannot be merged are told from their types, sizes and products alone. */
export const mayMerge = (first: Nest, second: Nest): boolean =>
  first.compute === second.compute &&
  second.product === null &&
  first.size + second.size <= MAX_SIZE &&
  (first.axes === null && second.axes === null ? sameShape(first.shape, second.shape) : first.product === null);

/**
 * Both nests as one that computes what `first` and then `second` would, bit for bit; null if that cannot be.
 *
 * @param needed whether an output of `first` is wanted by others than `second`
 */
export function merge(first: Nest, second: Nest, needed: (storage: Storage) => boolean): Nest | null {
  if (!mayMerge(first, second)) return null;
  const wider = first.axes !== null ? first : second;
  const producer = within(first, wider.shape, wider.axes);
  const consumer = producer === null ? null : within(second, wider.shape, wider.axes);
  if (producer === null || consumer === null) return null;
  const values = valuesFrom(producer, consumer);
  if (values === null || overwritesOther(producer, consumer)) return null;
  if (sizeOf(wider.shape) > MOST_APART && values.every((value) => value === null) && !sharesElements(first, second))
    return null;
  const inputs = producer.inputs.slice();
  const reads = consumer.inputs.map(
    (operand, i) => values[i] ?? input(placeOf(operand, inputs, consumer.shape), operand.kind),
  );
  const roots: Expr[] = [];
  const outputs: View[] = [];
  producer.outputs.forEach((output, i) => {
    if (!needed(output.storage) || consumer.outputs.some((other) => sameElements(other, output, producer.shape)))
      return;
    roots.push(producer.roots[i]!);
    outputs.push(output);
  });
  for (const output of consumer.outputs) outputs.push(output);
  if (inputs.length + outputs.length > MOST_MERGED_OPERANDS) return null;
  const relocated = relocate(consumer.roots, (i) => reads[i]!, producer.params.length);
  for (const root of writtenAs(consumer.roots, relocated, consumer.axes)) roots.push(root);
  const merged: Nest = {
    name: `${producer.name}+${consumer.name}`,
    compute: producer.compute,
    shape: producer.shape,
    axes: producer.axes,
    product: producer.product,
    inputs,
    params: producer.params.concat(consumer.params),
    size: producer.size + consumer.size,
    roots,
    outputs,
  };
  return hasFewStages(merged, producer, consumer) && writesAfterReads(merged) && foldsAsFast(merged, producer, consumer)
    ? merged
    : null;
}

function writes({ outputs }: Nest, storage: Storage): boolean {
  for (const output of outputs) if (output.storage === storage) return true;
  return false;
}

/** Whether the second nest writes some of what the first does, but not the same elements. */
function overwritesOther({ outputs }: Nest, second: Nest): boolean {
  for (const output of outputs) {
    for (const other of second.outputs) {
      if (other.storage !== output.storage || sameElements(other, output, second.shape)) continue;
      if (!areApart(other, output)) return true;
    }
  }
  return false;
}

/** Whether the second nest reads elements that the first reads too: more than a value that is repeated. */
function sharesElements(first: Nest, second: Nest): boolean {
  const read = new Set(first.inputs.flatMap(({ view }) => (view === null || isOne(view) ? [] : [view.storage])));
  return second.inputs.some(({ view }) => view !== null && !isOne(view) && read.has(view.storage));
}

const isOne = ({ shape, strides }: View): boolean => shape.every((size, axis) => size === 1 || strides[axis] === 0);

/** For each operand of `consumer` what `producer` computes for it, or null if it is to be read; null if it would be read before it is written. */
function valuesFrom(producer: Nest, consumer: Nest): (Expr | null)[] | null {
  const values: (Expr | null)[] = [];
  for (const operand of consumer.inputs) {
    const value = valueFrom(producer, operand);
    if (value === null && writes(producer, operand.view!.storage)) return null;
    values.push(value);
  }
  return values;
}

/** What `producer` computes for an operand, if that is one of its outputs and nothing is lost by storing it. */
function valueFrom({ outputs, roots, shape, compute }: Nest, { view, kind }: NestInput): Expr | null {
  for (let i = 0; i < outputs.length; i++) {
    if (!sameElements(outputs[i]!, view!, shape)) continue;
    const root = roots[i]!;
    const { dtype } = outputs[i]!;
    if (kind === 'row' && root.rate === 'element') return null;
    return dtype === compute || (isBool(dtype) && isComparison(root)) ? root : null;
  }
  return null;
}

/** The number of an operand among inputs, to which it is added if it is new. */
function placeOf(operand: NestInput, inputs: NestInput[], shape: readonly number[]): number {
  for (let i = 0; i < inputs.length; i++) {
    const { view, kind } = inputs[i]!;
    if (view !== null && kind === operand.kind && sameElements(view, operand.view!, shape)) return i;
  }
  return inputs.push(operand) - 1;
}

/**
 * Whether stages are few enough. Where rows do not stay in registers, nothing may be computed in more of them than before: what is made
 * of a fold's results is computed in its last stage alone.
 */
function hasFewStages({ shape, axes, roots, size }: Nest, producer: Nest, consumer: Nest): boolean {
  if (axes === null) return true;
  const stages = stageCount(roots);
  if (stages > 1 && sizeOf(axes.map((axis) => shape[axis]!)) > RESIDENT_ROW) {
    return !hasRows(consumer.roots) && stages === stageCount(producer.roots);
  }
  return stages * size <= MAX_STREAMED;
}

/**
 * Whether merging leaves column by column what is folded so, which is several times as fast where rows lie side by side. A matter of
 * speed: in which order a row's elements are folded does not depend on how axes are walked.
 */
function foldsAsFast(merged: Nest, ...parts: readonly Nest[]): boolean {
  if (merged.axes === null) return true;
  const inColumns = isFoldedInColumns(merged);
  return parts.every((part) => !hasRows(part.roots) || isFoldedInColumns(part) === inColumns);
}

function isFoldedInColumns(nest: Nest): boolean {
  const { shape, inputs, outputs, roots } = nest;
  if (stageCount(roots) > 1) return false;
  const axes = nest.axes!;
  const operands = [...inputs.map(({ view }) => view!), ...outputs];
  const keptAxes = shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const kinds = inputs.map(({ kind }) => kind);
  return foldsColumns(kinds, planLoops(shape, operands, keptAxes), planLoops(shape, operands, axes));
}
