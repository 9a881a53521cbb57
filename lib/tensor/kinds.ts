import { allAre } from '../arguments/elements.js';
import { type Kind, kind } from '../arguments/kind.js';
import { integer, oneOrList } from '../arguments/kinds.js';
import { checkDType, type DType, dtypes } from '../backend/dtype.js';
import { DTypeError, ShapeError, ValueError } from '../errors.js';
import { Generator, isGenerator } from './generator.js';
import type { Operand } from './promotion.js';
import { checkShape, isShape, LONGEST_LIST, type Shape } from './shape.js';
import { isTensor, isTensorOperand, Tensor } from './tensor.js';

// The kinds of parameters of tensor operations. Each is a row: what it is called, what is taken, and what more there is to say of what is not.

export * from '../arguments/kinds.js';

/** Which dimensions: one, several, or (null, or an empty list) all. */
export type Dims = number | readonly number[] | null;

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value) && value.length <= LONGEST_LIST;

/** Of what looks like an object of a class of ours, and has nothing of what it is. */
const explainFake = (type: new (...args: never[]) => object) => (op: string, name: string, value: unknown) => {
  if (!(value instanceof type)) return;
  throw new ValueError(
    `${op}: ${name} must be a ${type.name}, got a Proxy of one, or an object that has its prototype only; pass it itself`,
  );
};

/** A tensor. */
export const tensor: Kind<Tensor> = kind('a Tensor', (value) => isTensor(value), { explain: explainFake(Tensor) });

/** A tensor, or a number in its place. */
export const operand: Kind<Operand> = kind(
  'a Tensor or a number',
  (value): value is Operand => typeof value === 'number' || isTensorOperand(value),
  { explain: explainFake(Tensor) },
);

/** One tensor or more, in an array. */
export const tensors: Kind<readonly Tensor[]> = kind(
  'an array of tensors',
  (value): value is readonly Tensor[] => Array.isArray(value) && value.length > 0 && allAre(value, isTensor),
  {
    explain: (op, name, value) => {
      if (!Array.isArray(value)) return;
      if (value.length === 0) throw new ValueError(`${op}: ${name} must be at least one tensor, got an empty array`);
      const wrong = value.findIndex((one) => !isTensor(one));
      tensor.refuse(op, `${name}[${wrong}]`, value[wrong]);
    },
  },
);

/** A tensor, or any number of them in an array. */
export const tensorOrList: Kind<Tensor | readonly Tensor[]> = oneOrList('a Tensor or an array of tensors', tensor);

/** The name of an element type. */
export const dtype: Kind<DType> = kind(
  `one of ${Object.keys(dtypes).join(', ')}`,
  (value): value is DType => typeof value === 'string' && Object.hasOwn(dtypes, value),
  { error: DTypeError, explain: (op, _, value) => checkDType(op, value) },
);

/** Dimensions. Whether a tensor has them, `normalizeDims` says. */
export const dims: Kind<Dims> = kind(
  'a dim or an array of dims',
  (value): value is Dims => value === null || typeof value === 'number' || isList(value),
  { error: ShapeError },
);

/** A list of dimensions. Whether a tensor has them, `normalizeDim` says. */
export const dimList: Kind<readonly number[]> = kind(
  'an array of dims',
  (value): value is readonly number[] => isList(value),
  { error: ShapeError },
);

/** One dimension, or a list of them. Whether a tensor has them, `normalizeDim` says. */
export const dimOrList: Kind<number | readonly number[]> = kind(
  'a dim or an array of dims',
  (value): value is number | readonly number[] => typeof value === 'number' || isList(value),
  { error: ShapeError },
);

const isIntegers = (value: unknown): value is readonly number[] => isList(value) && allAre(value, integer.accepts);

/** A few integers. */
export const integers: Kind<readonly number[]> = kind('an array of integers', isIntegers);

/** One integer, or a few. */
export const integerOrMore: Kind<number | readonly number[]> = kind(
  'an integer or an array of integers',
  (value): value is number | readonly number[] => Number.isSafeInteger(value) || isIntegers(value),
);

/** The size of a dimension. */
export const size: Kind<number> = kind(
  'an integer, at least 0',
  (value): value is number => Number.isSafeInteger(value) && (value as number) >= 0,
  { error: ShapeError },
);

/** Sizes of which some may be -1, where an operation knows what that stands for. What fits, the operation says. */
export const sizes: Kind<Shape> = kind('an array of sizes', (value): value is Shape => isList(value), {
  error: ShapeError,
});

/** The shape of a tensor. */
export const shape: Kind<Shape> = kind('an array of sizes', isShape, {
  error: ShapeError,
  explain: (op, _, value) => checkShape(op, value),
});

/** A stream of random numbers. */
export const generator: Kind<Generator> = kind('a Generator', (value) => isGenerator(value), {
  explain: explainFake(Generator),
});

/** What there is only one way of here: other programs say which. */
export const only = <T extends number | boolean>(value: T, why: string): Kind<T, false> =>
  kind(`${value}, as ${why}; leave it out`, (given): given is T => given === value).default(value);
