import { recordsGradients, withGrad } from '../autograd/mode.js';
import { type BackwardRule, record, renewViews, requireFresh } from '../autograd/node.js';
import { computeType, type DType } from '../backend/dtype.js';
import { backend } from '../backend/index.js';
import { contiguousStrides, isContiguous, isRepeated, sizeOf, type View } from '../backend/view.js';
import { AutogradError } from '../errors.js';
import { convert } from './basics.js';
import { emptyOf, filledOf } from './empty.js';
import { copying } from './formula.js';
import { arrive, type Gathering, gathering } from './gathering.js';
import { plainView, sumTo, view, viewed } from './layout.js';
import type { Shape } from './shape.js';
import {
  baseOf,
  countHistory,
  isBlind,
  isMarked,
  nodeOf,
  operandOf,
  setBase,
  setNode,
  storageOf,
  Tensor,
  viewOf,
} from './tensor.js';

// Writes through a view, for the graph: the base becomes what it was with the new values put into a window of it, and the view a window
// of what the base has become. Both are linear and each other's derivative, so that gradients of gradients need nothing more.

/** Elements of a tensor of `whole`, contiguous, as a view of it sees them. */
export interface Window {
  readonly whole: Shape;
  readonly offset: number;
  readonly shape: Shape;
  readonly strides: readonly number[];
}

const contiguous = (x: Tensor): Tensor => (x.isContiguous() ? x : convert(x, x.dtype));

/** What a window shows of a contiguous tensor, outside the graph. */
export function through(x: Tensor, { offset, shape, strides }: Window): Tensor {
  const { storage, offset: start, dtype } = viewOf(x);
  return new Tensor({ storage, offset: start + offset, shape, strides, dtype });
}

const takeRule: BackwardRule<Window> = { name: 'AsStrided', backward: (g, _, window) => [adjointOf(g, window)] };

/** The adjoint of looking through a window: elements that a window shows in several places get the sum of what these get. */
export function adjointOf(g: Tensor, window: Window): Tensor {
  const shape = window.shape.map((size, axis) => (window.strides[axis] === 0 ? Math.min(size, 1) : size));
  return putInto(null, { ...window, shape }, sumTo(g, shape));
}

function take(x: Tensor, window: Window): Tensor {
  const source = contiguous(x);
  return view(source, window.shape, window.strides, viewOf(source).offset + window.offset, takeRule, window);
}

const putRule: BackwardRule<Window> = {
  name: 'CopySlices',
  backward: (g, _, window, [wholeNeeds, valuesNeed]) => [
    wholeNeeds === true ? putInto(g, window, null) : null,
    valuesNeed === true ? take(g, window) : null,
  ],
};

/** A copy of `whole` with `values` in a window of it; zeros where one of them is null. What shares an element adds up. */
function putInto(whole: Tensor | null, window: Window, values: Tensor | null): Tensor {
  const { dtype } = (whole ?? values)!;
  const zero = filledOf([], 0, dtype);
  const out = emptyOf(window.whole, dtype);
  write(out, whole ?? zero);
  if (values !== null && isRepeated(window)) addThrough(out, window, values);
  else write(through(out, window), values ?? zero);
  return record(out, putRule, [whole ?? zero, values ?? zero], [], window);
}

/** Adds values to what a window shows of `out`, which is contiguous. */
function addThrough(out: Tensor, window: Window, values: Tensor): void {
  const positions = emptyOf([sizeOf(window.whole)], 'int32');
  storageOf(positions)
    .array('int32')
    .forEach((_, i, all) => {
      all[i] = i;
    });
  const flat = (x: Tensor): View => ({
    ...operandOf(convert(x, x.dtype)),
    shape: [sizeOf(window.shape)],
    strides: [1],
  });
  const target = { ...operandOf(out), shape: [sizeOf(window.whole)], strides: [1] };
  backend.scatter(target, flat(through(positions, window)), flat(values.detach()), 0, 'add');
}

/** Where elements are, as `View` says it. */
type Layout = Pick<View, 'shape' | 'strides' | 'offset'>;

const lookRules = new Map<string, BackwardRule<Window>>();

/** What PyTorch calls the gradient of a view: `Slice`, `Diagonal`. */
function lookRule(name: string): BackwardRule<Window> {
  let rule = lookRules.get(name);
  if (rule === undefined) {
    rule = { name, backward: takeRule.backward };
    lookRules.set(name, rule);
  }
  return rule;
}

/** A view of some of the elements of `x`: `look` says which, for any strides that a tensor of this shape may have. */
export function lookAt(x: Tensor, name: string, look: (of: Layout) => Layout): Tensor {
  const { shape: whole } = viewOf(x);
  const { shape, strides, offset } = look(viewOf(x));
  if (!recordsGradients() || !x.requiresGrad) return plainView(x, shape, strides, offset);
  const window = { whole, ...look({ shape: whole, strides: contiguousStrides(whole), offset: 0 }) };
  return view(x, shape, strides, offset, lookRule(name), window);
}

interface Part {
  readonly i: number;
  readonly g: Tensor;
}

interface Apart {
  readonly parts: Gathering<Part>;
  readonly i: number;
}

const partRules = new Map<string, BackwardRule<Apart>>();

function partRule(name: string): BackwardRule<Apart> {
  let rule = partRules.get(name);
  if (rule === undefined) {
    rule = { name, backward: (g, _, { parts, i }) => [arrive(parts, { i, g })] };
    partRules.set(name, rule);
  }
  return rule;
}

/** The gradients of parts put together: each element is written once, but where some part has none. */
function assembled(whole: Shape, dtype: DType, windows: readonly Window[], arrived: readonly Part[]): Tensor {
  if (recordsGradients()) {
    return arrived.reduce<Tensor | null>((sum, { i, g }) => putInto(sum, windows[i]!, g), null)!;
  }
  const out = emptyOf(whole, dtype);
  if (arrived.length < windows.length) write(out, filledOf([], 0, dtype));
  for (const { i, g } of arrived) write(through(out, windows[i]!), g);
  return out;
}

/** Views of parts of `x` that have nothing in common and are all there is, as `lookAt` makes one of them. Their gradients become one tensor at once. */
export function lookApart(x: Tensor, name: string, looks: readonly ((of: Layout) => Layout)[]): Tensor[] {
  if (!recordsGradients() || !x.requiresGrad || looks.length < 2) return looks.map((look) => lookAt(x, name, look));
  const { shape: whole, dtype } = viewOf(x);
  const origin = { shape: whole, strides: contiguousStrides(whole), offset: 0 };
  const windows = looks.map((look): Window => ({ whole, ...look(origin) }));
  const parts = gathering<Part>(name, [x], (arrived) => [assembled(whole, dtype, windows, arrived)]);
  return looks.map((look, i) => {
    const { storage } = viewOf(x);
    const part = new Tensor({ storage, dtype, ...look(viewOf(x)) });
    return viewed(x, record(part, partRule(name), [parts.handle], [], { parts, i }));
  });
}

/** Writes values, broadcast, outside the graph. */
export function write(to: Tensor, from: Tensor): void {
  copying.operation([from]).kernel.runInto([to], [from], [], computeType(to.dtype), null);
}

/** Refuses leaves that require a gradient, and views of them. */
export function refuseLeaf(name: string, x: Tensor): void {
  const base = baseOf(x);
  const isLeaf = (of: Tensor) => nodeOf(of) === null && of.requiresGrad;
  const isOwn = isLeaf(x);
  if (!isOwn && (base === null || !isLeaf(base))) return;
  throw new AutogradError(
    `${name}: ${isOwn ? '' : 'a view of '}a leaf that requires a gradient cannot be changed in place while recording; use noGrad`,
  );
}

/** Refuses a view through which a write could not be recorded. */
export function requireWindow(name: string, x: Tensor): void {
  requireFresh(name, [x]);
  refuseLeaf(name, x);
  const base = baseOf(x)!;
  if (isBlind(x) || !isWindow(viewOf(x), viewOf(base))) {
    throw new AutogradError(
      `${name}: this view cannot be changed in place while recording, because ${isBlind(x) ? 'it was taken within noGrad' : 'what it is a view of is not contiguous, or was given other data'}; ` +
        'use the out-of-place form, clone() it first, or use noGrad',
    );
  }
}

/** Whether all elements of a view are those of a contiguous base. */
function isWindow(x: View, base: View): boolean {
  if (x.storage !== base.storage || !isContiguous(base)) return false;
  if (sizeOf(x.shape) === 0) return true;
  const first = x.offset - base.offset;
  const last = x.shape.reduce((at, size, axis) => at + (size - 1) * x.strides[axis]!, first);
  return first >= 0 && last < sizeOf(base.shape);
}

/** Makes the base of a view what it is after `values` (null: constants) were written through the view, and the view a view of that. */
export function rebase(x: Tensor, values: Tensor | null): void {
  const base = baseOf(x)!;
  record(base, putRule, values === null ? [base] : [base, values], [], windowOf(x, base));
  countHistory(base);
  takeOver(x, base);
}

function windowOf(x: Tensor, base: Tensor): Window {
  const { shape, strides, offset } = viewOf(x);
  const { shape: whole, offset: start } = viewOf(base);
  return { whole, offset: offset - start, shape, strides };
}

/** Makes a view the result of looking at what its base is now. */
function takeOver(x: Tensor, base: Tensor): void {
  setNode(x, null);
  withGrad(true, () => record(x, takeRule, [base], [], windowOf(x, base)));
  setBase(x, base);
}

renewViews((x) => {
  const base = baseOf(x);
  if (base === null || isBlind(x) || isMarked(x) || !isWindow(viewOf(x), viewOf(base))) return false;
  takeOver(x, base);
  return true;
});
