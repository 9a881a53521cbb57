import { type Kind, kind } from '../arguments/kind.js';
import { type BackwardRule, record } from '../autograd/node.js';
import { computeType } from '../backend/dtype.js';
import { sizeOf, type View } from '../backend/view.js';
import { ShapeError } from '../errors.js';
import { emptyOf, filledOf } from '../tensor/empty.js';
import { adding } from '../tensor/formula.js';
import * as kinds from '../tensor/kinds.js';
import { view, viewAs } from '../tensor/layout.js';
import { type Shape, show } from '../tensor/shape.js';
import { shapeOf, Tensor, viewOf } from '../tensor/tensor.js';
import { write } from '../tensor/windows.js';

// Windows that slide over the last axes of a tensor: what convolutions, pooling, folding and unfolding are made of.

/** One number for all axes that a window slides over, or one for each. */
export type PerAxis = number | readonly number[];

/** Names the element of a list that is not what it should be. */
export const explainAxes =
  (one: Kind<unknown>) =>
  (op: string, name: string, value: unknown): void => {
    const wrong = Array.isArray(value) ? value.findIndex((item) => !one.accepts(item)) : -1;
    if (wrong >= 0) one.refuse(op, `${name}[${wrong}]`, (value as readonly unknown[])[wrong]);
  };

/** A parameter of windows over `dims` axes, with integers of at least `low`. */
export const perAxis = (dims: number, low: number): Kind<PerAxis> => {
  const one = kinds.integerFrom(low);
  return kind(
    `an integer, at least ${low}, or an array of ${dims} of them`,
    (value): value is PerAxis =>
      one.accepts(value) ||
      (Array.isArray(value) && (value.length === dims || value.length === 1) && value.every(one.accepts)),
    { explain: explainAxes(one) },
  );
};

/** A number for each of `dims` axes. */
export const eachAxis = (given: PerAxis, dims: number): readonly number[] =>
  typeof given === 'number' || given.length < dims
    ? new Array<number>(dims).fill(typeof given === 'number' ? given : given[0]!)
    : [...given];

/** What a window takes of the axes that it slides over, and how it moves: a number for each of them. */
export interface Sliding {
  readonly kernel: Shape;
  readonly stride: Shape;
  readonly dilation: Shape;
}

/** A window that has one place along an axis takes no step there: what a kernel lays out or walks grows with steps, however few are taken. */
export const withoutIdleSteps = (stride: Shape, places: Shape): number[] =>
  stride.map((step, axis) => (places[axis]! > 1 ? step : 1));

/** From the first to the last element of a window, along each axis. */
export const spansOf = ({ kernel, dilation }: Sliding): number[] =>
  kernel.map((size, axis) => dilation[axis]! * (size - 1) + 1);

/** In how many places along each axis a window lies within so many elements; what does not fit in is refused. */
export function placesOf(op: string, whole: Shape, sliding: Sliding): number[] {
  const spans = spansOf(sliding);
  if (spans.some((span, axis) => span > whole[axis]!)) {
    throw new ShapeError(`${op}: a window spans ${show(spans)}, but the (padded) input has only ${show(whole)}`);
  }
  return placesIn(whole, sliding);
}

const placesIn = (whole: Shape, sliding: Sliding): number[] =>
  spansOf(sliding).map((span, axis) => Math.floor((whole[axis]! - span) / sliding.stride[axis]!) + 1);

interface Windows {
  readonly sliding: Sliding;
  /** The sizes of the axes that the window slides over. */
  readonly whole: Shape;
  /** In how many places it lies. */
  readonly places: Shape;
}

// Looking through windows and adding up what lies in them are each other's adjoint, so that gradients of any order are made of the two.

const windowsRule: BackwardRule<Windows> = {
  name: 'Im2Col',
  backward: (g, _, { sliding, whole }) => [overlaid(g, sliding, whole)],
};

const overlaidRule: BackwardRule<Windows> = {
  name: 'Col2Im',
  backward: (g, _, { sliding, places }) => [windowsOf(g, sliding, places)],
};

/** Windows over the last axes, all that fit in unless there are fewer: (…, ...kernel, ...places). A view. */
export function windowsOf(x: Tensor, sliding: Sliding, fewer: Shape | null = null): Tensor {
  const { shape, strides, offset } = viewOf(x);
  const lead = shape.length - sliding.kernel.length;
  const [whole, apart] = [shape.slice(lead), strides.slice(lead)];
  const places = fewer ?? placesIn(whole, sliding);
  return view(
    x,
    [...shape.slice(0, lead), ...sliding.kernel, ...places],
    [
      ...strides.slice(0, lead),
      ...apart.map((step, axis) => step * sliding.dilation[axis]!),
      ...apart.map((step, axis) => step * sliding.stride[axis]!),
    ],
    offset,
    windowsRule,
    { sliding, whole, places },
  );
}

/** (…, ...kernel, ...places) to (…, ...whole): each element is the sum of what windows have at its place, 0 where there is none. */
export function overlaid(windows: Tensor, sliding: Sliding, whole: Shape): Tensor {
  const dims = whole.length;
  const lead = shapeOf(windows).slice(0, -2 * dims);
  const places = shapeOf(windows).slice(-dims);
  const isWhole = sliding.kernel.every(
    (size, axis) => size === 1 && sliding.stride[axis] === 1 && places[axis] === whole[axis],
  );
  if (isWhole) return viewAs(windows, [...lead, ...whole]);
  const { dtype } = windows;
  const out = emptyOf([...lead, ...whole], dtype);
  const apart = !overlap(sliding, places);
  if (!(apart && fillsWhole(sliding, places, whole))) write(out, filledOf([], 0, dtype));
  const parts = windowsOf(out, sliding, places);
  if (apart) {
    write(parts, windows.detach());
    return record(out, overlaidRule, [windows], [], { sliding, whole, places });
  }
  const [to, from] = [viewOf(parts), viewOf(windows)];
  for (let i = 0; i < sizeOf(sliding.kernel); i++) {
    const [sum, part] = [placesAt(to, lead.length, dims, i), placesAt(from, lead.length, dims, i)];
    adding.operation([sum, part]).kernel.runInto([sum], [sum, part], [], computeType(dtype), null);
  }
  return record(out, overlaidRule, [windows], [], { sliding, whole, places });
}

/** Whether windows in different places may have an element in common. */
export const overlap = (sliding: Sliding, places: Shape): boolean =>
  spansOf(sliding).some((span, axis) => places[axis]! > 1 && sliding.stride[axis]! < span);

/** Whether windows that do not overlap have all elements. */
const fillsWhole = ({ kernel, dilation }: Sliding, places: Shape, whole: Shape): boolean =>
  kernel.every((size, axis) => size * places[axis]! === whole[axis] && (size === 1 || dilation[axis] === 1));

/** What all windows have at one of their places, outside the graph. */
function placesAt({ storage, offset, shape, strides, dtype }: View, lead: number, dims: number, index: number): Tensor {
  let [start, rest] = [offset, index];
  for (let axis = lead + dims - 1; axis >= lead; axis--) {
    start += (rest % shape[axis]!) * strides[axis]!;
    rest = Math.floor(rest / shape[axis]!);
  }
  const others = (of: readonly number[]) => of.toSpliced(lead, dims);
  return new Tensor({ storage, offset: start, shape: others(shape), strides: others(strides), dtype });
}
