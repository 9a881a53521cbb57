import { isBool } from '../backend/dtype.js';
import { type Storage, sizeOf, type View } from '../backend/index.js';
import { foldsColumns, planLoops } from '../backend/loops.js';
import { type Expr, hasRows, input, stageCount } from '../expr/index.js';
import { isComparison, type Nest, type NestInput, relocate, sameElements, within, writtenAs } from './nest.js';
import { writesAfterReads } from './overlap.js';

/** Operands that one instruction can have; the core's limit is a little higher. */
export const MAX_OPERANDS = 40;
/** Operations of a merged nest: beyond that a pass over memory hardly counts, and merging and compiling stay cheap. */
const MAX_SIZE = 1024;
/** Operations of all its stages, each of which may have to compute all elements again. */
const MAX_STREAMED = 4096;
/** Rows up to this length stay in registers from fold to fold; of longer ones elements are computed again after each. */
const RESIDENT_ROW = 1024;

/**
 * Both nests as one that computes what `first` and then `second` would, bit for bit; null if that cannot be.
 *
 * @param needed whether an output of `first` is wanted by others than `second`
 */
export function merge(first: Nest, second: Nest, needed: (storage: Storage) => boolean): Nest | null {
  if (first.compute !== second.compute || second.product !== null) return null;
  if (first.size + second.size > MAX_SIZE) return null;
  const frame = commonFrame(first, second);
  if (frame === null) return null;
  const [producer, consumer] = frame;
  const substituted: (Expr | null)[] = consumer.inputs.map((operand) => valueFrom(producer, operand));
  if (consumer.inputs.some(({ view }, i) => substituted[i] === null && writes(producer, view!.storage))) return null;
  if (producer.outputs.some((output) => writesOther(consumer, output))) return null;
  const inputs: NestInput[] = [...producer.inputs];
  const places = consumer.inputs.map((operand, i) =>
    substituted[i] === null ? placeOf(operand, inputs, consumer.shape) : -1,
  );
  const kept = producer.outputs.map(({ storage }) => needed(storage) && !writes(consumer, storage));
  const outputs = [...producer.outputs.filter((_, i) => kept[i]), ...consumer.outputs];
  if (inputs.length + outputs.length > MAX_OPERANDS) return null;
  const read = (i: number) => substituted[i] ?? input(places[i]!, inputs[places[i]!]!.kind);
  const relocated = relocate(consumer.roots, read, producer.params.length);
  const results = writtenAs(consumer.roots, relocated, consumer.axes);
  const merged: Nest = {
    ...producer,
    name: `${producer.name}+${consumer.name}`,
    inputs,
    params: [...producer.params, ...consumer.params],
    size: producer.size + consumer.size,
    roots: [...producer.roots.filter((_, i) => kept[i]), ...results],
    outputs,
  };
  return hasFewStages(merged) && writesAfterReads(merged) && foldsAsFast(merged, [producer, consumer]) ? merged : null;
}

const writes = (nest: Nest, storage: Storage): boolean => nest.outputs.some((output) => output.storage === storage);

/** Whether a nest writes the same memory as this output, but not the same elements of it. */
const writesOther = (nest: Nest, output: View): boolean =>
  nest.outputs.some((other) => other.storage === output.storage && !sameElements(other, output, nest.shape));

/** Both over the shape and the folded axes of whichever folds, or has the larger shape. */
function commonFrame(first: Nest, second: Nest): [Nest, Nest] | null {
  const frame = first.axes !== null ? first : second;
  if (first.product !== null && frame.axes !== null) return null;
  const a = within(first, frame.shape, frame.axes);
  const b = within(second, frame.shape, frame.axes);
  return a === null || b === null ? null : [a, b];
}

/** What `producer` computes for an operand, if that is one of its outputs and nothing is lost by storing it. */
function valueFrom(producer: Nest, operand: NestInput): Expr | null {
  const i = producer.outputs.findIndex((output) => sameElements(output, operand.view!, producer.shape));
  if (i < 0) return null;
  const root = producer.roots[i]!;
  const { dtype } = producer.outputs[i]!;
  if (operand.kind === 'row' && root.rate === 'element') return null;
  return dtype === producer.compute || (isBool(dtype) && isComparison(root)) ? root : null;
}

/** The number of an operand among inputs, to which it is added if it is new. */
function placeOf(operand: NestInput, inputs: NestInput[], shape: readonly number[]): number {
  const same = ({ view, kind }: NestInput) =>
    view !== null && kind === operand.kind && sameElements(view, operand.view!, shape);
  const known = inputs.findIndex(same);
  return known >= 0 ? known : inputs.push(operand) - 1;
}

/** Whether stages are few enough; there is but one where rows do not stay in registers. */
function hasFewStages({ shape, axes, roots, size }: Nest): boolean {
  if (axes === null) return true;
  const stages = stageCount(roots);
  if (stages > 1 && sizeOf(axes.map((axis) => shape[axis]!)) > RESIDENT_ROW) return false;
  return stages * size <= MAX_STREAMED;
}

/**
 * Whether merging leaves column by column what is folded so, which is several times as fast where rows lie side by side. A matter of
 * speed: in which order a row's elements are folded does not depend on how axes are walked.
 */
function foldsAsFast(merged: Nest, parts: readonly Nest[]): boolean {
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
