import { DEFAULT_FLOAT, type DType, dtypes, isBool, isFloat } from '../backend/dtype.js';
import { contiguousStrides, sizeOf } from '../backend/view.js';

/*
 * Tensors as PyTorch prints them, character for character, with its default options. int32 stands for PyTorch's int64, and is
 * therefore the integer type that needs no mention.
 */
const PRECISION = 4;
const THRESHOLD = 1000;
const EDGE_ITEMS = 3;
const LINE_WIDTH = 80;
const PREFIX = 'tensor(';

/** What a tensor's text says about its place in the graph. */
export interface GraphInfo {
  readonly requiresGrad?: boolean;
  /** Name of the node that made the tensor, such as `AddBackward0`; it is printed instead of `requires_grad`. */
  readonly gradFn?: string | undefined;
}

/** The text of a tensor whose elements are `values`, in row-major order; bools are 0 or 1. */
export function formatTensor(
  values: ArrayLike<number>,
  shape: readonly number[],
  dtype: DType,
  graph: GraphInfo = {},
): string {
  const body = sizeOf(shape) === 0 ? '[]' : formatElements(values, shape, dtype);
  return addSuffixes(PREFIX + body, suffixes(shape, dtype, graph));
}

/** Writes one element, padded to `width`, which all of them share. */
interface ElementFormat {
  readonly width: number;
  readonly write: (value: number) => string;
}

function formatElements(values: ArrayLike<number>, shape: readonly number[], dtype: DType): string {
  const strides = contiguousStrides(shape);
  const rows = shape.map((size) => shownIndices(size, sizeOf(shape) > THRESHOLD));
  const format = chooseFormat([...shownValues(values, rows, strides)], dtype);
  return textAt(0, 0);

  function textAt(axis: number, offset: number): string {
    if (axis === shape.length) return format.write(values[offset]!);
    const last = axis === shape.length - 1;
    const parts = rows[axis]!.map((i) =>
      i === GAP ? (last ? ' ...' : '...') : textAt(axis + 1, offset + i * strides[axis]!),
    );
    const indent = PREFIX.length + axis + 1;
    if (last) return `[${wrap(parts, format.width, indent)}]`;
    return `[${parts.join(`,${'\n'.repeat(shape.length - 1 - axis)}${' '.repeat(indent)}`)}]`;
  }
}

const GAP = -1;

/** Indices along one axis that are printed; GAP where many are left out. */
function shownIndices(size: number, summarize: boolean): number[] {
  if (!summarize || size <= 2 * EDGE_ITEMS) return Array.from({ length: size }, (_, i) => i);
  const edge = Array.from({ length: EDGE_ITEMS }, (_, i) => i);
  return [...edge, GAP, ...edge.map((i) => size - EDGE_ITEMS + i)];
}

function* shownValues(
  values: ArrayLike<number>,
  rows: readonly (readonly number[])[],
  strides: readonly number[],
  axis = 0,
  offset = 0,
): Generator<number> {
  if (axis === rows.length) yield values[offset]!;
  else {
    for (const i of rows[axis]!) {
      if (i !== GAP) yield* shownValues(values, rows, strides, axis + 1, offset + i * strides[axis]!);
    }
  }
}

/** The elements of one row, over as many lines as they need; `indent` is where its first element stands. */
function wrap(parts: readonly string[], width: number, indent: number): string {
  const perLine = Math.max(1, Math.floor((LINE_WIDTH - indent + 1) / (width + 2)));
  const lines: string[] = [];
  for (let i = 0; i < parts.length; i += perLine) lines.push(parts.slice(i, i + perLine).join(', '));
  return lines.join(`,\n${' '.repeat(indent)}`);
}

/** Floats print as integers with a point if all are, in scientific notation if their sizes differ much or are extreme. */
function chooseFormat(values: readonly number[], dtype: DType): ElementFormat {
  if (!isFloat(dtype)) return padded(isBool(dtype) ? boolText : String, values);
  const significant = values.filter((value) => value !== 0 && Number.isFinite(value));
  if (significant.length === 0) return padded(integerText, []);
  const sizes = significant.map(Math.abs);
  const largest = sizes.reduce((a, b) => Math.max(a, b));
  const smallest = sizes.reduce((a, b) => Math.min(a, b));
  if (largest / smallest > 1000 || largest > 1e8 || smallest < 1e-4) return padded(scientificText, significant);
  return padded(significant.every(Number.isInteger) ? integerText : fixedText, significant);
}

/** `write` padded to the longest text of `measured`. */
function padded(write: (value: number) => string, measured: readonly number[]): ElementFormat {
  const width = measured.reduce((longest, value) => Math.max(longest, write(value).length), 1);
  return { width, write: (value) => write(value).padStart(width) };
}

const boolText = (value: number): string => (value === 0 ? 'False' : 'True');

const integerText = (value: number): string => finite(value, (size) => `${size}.`);

const fixedText = (value: number): string =>
  finite(value, (size) => roundHalfEven(PRECISION, (digits) => size.toFixed(digits)));

/** Python writes at least two digits of exponent. */
const scientificText = (value: number): string =>
  finite(value, (size) =>
    roundHalfEven(PRECISION, (digits) => size.toExponential(digits)).replace(/e([+-])(\d)$/, 'e$10$2'),
  );

function finite(value: number, write: (size: number) => string): string {
  if (Number.isNaN(value)) return 'nan';
  const size = Math.abs(value);
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  return sign + (size === Number.POSITIVE_INFINITY ? 'inf' : write(size));
}

/** Digits after the point that JavaScript can be asked for; a tie shows within them. */
const MAX_DIGITS = 100;

/** JavaScript rounds a tie away from zero, Python to the even digit. `write` gives any number of digits after the point. */
function roundHalfEven(digits: number, write: (digits: number) => string): string {
  const [, kept, exponent] = /^([\d.]*)5(e.*)?$/.exec(write(digits + 1)) ?? [];
  const tie = kept !== undefined && /^50*$/.test(write(MAX_DIGITS).replace(/e.*/, '').slice(kept.length));
  return tie && Number(kept.at(-1)) % 2 === 0 ? kept + (exponent ?? '') : write(digits);
}

function suffixes(shape: readonly number[], dtype: DType, { requiresGrad, gradFn }: GraphInfo): string[] {
  const empty = sizeOf(shape) === 0;
  const parts: string[] = [];
  if (empty && shape.length !== 1) parts.push(`size=(${shape.join(', ')})`);
  // The text shows whether elements are floats, integers or bools; where there are none, floats are taken for granted.
  const isImplied = dtype === DEFAULT_FLOAT || (!empty && !isFloat(dtype));
  if (!isImplied) {
    parts.push(`dtype=torch.${dtypes[dtype].torch}`);
  }
  if (gradFn !== undefined) parts.push(`grad_fn=<${gradFn}>`);
  else if (requiresGrad) parts.push('requires_grad=True');
  return parts;
}

/** A suffix that would pass the line's end starts a new line. PyTorch counts a line one or two columns longer than it is. */
function addSuffixes(text: string, parts: readonly string[]): string {
  let result = text;
  let column = text.length - text.lastIndexOf('\n') + 1;
  for (const part of parts) {
    if (column + part.length + 2 > LINE_WIDTH) {
      result += `,\n${' '.repeat(PREFIX.length)}${part}`;
      column = PREFIX.length + part.length;
    } else {
      result += `, ${part}`;
      column += part.length + 2;
    }
  }
  return `${result})`;
}
