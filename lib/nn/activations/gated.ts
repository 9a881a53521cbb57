import { define } from '../../arguments/define.js';
import type { ArgumentsOf, NamedOf, OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import { ShapeError } from '../../errors.js';
import type { Expr } from '../../expr/index.js';
import * as e from '../../expr/index.js';
import { narrow } from '../../ops/views.js';
import { Pointwise } from '../../tensor/elementwise.js';
import * as kinds from '../../tensor/kinds.js';
import { normalizeDim, show } from '../../tensor/shape.js';
import { shapeOf } from '../../tensor/tensor.js';
import { onInput } from '../operands.js';
import { Activation, type ActivationFunction } from './activation.js';

const gluSignature = signature('dim', {
  /** The dimension that is halved. Default: -1. */
  dim: kinds.dim.default(-1),
});

export interface GLUOptions extends OptionsOf<typeof gluSignature> {}

const gating = new Pointwise('glu', (a, b: Expr) => e.mul(a, e.sigmoid(b)), { takes: 'floats' });

/**
 * a σ(b), where a and b are the two halves of x along `dim`.
 *
 * @throws ShapeError if that dimension has no halves
 * @example
 * ```ts
 * nn.functional.glu(tensor([1, 2, 0, 100])); // tensor([0.5000, 2.0000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.glu.html
 */
export const glu: ActivationFunction<typeof gluSignature, GLUOptions> = define(
  'glu',
  onInput(gluSignature),
  (x, dim) => {
    if (x.ndim === 0) throw new ShapeError('glu: a 0-d tensor has no halves');
    const axis = normalizeDim('glu', dim, x.ndim);
    const size = shapeOf(x)[axis]!;
    if (size % 2 !== 0) throw new ShapeError(`glu: dim ${axis} of ${show(x.shape)} has no halves, being odd`);
    return gating.apply([narrow(x, axis, 0, size / 2), narrow(x, axis, size / 2, size / 2)]);
  },
);

/**
 * a σ(b), where a and b are the two halves of x along `dim`.
 *
 * @throws ShapeError, when called, if that dimension has no halves
 * @example
 * ```ts
 * new nn.GLU().forward(tensor([1, 2, 0, 100])); // tensor([0.5000, 2.0000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.GLU.html
 * @see https://arxiv.org/abs/1612.08083
 */
export class GLU extends Activation<NamedOf<typeof gluSignature>> {
  constructor(...args: ArgumentsOf<typeof gluSignature, GLUOptions>) {
    super(glu, gluSignature.named('GLU', args));
  }

  override extraRepr(): string {
    return `dim=${this.options.dim}`;
  }
}
