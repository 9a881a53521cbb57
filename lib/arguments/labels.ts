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
  source: [source: T];
  destination: [destination: T];
  offset: [offset: T];
  dim1: [dim1: T];
  dim2: [dim2: T];
  size: [size: T];
  stride: [stride: T];
  storageOffset: [storageOffset: T];
  dimension: [dimension: T];
  step: [step: T];
  indicesOrSections: [indicesOrSections: T];
  dims: [dims: T];
  k: [k: T];
  shifts: [shifts: T];
  repeats: [repeats: T];
  src: [src: T];
  start: [start: T];
  end: [end: T];
  index: [index: T];
  diagonal: [diagonal: T];
  row: [row: T];
  col: [col: T];
  r: [r: T];
  pad: [pad: T];
  mode: [mode: T];
  value: [value: T];
  other: [other: T];
  fillValue: [fillValue: T];
  data: [data: T];
}

/** A tuple of one element, labelled by its name. */
export type Labelled<N, T> = N extends keyof Labels<T> ? Labels<T>[N] : [T];
