import { isBool, isFloat } from '../backend/dtype.js';
import { describe } from '../describe.js';
import { DTypeError } from '../errors.js';
import { Expr } from '../expr/index.js';
import type { Operand } from '../tensor/elementwise.js';
import { commonType } from '../tensor/promotion.js';

/** A factor for these operands, `alpha` or another: an integer for integers; for bools, where a sum is an or, 0 or 1. */
export function fittedFactor(op: string, name: string, value: number, operands: readonly (Operand | Expr)[]): number {
  if (value === 1 || operands.some((operand) => operand instanceof Expr)) return value;
  const dtype = commonType(operands as readonly Operand[]);
  if (isFloat(dtype)) return value;
  if (Number.isInteger(value)) return isBool(dtype) ? Number(value !== 0) : value;
  throw new DTypeError(`${op}: ${name} must be an integer for ${dtype} operands, got ${describe(value)}; use .float()`);
}
