import { isBool, isFloat, isInteger } from '../backend/dtype.js';
import type { DType } from '../backend/index.js';
import type { Expr } from '../expr/index.js';
import { isComparison, type Nest } from './nest.js';

/** Whether a nest may find that a value does not fit the int32 it is stored as. */
export function mayMisfit({ inputs, outputs, roots }: Nest): boolean {
  const types = inputs.map(({ view }) => view?.dtype);
  return outputs.some(({ dtype }, i) => isInteger(dtype) && !fits(roots[i]!, types));
}

const isKnown = (dtype: DType | undefined, is: (dtype: DType) => boolean): boolean => dtype !== undefined && is(dtype);

/** What is one of its operands, or as small. */
const CHOICES: readonly string[] = ['copy', 'expand', 'min', 'max', 'relu', 'detach', 'fold:min', 'fold:max'];

/** Whether an expression is surely an int32: indices, truth values and how many there are, and integers as they came. */
function fits(x: Expr, inputs: readonly (DType | undefined)[]): boolean {
  if (x.op === 'input') return isKnown(inputs[x.value], (dtype) => !isFloat(dtype));
  if (x.op === 'fold:argmin' || x.op === 'fold:argmax') return true;
  if (x.op === 'where') return fits(x.args[1]!, inputs) && fits(x.args[2]!, inputs);
  if (x.op === 'fold:sum') return isTruth(x.args[0]!, inputs);
  return isComparison(x) || (CHOICES.includes(x.op) && x.args.every((arg) => fits(arg, inputs)));
}

/** 0 or 1: there are never so many that int32 does not hold their number. */
const isTruth = (x: Expr, inputs: readonly (DType | undefined)[]): boolean =>
  isComparison(x) || (x.op === 'input' && isKnown(inputs[x.value], isBool));
