import { recording } from '../../backend/recording.js';
import { describe } from '../../describe.js';
import { ValueError } from '../../errors.js';
import * as e from '../../expr/index.js';
import { empty } from '../../ops/creation.js';
import { bernoulli_, type DrawOptions } from '../../ops/random.js';
import { checkBoolean, checkOptions } from '../../options.js';
import { checkTensor } from '../../tensor/arguments.js';
import { Pointwise } from '../../tensor/elementwise.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';
import { pythonText } from '../text.js';

export interface DropoutOptions extends DrawOptions {
  /** Probability of a zero. Default: 0.5. */
  p?: number;
  /** Whether to drop anything. Default: true. */
  training?: boolean;
  /** Write over the input. Default: false. */
  inplace?: boolean;
}

const dropping = new Pointwise('dropout', (x, kept, scale) => e.mul(x, e.mul(kept, scale)));

function checkProbability(op: string, p: unknown): void {
  if (!(typeof p === 'number' && p >= 0 && p <= 1))
    throw new ValueError(`${op}: p must be in [0, 1], got ${describe(p)}`);
}

/**
 * Zeroes each element with probability p and divides the others by 1 - p, so that the mean stays.
 *
 * @throws ValueError if p is outside [0, 1]
 * @example
 * ```ts
 * const y = nn.functional.dropout(ones([1000]), { p: 0.5 });
 * y.eq(0).logicalOr(y.eq(2)).all(); // tensor(True)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.dropout.html
 */
export function dropout(x: Tensor, options: DropoutOptions = {}): Tensor {
  checkOptions('dropout', options, ['p', 'training', 'inplace', 'generator']);
  const { p = 0.5, training = true, inplace = false, generator } = options;
  checkTensor('dropout', 'the input', x);
  checkProbability('dropout', p);
  checkBoolean('dropout', 'training', training);
  checkBoolean('dropout', 'inplace', inplace);
  if (!training || (p === 0 && !inplace)) return x;
  const kept = bernoulli_(empty(shapeOf(x), { dtype: 'bool' }), 1 - p, generator === undefined ? {} : { generator });
  const scale = p === 1 ? 0 : 1 / (1 - p);
  return inplace ? dropping.applyInPlace(x, [kept, scale]) : dropping.apply([x, kept, scale]);
}

/**
 * In training, zeroes each element with probability p and divides the others by 1 - p; in evaluation returns its input.
 *
 * @param p probability of a zero. Default: 0.5
 * @throws ValueError if p is outside [0, 1]
 * @example
 * ```ts
 * const layer = new nn.Dropout(0.2);
 * layer.eval().forward(ones([2])); // tensor([1., 1.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Dropout.html
 */
export class Dropout extends Module<[x: Tensor], Tensor> {
  readonly p: number;
  readonly inplace: boolean;

  constructor(p = 0.5, options: Pick<DropoutOptions, 'inplace'> = {}) {
    super();
    checkOptions('Dropout', options, ['inplace']);
    checkProbability('Dropout', p);
    const { inplace = false } = options;
    checkBoolean('Dropout', 'inplace', inplace);
    this.p = p;
    this.inplace = inplace;
  }

  override forward(x: Tensor): Tensor {
    recording?.used(this);
    return dropout(x, { p: this.p, training: this.training, inplace: this.inplace });
  }

  override extraRepr(): string {
    return `p=${pythonText(this.p)}, inplace=${pythonText(this.inplace)}`;
  }
}
