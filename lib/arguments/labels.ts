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
  padding: [padding: T];
  fn: [fn: T];
  dataset: [dataset: T];
  indices: [indices: T];
  items: [items: T];
  length: [length: T];
  path: [path: T];
  folder: [folder: T];
  tensors: [tensors: T];
  bytes: [bytes: T];
  name: [name: T];
  parameter: [parameter: T];
  module: [module: T];
  inputs: [inputs: T];
  outputs: [outputs: T];
  hook: [hook: T];
  gradient: [gradient: T];
  gradTensors: [gradTensors: T];
  gradOutputs: [gradOutputs: T];
  retainGraph: [retainGraph: T];
  createGraph: [createGraph: T];
  requiresGrad: [requiresGrad: T];
  pred: [pred: T];
  target: [target: T];
  weight: [weight: T];
  model: [model: T];
  count: [count: T];
  batchSize: [batchSize: T];
  shuffle: [shuffle: T];
  sampler: [sampler: T];
  generator: [generator: T];
  replacement: [replacement: T];
  numSamples: [numSamples: T];
  operands: [operands: T];
  type1: [type1: T];
  type2: [type2: T];
}

/** A tuple of one element, labelled by its name. */
export type Labelled<N, T> = N extends keyof Labels<T> ? Labels<T>[N] : [T];
