import { isInteger } from '../../backend/dtype.js';
import { DTypeError, ValueError } from '../../errors.js';
import * as e from '../../expr/index.js';
import { refuseIf } from '../../tensor/check.js';
import { Formula } from '../../tensor/formula.js';
import { allAxes } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';

const outside = new Formula('classTargets', (target, classes) =>
  e.rowSum(e.or(e.lt(target, 0), e.ge(target, classes))),
);

/** Refuses targets that are no classes, from `least` on. */
export function checkClasses(op: string, target: Tensor, classes: number, least = 0): void {
  if (!isInteger(target.dtype)) {
    throw new DTypeError(`${op}: class indices must be int32, got ${target.dtype}; convert with .int()`);
  }
  const shape = shapeOf(target);
  const frame = { shape, axes: allAxes(shape.length), keepdim: false };
  refuseIf(
    outside.call([target.sub(least), classes - least], 'float64', 'float64', frame),
    () => new ValueError(`${op}: a target is out of range for ${classes} classes`),
  );
}
