import type { FunctionOf, OptionsOf } from '../../arguments/forms.js';
import { takeNoMore } from '../../arguments/no-more.js';
import { signature } from '../../arguments/signature.js';
import { isInteger } from '../../backend/dtype.js';
import { recording } from '../../backend/recording.js';
import { ValueError } from '../../errors.js';
import type { Expr } from '../../expr/index.js';
import type { Pointwise } from '../../tensor/elementwise.js';
import type { Operands } from '../../tensor/formula.js';
import * as kinds from '../../tensor/kinds.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';
import type { OnInput } from '../operands.js';
import { pythonText } from '../text.js';

// What the rows of this folder are made of: each file declares functions and, beside them, the modules that call them.

/** The function of an activation with the parameters `S`. */
export type ActivationFunction<S, O> = FunctionOf<Tensor, OnInput<S>, O>;

/** What an activation has that can write over its input. */
export const inplace = {
  /** Write over the input. Default: false. */
  inplace: kinds.boolean.default(false),
};

export const inplaceSignature = signature('inplace', inplace);

export interface InplaceOptions extends OptionsOf<typeof inplaceSignature> {}

/** Activations of integers are float32. */
export const float = { result: 'float' } as const;

/** Runs an activation with its numbers, over its input if it is to. */
export const run = <R extends Expr[]>(
  operation: Pointwise<R>,
  inplace: boolean,
  x: Tensor,
  ...rest: Operands<R>
): Tensor => (inplace ? operation.applyInPlace(x, rest) : operation.apply([x, ...rest]));

/** A number beside a tensor: of integers, an integer, as PyTorch takes it. */
export const numberBeside = (x: Tensor, value: number): number => (isInteger(x.dtype) ? Math.trunc(value) : value);

/** An activation function as a module, with the options that it is called with. */
export abstract class Activation<O extends object> extends Module<[x: Tensor], Tensor> {
  readonly options: Readonly<O>;
  private readonly call: (x: Tensor, options: O | boolean) => Tensor;
  /** Most have but the one option, which by position is taken twice as fast as by name. */
  private readonly isPlain: boolean;

  constructor(call: (x: Tensor, options: O) => Tensor, options: O) {
    super();
    this.call = call as (x: Tensor, options: O | boolean) => Tensor;
    this.options = options;
    this.isPlain = Object.keys(options).length === 1 && 'inplace' in options;
  }

  override forward(x: Tensor): Tensor {
    recording?.used(this);
    const { options } = this;
    return this.call(x, this.isPlain ? (Reflect.get(options, 'inplace') as boolean) : options);
  }

  /** As PyTorch shows them: snake case, floats with a point, `inplace` only where it is true. */
  override extraRepr(): string {
    const shown = Object.entries(this.options).filter(([name, value]) => name !== 'inplace' || value === true);
    return shown.map(([name, value]) => `${snakeCase(name)}=${pythonText(value)}`).join(', ');
  }
}

const snakeCase = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** The same of a function that has no options. */
export abstract class BareActivation extends Module<[x: Tensor], Tensor> {
  private readonly call: (x: Tensor) => Tensor;

  /** @param given arguments of the constructor, which has none */
  constructor(call: (x: Tensor) => Tensor, given: readonly unknown[]) {
    if (given.length > 0) throw new ValueError(`${new.target.name}: expected no arguments, got ${given.length}`);
    super();
    this.call = call;
  }

  override forward(x: Tensor): Tensor {
    return this.call(x);
  }
}

takeNoMore(Activation, 'forward');
takeNoMore(BareActivation, 'forward');
