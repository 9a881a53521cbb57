import type { Kind } from './kind.js';
import type { Labelled } from './labels.js';
import type { Signature } from './signature.js';

// What TypeScript makes of the text and the kinds of a signature.

type Names = readonly string[];

type Trim<T extends string> = T extends ` ${infer Rest}` ? Trim<Rest> : T;
type Split<T extends string> = T extends `${infer Head},${infer Rest}` ? [Trim<Head>, ...Split<Rest>] : [Trim<T>];

/** What stands in a text before a mark, and what after it. */
type Before<Mark extends string, N extends Names> = N extends readonly [
  infer H extends string,
  ...infer T extends Names,
]
  ? H extends Mark
    ? []
    : [H, ...Before<Mark, T>]
  : [];
type After<Mark extends string, N extends Names> = N extends readonly [infer H extends string, ...infer T extends Names]
  ? H extends Mark
    ? T
    : After<Mark, T>
  : [];

/** Names without the marks. */
type Unmarked<N extends Names> = N extends readonly [infer H extends string, ...infer T extends Names]
  ? H extends '/' | '*' | ''
    ? Unmarked<T>
    : [H, ...Unmarked<T>]
  : [];

type NamesIn<T extends string> = Unmarked<Split<T>>;
/** What is given by position only, what either way, and what by name only. */
type Operands<T extends string> =
  Split<T> extends infer N extends Names ? ('/' extends N[number] ? Before<'/', N> : []) : [];
type Either<T extends string> =
  Split<T> extends infer N extends Names ? Unmarked<Before<'*', '/' extends N[number] ? After<'/', N> : N>> : [];
type ByName<T extends string> = After<'*', Split<T>>;

type AnyKind = Kind<unknown, boolean>;

/** A kind for every name. */
export type KindsOf<T extends string> = Readonly<Record<NamesIn<T>[number], AnyKind>>;

/** What no kind is: those whose names are not in the text. */
export type Nameless<T extends string, K> = Readonly<Record<Exclude<keyof K, NamesIn<T>[number]>, never>>;

/** What a parameter of a kind takes. */
export type ValueOf<K> = K extends { readonly type: infer T } ? T : never;

/** The values of a call, in the order of the parameters. */
export type Values<T extends string, K> = ValuesOf<NamesIn<T>, K>;
type ValuesOf<N extends Names, K> = { [I in keyof N]: N[I] extends keyof K ? ValueOf<K[N[I]]> : never };

/** The values of a call by name. */
export type Named<K> = { -readonly [N in keyof K]: ValueOf<K[N]> };

export type NamedOf<S> = S extends Signature<infer _, infer K> ? Named<K> : never;

type IsRequired<K> = K extends { readonly isRequired: false } ? false : true;
type Required<K> = { [N in keyof K]: IsRequired<K[N]> extends true ? N : never }[keyof K];

/** Parameters with defaults, and those without that are among some names, by name. */
type Optional<K, N> = {
  [P in keyof K as P extends N ? (IsRequired<K[P]> extends true ? never : P) : never]?: ValueOf<K[P]> | undefined;
};
type Demanded<K, N> = {
  [P in keyof K as P extends N ? (IsRequired<K[P]> extends true ? P : never) : never]: ValueOf<K[P]>;
};

/**
 * The parameters of a signature that have defaults, and those that must be given and can be by name only, as an object: what its `…Options`
 * interface extends.
 */
export type OptionsOf<S> =
  S extends Signature<infer T, infer K>
    ? WithDemanded<Optional<K, Exclude<NamesIn<T>[number], Operands<T>[number]>>, Demanded<K, ByName<T>[number]>>
    : never;

/** Nothing is added where nothing is demanded: an intersection would take objects, and texts, that have nothing in common with the options. */
type WithDemanded<O, D> = keyof D extends never ? O : O & D;

/** Options of which some are known better than their kinds say. */
export type Narrowed<O, V> = { [P in keyof O]: P extends keyof V ? V[P] | undefined : O[P] };

/** A parameter by position. `V` says what it takes where that is known better than its kind says. */
type One<N, K, V> = Labelled<N, N extends keyof V ? V[N] : N extends keyof K ? ValueOf<K[N]> : never>;

type Leading<N extends Names, K, V> = N extends readonly [infer H, ...infer T extends Names]
  ? [...One<H, K, V>, ...Leading<T, K, V>]
  : [];

/** From any point on by name: `E` by position or by name, `N` by name. */
type Forms<E extends Names, N extends Names, K, O, V> = E extends readonly [infer H, ...infer T extends Names]
  ? IsRequired<K[H & keyof K]> extends true
    ? [...One<H, K, V>, ...Forms<T, N, K, O, V>] | [options: O & Demanded<K, E[number] | N[number]>]
    : [...Partial<Labelled<H, One<H, K, V>[0] | O | undefined>>, ...Forms<T, N, K, O, V>]
  : Required<K> & N[number] extends never
    ? keyof O extends never
      ? []
      : [options?: O]
    : [options: O & Demanded<K, N[number]>];

/**
 * What a function of this signature is called with.
 *
 * @typeParam O its options, under the name that users see
 * @typeParam V what parameters take where that is known better than their kinds say
 */
export type ArgumentsOf<S, O = OptionsOf<S>, V = unknown> =
  S extends Signature<infer T, infer K> ? [...Leading<Operands<T>, K, V>, ...RestOf<S, O, V>] : never;

/** What comes after the operands, for functions whose operands have types that no kind knows, such as those of a data set's items. */
export type RestOf<S, O = OptionsOf<S>, V = unknown> =
  S extends Signature<infer T, infer K> ? Forms<Either<T>, ByName<T>, K, O, V> : never;

/** A function of this signature. */
export interface FunctionOf<R, S, O = OptionsOf<S>> {
  // biome-ignore lint/style/useShorthandFunctionType: an alias is resolved at once, and tensors, which are among the arguments, have the functions as methods
  (...args: ArgumentsOf<S, O> extends infer A extends readonly unknown[] ? A : never): R;
}
