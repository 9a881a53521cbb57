import type { Expr } from '../expr/index.js';
import * as e from '../expr/index.js';
import type { Shape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Full } from './groups.js';

/** Options with the rate as the number that it is. */
export type Plain<O> = { [K in keyof Full<O>]: K extends 'lr' ? number : Full<O>[K] };

/** Options without the rate: all that decides a formula. */
export type Formal<O> = Omit<Full<O>, 'lr'>;

/** A tensor that an optimizer keeps per parameter, of its type. */
export interface StateEntry<O, F extends string = string> {
  /** The flag that asks for it; null for what there is always. */
  readonly needs: F | null;
  /** Its shape, where that is not the parameter's; null for a parameter that has no such state. */
  shape?(of: Shape): Shape | null;
  /** What fills it when it is made, in the first step that needs it. */
  initial(options: Plain<O>): number;
}

/** Numbers by name. */
export type Numbers<N extends string = string> = Record<N, number>;

/** What of the options decides which formula an update is, rather than with which numbers. */
export type Flags = Readonly<Record<string, boolean | number | string | null>>;

/** Values of a parameter in an expression: its own, its gradient's, those of its state. */
export type Values<S extends string = string> = Readonly<Record<'parameter' | 'gradient' | S, Expr>>;

/** What an update by tensor operations reads and writes: of the state, what the parameter has. */
export type Operands<S extends string = string> = Readonly<Record<'parameter' | 'gradient', Tensor>> &
  Readonly<Partial<Record<S, Tensor>>>;

/** What of a signature is needed where its parameters are not known. */
export interface Takes {
  readonly names: readonly string[];
  readonly options: readonly string[];
  read(op: string, args: readonly unknown[]): readonly unknown[];
  checkValues(op: () => string, values: object): void;
}

/** What a rule keeps per parameter. */
export interface Kept {
  /** What JavaScript counts per parameter, and the first values. `step` is counted by the optimizer. */
  readonly counters: Readonly<Numbers>;
  readonly state: Readonly<Record<string, Pick<StateEntry<object>, 'needs' | 'shape'>>>;
  /** Refuses what is no state of a parameter, where that is more than counters and tensors. */
  checkState?(where: string, state: object, parameter: Tensor): void;
  /** A state as it is kept, of one that has tensors in place of lists, as files have. */
  unpack?(state: object): object;
}

/**
 * What is particular to an optimizer: all that a paper says of one. The update is made of expressions, where it treats each element by
 * itself, or of tensor operations; an optimizer without either has steps of its own.
 *
 * @template O its options
 */
export interface Rule<O extends object> extends Kept {
  readonly name: string;
  /** What it is constructed with: parameters, then options. */
  readonly takes: Takes;
  /** What is wrong with options that each by itself could be used; null if nothing is. */
  refuse?(options: Formal<O>): string | null;
  /** What is wrong with parameters of a shape; null if nothing is. */
  misfit?(shape: Shape): string | null;
  /** First values of counters that follow from the options of the first step. */
  begin?(options: Plain<O>): Partial<Numbers>;
  readonly state: Readonly<Record<string, StateEntry<O>>>;
  flags(options: Formal<O>): Flags;
  /**
   * The numbers of a step, which updates read: computed once a step, in double precision.
   *
   * @param counters those of the parameter, `step` being 1 in the first step; others may be changed
   * @param isFirst whether something of the state is made in this step
   */
  numbers(options: Plain<O>, counters: Numbers, isFirst: boolean): Numbers;
  /** What a parameter and its state become. */
  update?(values: Values, numbers: Readonly<Record<string, Expr>>, flags: Flags): Readonly<Record<string, Expr>>;
  /** Changes a parameter and its state in place; the gradient stays as it is. */
  change?(operands: Operands, numbers: Readonly<Record<string, Tensor>>, flags: Flags): void;
}

/** A rule with the names of its parts. */
interface TypedRule<O extends object, C extends string, S extends string, F extends Flags, N extends string>
  extends Omit<Rule<O>, 'counters' | 'begin' | 'state' | 'flags' | 'numbers' | 'update' | 'change'> {
  readonly counters: Readonly<Numbers<C>>;
  begin?(options: Plain<O>): Partial<Numbers<NoInfer<C>>>;
  readonly state: Readonly<Record<S, StateEntry<O, keyof NoInfer<F> & string>>>;
  flags(options: Formal<O>): F;
  numbers(options: Plain<O>, counters: Numbers<C>, isFirst: boolean): Numbers<N>;
  update?(
    values: Values<S>,
    numbers: Readonly<Record<N, Expr>>,
    flags: F,
  ): { parameter: Expr } & Partial<Record<S, Expr>>;
  change?(operands: Operands<S>, numbers: Readonly<Record<N, Tensor>>, flags: F): void;
}

/** Makes a rule of its parts, whose names are checked against each other. Called as `rule<Options>()({ … })`. */
export const rule =
  <O extends object>() =>
  <C extends string, S extends string, F extends Flags, N extends string>(parts: TypedRule<O, C, S, F, N>): Rule<O> =>
    parts as Rule<O>;

/** The counters of a parameter before its first step. */
export const begun = <O extends object>(rule: Rule<O>, options: Plain<O>): Numbers =>
  ({ ...rule.counters, ...rule.begin?.(options) }) as Numbers;

/** The shape of a state of a parameter; null if the parameter has no such state. */
export const shapeIn = (entry: Pick<StateEntry<object>, 'shape'>, of: Shape): Shape | null =>
  entry.shape === undefined ? of : entry.shape(of);

/** A state that starts as zeros: always there, or where a flag asks for it. */
export const zeros = <F extends string = never>(needs: F | null = null): StateEntry<unknown, F> => ({
  needs,
  initial: () => 0,
});

/** The flags of what nearly every optimizer can do. */
export const commonFlags = ({ weightDecay, maximize }: { weightDecay: number; maximize: boolean }) => ({
  decays: weightDecay !== 0,
  maximize,
});

/** What to descend along: the gradient, or where it is to go up its negative, with an L2 penalty. */
export function slope(
  { parameter, gradient }: Values<never>,
  weightDecay: Expr,
  flags: Readonly<Record<'decays' | 'maximize', boolean>>,
): Expr {
  const along = flags.maximize ? e.neg(gradient) : gradient;
  return flags.decays ? e.add(along, e.mul(weightDecay, parameter)) : along;
}

/** The flags of an optimizer whose weight decay may be decoupled. */
export const decayFlags = (options: { weightDecay: number; maximize: boolean }, isDecoupled: boolean) => ({
  decays: options.weightDecay !== 0 && !isDecoupled,
  shrinks: options.weightDecay !== 0 && isDecoupled,
  maximize: options.maximize,
});

/** The parameter, shrunk by a decoupled decay, and what to descend along. */
export function decayed(
  values: Values<never>,
  { weightDecay, kept }: Readonly<Record<'weightDecay' | 'kept', Expr>>,
  flags: Readonly<Record<'decays' | 'shrinks' | 'maximize', boolean>>,
): { parameter: Expr; gradient: Expr } {
  const { parameter } = values;
  return {
    parameter: flags.shrinks ? e.mul(parameter, kept) : parameter,
    gradient: slope(values, weightDecay, flags),
  };
}

/** `start` on its way to `end`, as PyTorch's `lerp`: from whichever is nearer, so that a weight of 1 gives `end` itself. */
export const lerp = (start: Expr, end: Expr, weight: Expr, rest: Expr, isNearEnd: boolean): Expr =>
  isNearEnd ? e.sub(end, e.mul(e.sub(end, start), rest)) : e.add(start, e.mul(weight, e.sub(end, start)));
