import type { Choices } from './choices.js';

/** Lengths around blocks, vectors and their tails, the simplest first. */
export const LENGTHS = [2, 3, 1, 7, 8, 9, 15, 16, 17, 33, 100, 257, 1025, 0];

/** What a float tensor starts as; `special` has zeros, infinities and NaN. */
const FLOATS = ['randn', 'rand', 'special'] as const;

const MOST_ELEMENTS = 40_000;

/** A shape of up to three dimensions, mostly two; some above 16 KiB, some empty, some without dimensions. */
export function shapeOf(choose: Choices, most = MOST_ELEMENTS): number[] {
  const ndim = choose.of([2, 2, 1, 2, 2, 1, 3, 2, 0]);
  if (ndim === 2 && choose.oneIn(6) && most >= 10_000) return [100, 100];
  const shape: number[] = [];
  for (let i = 0; i < ndim; i++) {
    const length = choose.of(LENGTHS);
    const size = shape.reduce((product, n) => product * n, length);
    shape.push(size > most ? 2 : length);
  }
  return shape;
}

export const show = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

/** Code for float values of a shape. */
export function floatsOf(shape: readonly number[], choose: Choices, special = true): string {
  const kind = choose.of(special ? FLOATS : FLOATS.slice(0, 2));
  if (kind !== 'special' || !choose.oneIn(3))
    return `randn(${show(shape)})`.replace('randn', kind === 'rand' ? 'rand' : 'randn');
  return choose.of([
    `randint(-2, 3, ${show(shape)}).float().reciprocal()`,
    `randint(-1, 3, ${show(shape)}).float().log()`,
  ]);
}

/** Code for a tensor of a shape, of any element type, with strides of its own. */
export function tensorOf(shape: readonly number[], choose: Choices, special = true): string {
  const layout = choose.of([
    'plain',
    'plain',
    'plain',
    'transposed',
    'narrowed',
    'stepped',
    'double',
    'int32',
    'bool',
    'expanded',
  ] as const);
  const last = shape.length - 1;
  switch (layout) {
    case 'plain':
      return floatsOf(shape, choose, special);
    case 'transposed':
      return shape.length < 2
        ? floatsOf(shape, choose)
        : `${floatsOf(swapped(shape), choose, special)}.transpose(-1, -2)`;
    case 'narrowed':
      return last < 0
        ? 'randn([3]).select(0, 1)'
        : `${floatsOf(shape.with(last, shape[last]! + 3), choose, special)}.narrow(${last}, 1, ${shape[last]})`;
    case 'stepped':
      return last < 0
        ? 'randn([])'
        : `${floatsOf(shape.with(0, shape[0]! * 2), choose, special)}.slice(0, 0, ${shape[0]! * 2}, 2)`;
    case 'double':
      return `randn(${show(shape)}, { dtype: 'float64' })`;
    case 'int32':
      return `randint(-3, 4, ${show(shape)})`;
    case 'bool':
      return `randint(0, 2, ${show(shape)}).bool()`;
    case 'expanded':
      return last < 0 ? 'rand([])' : `${floatsOf(shape.with(0, 1), choose, special)}.expand(${show(shape)})`;
  }
}

const swapped = (shape: readonly number[]): number[] => [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!];

export const numberOf = (choose: Choices): string =>
  choose.of(['2', '0.5', '1', '-1', '3', '0.1', '0', '1.7', '-0.3', '1e-3']);
