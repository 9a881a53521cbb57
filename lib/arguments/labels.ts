/**
 * What editors call parameters: TypeScript cannot label the elements of a tuple by texts that it computes. One that is not listed has a number
 * there, and works as well.
 */
interface Labels<T> {
  input: [input: T];
  dim: [dim: T];
  keepdim: [keepdim: T];
  dtype: [dtype: T];
  p: [p: T];
  unbiased: [unbiased: T];
}

/** A tuple of one element, labelled by its name. */
export type Labelled<N, T> = N extends keyof Labels<T> ? Labels<T>[N] : [T];
