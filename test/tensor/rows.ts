import { DTypeError, full, type Tensor } from '../../lib/index.js';
import * as arithmetic from '../../lib/ops/arithmetic.js';
import * as bitwise from '../../lib/ops/bitwise.js';
import * as comparison from '../../lib/ops/comparison.js';
import * as pointwise from '../../lib/ops/pointwise.js';
import * as special from '../../lib/ops/special.js';
import * as specialFunctions from '../../lib/ops/special-functions.js';
import { pointwiseOf } from '../../lib/tensor/elementwise.js';

export type Call = (...operands: (Tensor | number)[]) => Tensor;

/** A function of one or two operands, element by element. */
export interface Row {
  readonly name: string;
  readonly call: Call;
  /** What to call it with: integers where it refuses floats. */
  readonly dtype: 'float64' | 'int32';
}

/** Functions that are not the bare operation: they have options, or look at types. */
const OTHERS: Readonly<Record<string, number>> = {
  add: 2,
  sub: 2,
  div: 2,
  pow: 2,
  rsub: 2,
  nextafter: 2,
  isclose: 2,
  positive: 1,
  nanToNum: 1,
  isreal: 1,
  logit: 1,
  bitwiseNot: 1,
};

// The same function may have other names, too.
const functions = new Map<unknown, string>();
for (const module of [pointwise, arithmetic, comparison, bitwise, specialFunctions, special]) {
  for (const [name, fn] of Object.entries(module)) if (!functions.has(fn)) functions.set(fn, name);
}
const exported = [...functions].map(([fn, name]) => [name, fn]) as [name: string, call: Call][];

function dtypeOf(call: Call, operands: number): 'float64' | 'int32' {
  try {
    call(...Array.from({ length: operands }, () => full([1], 1, { dtype: 'float64' })));
    return 'float64';
  } catch (error) {
    if (error instanceof DTypeError) return 'int32';
    throw error;
  }
}

const rowsOf = (operands: number): Row[] =>
  exported
    .filter(([name, fn]) => (pointwiseOf(fn)?.arity ?? OTHERS[name]) === operands)
    .map(([name, call]) => ({ name, call, dtype: dtypeOf(call, operands) }));

/** Every such function that the library exports. */
export const unary = rowsOf(1);
export const binary = rowsOf(2);
