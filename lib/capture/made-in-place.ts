import { dtypes } from '../backend/dtype.js';
import {
  type Instruction,
  isContiguous,
  type Program,
  readsOf,
  type Storage,
  sizeOf,
  type View,
  withViews,
  writesOf,
} from '../backend/index.js';
import { areApart } from './overlap.js';

/** Where memory begins, so that vectors lie in lines of the cache. */
const ALIGNMENT = 64;

/**
 * The instructions without copies of what could be made where it is copied to: parts of `cat` and `stack`, as a rule, that others read before. A
 * temporary of which nothing is used but what is copied becomes the part of the other one, if nobody touches that part before the copy is made, and
 * nobody changes either of them afterwards while the temporary is read.
 *
 * @param replaced is told of an instruction that does what another did elsewhere
 */
export function makeInPlace(
  instructions: readonly Instruction[],
  isTemporary: (storage: Storage) => boolean,
  replaced: (by: Instruction, one: Instruction) => void,
): Instruction[] {
  const left: (Instruction | null)[] = [...instructions];
  const touching = placesTouching(instructions, isTemporary);
  for (let i = 0; i < left.length; i++) {
    const copy = copyOf(left[i]!);
    if (copy === null || copy.from.offset !== 0 || !isAligned(copy.to)) continue;
    const [sources, targets] = [touching.get(copy.from.storage), touching.get(copy.to.storage)];
    if (sources === undefined || targets === undefined || !isMovable(copy, i, sources, targets)) continue;
    left[i] = null;
    for (const place of sources) {
      const one = left[place];
      if (one == null) continue;
      const moved = withViews(one, (view) => (view.storage === copy.from.storage ? within(copy.to, view) : view));
      left[place] = moved;
      replaced(moved, one);
    }
    touching.delete(copy.from.storage);
    touching.set(copy.to.storage, merged(sources, targets));
  }
  return left.filter((one) => one !== null);

  function isMovable({ from, to }: Copy, at: number, sources: readonly number[], targets: readonly number[]): boolean {
    const [first, last] = [sources[0]!, sources.at(-1)!];
    if (first >= at) return false;
    for (const place of sources) {
      const one = left[place];
      if (one == null || place === at) continue;
      const isSource = ({ storage }: View) => storage === from.storage;
      if (place > at && writesOf(one).some(isSource)) return false;
      const isWithin = (view: View) => view.dtype === from.dtype && endOf(view) <= sizeOf(from.shape);
      if (viewsOf(one).some((view) => isSource(view) && !isWithin(view))) return false;
    }
    return targets.every((place) => {
      const one = left[place];
      if (one == null || place === at || place < first || place > last) return true;
      const views = place < at ? viewsOf(one) : writesOf(one);
      return views.every((view) => view.storage !== to.storage || areApart(view, to));
    });
  }
}

/** Where among the instructions each temporary is read or written. */
function placesTouching(
  instructions: readonly Instruction[],
  isTemporary: (storage: Storage) => boolean,
): Map<Storage, number[]> {
  const touching = new Map<Storage, number[]>();
  for (const [i, one] of instructions.entries()) {
    for (const storage of new Set(viewsOf(one).map(({ storage }) => storage))) {
      if (!isTemporary(storage)) continue;
      const places = touching.get(storage);
      if (places === undefined) touching.set(storage, [i]);
      else places.push(i);
    }
  }
  return touching;
}

const viewsOf = (one: Instruction): View[] => [...readsOf(one), ...writesOf(one)];

interface Copy {
  readonly from: View;
  readonly to: View;
}

/** What an instruction copies, element by element in their order of memory, if it does nothing else. */
function copyOf(one: Instruction | null): Copy | null {
  if (one === null || one.op !== 'map' || !isCopying(one.program)) return null;
  const [from, to] = [one.inputs[0]!, one.outputs[0]!];
  const isPlain = from.storage !== to.storage && from.dtype === to.dtype && isContiguous(from) && isContiguous(to);
  return isPlain && sizeOf(from.shape) === sizeOf(to.shape) ? { from, to } : null;
}

function isCopying({ inputs, outputs, resident }: Program): boolean {
  const [stage] = resident;
  if (inputs.length !== 1 || outputs.length !== 1 || resident.length !== 1 || stage!.elements.length !== 1)
    return false;
  const { op, dst, a } = stage!.elements[0]!;
  return op === 'copy' && dst === 1 && a === 0 && stage!.folds.length === 0;
}

/** Behind the last element that a view may reach. */
const endOf = ({ offset, shape, strides }: View): number =>
  shape.reduce((end, size, axis) => end + Math.max(0, (size - 1) * strides[axis]!), offset + 1);

const isAligned = ({ offset, dtype }: View): boolean => (offset * dtypes[dtype].size) % ALIGNMENT === 0;

/** The view of a temporary, where that is part of another one. */
const within = (part: View, { offset, shape, strides, dtype }: View): View => ({
  storage: part.storage,
  offset: part.offset + offset,
  shape,
  strides,
  dtype,
});

const merged = (a: readonly number[], b: readonly number[]): number[] =>
  [...new Set([...a, ...b])].sort((x, y) => x - y);
