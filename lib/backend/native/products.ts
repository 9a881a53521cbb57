import type { Moves } from '../js/convolve.js';
import type { Epilogue } from '../program.js';
import { sizeOf, type View } from '../view.js';

/** What `matmul` takes. */
type Product = readonly [a: View, b: View, outputs: readonly View[], epilogue: Epilogue | null];

/** From so many channels on products of matrices take less time than windows of one element, which are the same sums. */
const FEWEST_CHANNELS = 17;

/** A convolution whose windows have one element as a product for each sample; null where it is none, or slower as one. */
export function asProduct(
  input: View,
  weight: View,
  outputs: readonly View[],
  { stride, before }: Moves,
  epilogue: Epilogue | null,
): Product | null {
  const [rows = 0, channels = 0, ...kernel] = weight.shape;
  const isOneElement = kernel.every((size, axis) => size === 1 && stride[axis] === 1 && before[axis] === 0);
  if (!isOneElement || channels < FEWEST_CHANNELS || channels !== input.shape[1]) return null;
  // Beyond the input there are zeros.
  if (kernel.some((_, axis) => input.shape[axis + 2] !== outputs[0]!.shape[axis + 2])) return null;
  if (sizeOf(outputs[0]!.shape) === 0) return null;
  const places = sizeOf(outputs[0]!.shape.slice(2));
  const along = (view: View) => withOnePlace(view, kernel.length, places);
  const from = along(input);
  const to = outputs.map(along);
  const inputs = epilogue?.inputs.map(along) ?? [];
  if (from === null || !areViews(to) || !areViews(inputs)) return null;
  const factor: View = {
    ...weight,
    shape: [input.shape[0]!, rows, channels],
    strides: [0, weight.strides[0]!, weight.strides[1]!],
  };
  return [factor, from, to, epilogue && { ...epilogue, inputs }];
}

const areViews = (views: readonly (View | null)[]): views is readonly View[] => !views.includes(null);

/** A view whose last `axes` axes, of as many places or none, are one; null where elements do not lie at one distance from each other. */
function withOnePlace(view: View, axes: number, places: number): View | null {
  const { shape, strides } = view;
  const first = Math.max(shape.length - axes, 0);
  let [count, step] = [1, 0];
  for (let axis = shape.length - 1; axis >= first; axis--) {
    if (shape[axis] === 1) continue;
    if (count > 1 && strides[axis] !== count * step) return null;
    if (count === 1) step = strides[axis]!;
    count *= shape[axis]!;
  }
  if (count !== 1 && count !== places) return null;
  return { ...view, shape: [...shape.slice(0, first), count], strides: [...strides.slice(0, first), step] };
}
