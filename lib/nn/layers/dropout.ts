import { define } from '../../arguments/define.js';
import type { ArgumentsOf, FunctionOf, OptionsOf } from '../../arguments/forms.js';
import { takeNoMore } from '../../arguments/no-more.js';
import { signature } from '../../arguments/signature.js';
import { recording } from '../../backend/recording.js';
import * as e from '../../expr/index.js';
import { bernoulli_ } from '../../ops/random.js';
import { Pointwise } from '../../tensor/elementwise.js';
import { emptyLikeOf } from '../../tensor/empty.js';
import * as kinds from '../../tensor/kinds.js';
import { drawing } from '../../tensor/parameters.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';
import { pythonText } from '../text.js';

/** What all of them take. */
export const probability = {
  /** Probability of a zero. Default: 0.5. */
  p: kinds.within(0, 1).default(0.5),
};

export const inplace = {
  /** Write over the input. Default: false. */
  inplace: kinds.boolean.default(false),
};

const dropoutSignature = signature('input, /, p, training, inplace, *, generator', {
  input: kinds.tensor,
  ...probability,
  /** Whether to drop anything. Default: true. */
  training: kinds.boolean.default(true),
  ...inplace,
  ...drawing,
});

const moduleSignature = signature('p, inplace', { ...probability, ...inplace });

export interface DropoutOptions extends OptionsOf<typeof dropoutSignature> {}

export interface DropoutModuleOptions extends OptionsOf<typeof moduleSignature> {}

export const dropping = new Pointwise('dropout', (x, kept, scale) => e.mul(x, e.mul(kept, scale)));

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
export const dropout: FunctionOf<Tensor, typeof dropoutSignature, DropoutOptions> = define(
  'dropout',
  dropoutSignature,
  (x, p, training, inplace, generator) => {
    // As in PyTorch: what is certain takes nothing from the stream, and the rest is drawn in the order of the input's memory.
    if (!training || p === 0) return x;
    const kept = p === 1 ? 0 : bernoulli_(emptyLikeOf(x, 'bool'), 1 - p, { generator });
    const scale = p === 1 ? 0 : 1 / (1 - p);
    return inplace ? dropping.applyInPlace(x, [kept, scale]) : dropping.apply([x, kept, scale]);
  },
);

/** A layer that drops in training, with its probability, and in evaluation returns its input. */
export abstract class Dropping extends Module<[x: Tensor], Tensor> {
  readonly p: number;
  readonly inplace: boolean;

  constructor(...args: ArgumentsOf<typeof moduleSignature, DropoutModuleOptions>) {
    const [p, inplace] = moduleSignature.read(new.target.name, args);
    super();
    this.p = p;
    this.inplace = inplace;
  }

  override extraRepr(): string {
    return `p=${pythonText(this.p)}, inplace=${pythonText(this.inplace)}`;
  }
}

/**
 * In training, zeroes each element with probability p and divides the others by 1 - p; in evaluation returns its input.
 *
 * @throws ValueError if p is outside [0, 1]
 * @example
 * ```ts
 * const layer = new nn.Dropout(0.2);
 * layer.eval().forward(ones([2])); // tensor([1., 1.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Dropout.html
 */
export class Dropout extends Dropping {
  override forward(x: Tensor): Tensor {
    recording?.used(this);
    return dropout(x, this.p, this.training, this.inplace);
  }
}

takeNoMore(Dropout, 'forward');
