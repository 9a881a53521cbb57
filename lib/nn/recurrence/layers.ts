import type { ArgumentsOf, OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import type { DType } from '../../backend/dtype.js';
import { recording } from '../../backend/recording.js';
import { describe } from '../../describe.js';
import { ShapeError, ValueError } from '../../errors.js';
import { empty, zeros } from '../../ops/creation.js';
import { indexSelect } from '../../ops/indexing.js';
import { cat, stack } from '../../ops/joining.js';
import { narrow, splitWithSizes, squeeze, transpose, unbind, unsqueeze } from '../../ops/views.js';
import * as kinds from '../../tensor/kinds.js';
import { NamedResults, type Results } from '../../tensor/results.js';
import { show } from '../../tensor/shape.js';
import { isTensor, type Tensor } from '../../tensor/tensor.js';
import { warnOnce } from '../../warnings.js';
import { uniform_ } from '../init.js';
import { dropout } from '../layers/dropout.js';
import { Module } from '../module.js';
import { layerCount } from '../operands.js';
import { Parameter } from '../parameter.js';
import { pythonText } from '../text.js';
import { hiddenOf } from './hidden.js';
import { checkInput, checkShape, checkType, type LSTMState, lstmState, stateKind } from './operands.js';
import { PackedSequence, packed } from './packed-sequence.js';
import { gruSteps, lstmSteps, type Nonlinearity, rnnSteps, type State, type Steps, type Weights } from './steps.js';

// Layers of recurrence over whole sequences.

const sizes = { inputSize: kinds.integerFrom(1), hiddenSize: kinds.integerFrom(1) };

const common = {
  /** How many layers, each over the outputs of the one below. Default: 1. */
  numLayers: layerCount.default(1),
  /** Whether biases are learned. Default: true. */
  bias: kinds.boolean.default(true),
  /** Whether inputs and outputs are (batch, time, features) rather than (time, batch, features). States are not. Default: false. */
  batchFirst: kinds.boolean.default(false),
  /** Probability, in training, of a zero in the outputs of all layers but the last. Default: 0. */
  dropout: kinds.within(0, 1).default(0),
  /** Whether each layer also reads from the end to the beginning: outputs have the features of both. Default: false. */
  bidirectional: kinds.boolean.default(false),
  /** Element type of the parameters. Default: float32. */
  dtype: kinds.dtype.default('float32'),
};

const gruSignature = signature('inputSize, hiddenSize, numLayers, bias, batchFirst, dropout, bidirectional, dtype', {
  ...sizes,
  ...common,
});

const rnnSignature = signature(
  'inputSize, hiddenSize, numLayers, nonlinearity, bias, batchFirst, dropout, bidirectional, dtype',
  {
    ...sizes,
    ...common,
    /** Default: 'tanh'. */
    nonlinearity: kinds.choice('tanh', 'relu').default('tanh'),
  },
);

const lstmSignature = signature(
  'inputSize, hiddenSize, numLayers, bias, batchFirst, dropout, bidirectional, projSize, dtype',
  {
    ...sizes,
    ...common,
    /** How many features h is projected to; less than hiddenSize. Default: 0, no projection. */
    projSize: kinds.integerFrom(0).default(0),
  },
);

export interface GRUOptions extends OptionsOf<typeof gruSignature> {}
export interface RNNOptions extends OptionsOf<typeof rnnSignature> {}
export interface LSTMOptions extends OptionsOf<typeof lstmSignature> {}

const forwarding = signature('input, hx', {
  input: kinds.tensor,
  /** The state to begin with: (layers · directions, batch, hiddenSize), without the batch where the input has none. Default: null, zeros. */
  hx: kinds.tensor.optional(),
});

const lstmForwarding = signature('input, hx', {
  input: kinds.tensor,
  /** The state to begin with, `[h, c]`: each (layers · directions, batch, features), without the batch where the input has none. Default: null, zeros. */
  hx: stateKind.optional(),
});

/** What a plain or gated recurrence gives: the outputs of the last layer in all steps, and the last state of every layer and direction. */
export type RNNResults = Results<['output', 'hn']>;

/** What an LSTM gives. Things of different types by position have a type as tuples only. */
export type LSTMResults = { readonly output: Tensor; readonly state: LSTMState } & readonly [
  output: Tensor,
  state: LSTMState,
];

const packedForwarding = signature('input, hx', {
  input: packed,
  /** The state to begin with, in the order that the sequences had: (layers · directions, batch, hiddenSize). Default: null, zeros. */
  hx: kinds.tensor.optional(),
});

const packedLstmForwarding = signature('input, hx', {
  input: packed,
  /** The state to begin with, `[h, c]`, in the order that the sequences had: each (layers · directions, batch, features). Default: null, zeros. */
  hx: stateKind.optional(),
});

/** What a plain or gated recurrence gives for packed sequences. */
export type PackedRNNResults = { readonly output: PackedSequence; readonly hn: Tensor } & readonly [
  output: PackedSequence,
  hn: Tensor,
];

/** What an LSTM gives for packed sequences. */
export type PackedLSTMResults = { readonly output: PackedSequence; readonly state: LSTMState } & readonly [
  output: PackedSequence,
  state: LSTMState,
];

interface Options {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly bias: boolean;
  readonly batchFirst: boolean;
  readonly dropout: number;
  readonly bidirectional: boolean;
  readonly projSize: number;
  readonly dtype: DType;
}

/** What all recurrent layers are. Parameters are properties by layer and direction: `weightIhL0`, `biasHhL1Reverse`. */
abstract class Recurrent<Inputs extends readonly unknown[], Output> extends Module<Inputs, Output> {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly bias: boolean;
  readonly batchFirst: boolean;
  readonly dropout: number;
  readonly bidirectional: boolean;
  readonly projSize: number;
  [weight: `weight${'Ih' | 'Hh' | 'Hr'}L${number}${'' | 'Reverse'}`]: Parameter;
  [bias: `bias${'Ih' | 'Hh'}L${number}${'' | 'Reverse'}`]: Parameter;

  constructor(op: string, gates: number, options: Options) {
    const { inputSize, hiddenSize, numLayers, bias, batchFirst, dropout, bidirectional, projSize } = options;
    if (projSize >= hiddenSize) {
      throw new ValueError(`${op}: projSize must be less than hiddenSize, ${hiddenSize}, got ${projSize}`);
    }
    super();
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    this.numLayers = numLayers;
    this.bias = bias;
    this.batchFirst = batchFirst;
    this.dropout = dropout;
    this.bidirectional = bidirectional;
    this.projSize = projSize;
    if (dropout > 0 && numLayers === 1) warnOfDropout(op, dropout);
    for (const [name, shape] of shapes(gates, options)) {
      this.registerParameter(name, new Parameter(empty(shape, { dtype: options.dtype })));
    }
    this.resetParameters();
  }

  /** Draws the parameters again. */
  resetParameters(): void {
    const bound = 1 / Math.sqrt(this.hiddenSize);
    for (const parameter of this.parameters()) uniform_(parameter, -bound, bound);
  }

  /** Does nothing: PyTorch lays weights out for a device's library, and there is none. */
  flattenParameters(): void {}

  override extraRepr(): string {
    const others = [
      this.projSize !== 0 && `proj_size=${this.projSize}`,
      this.numLayers !== 1 && `num_layers=${this.numLayers}`,
      !this.bias && 'bias=False',
      this.batchFirst && 'batch_first=True',
      this.dropout !== 0 && `dropout=${pythonText(this.dropout)}`,
      this.bidirectional && 'bidirectional=True',
    ];
    return [this.inputSize, this.hiddenSize, ...others.filter((text) => text !== false)].join(', ');
  }
}

function warnOfDropout(op: string, dropout: number): void {
  warnOnce(
    `${op}: dropout comes after all layers but the last, so that dropout=${dropout} with one layer drops nothing`,
    'NABLA_DROPOUT',
  );
}

type AnyRecurrent = Recurrent<never[], unknown>;

/** What the names of the parameters of a layer and a direction end in. */
const suffix = (layer: number, direction: number): string => `L${layer}${direction === 1 ? 'Reverse' : ''}`;

/** The parameters by name, in PyTorch's order. */
function shapes(gates: number, options: Options): [name: string, shape: number[]][] {
  const { inputSize, hiddenSize, numLayers, bias, bidirectional, projSize } = options;
  const [rows, features, directions] = [gates * hiddenSize, projSize || hiddenSize, bidirectional ? 2 : 1];
  return Array.from({ length: numLayers * directions }, (_, i): [string, number[]][] => {
    const end = suffix(Math.floor(i / directions), i % directions);
    const weights: [string, number[]][] = [
      [`weightIh${end}`, [rows, i < directions ? inputSize : features * directions]],
      [`weightHh${end}`, [rows, features]],
    ];
    const biases: [string, number[]][] = bias
      ? [
          [`biasIh${end}`, [rows]],
          [`biasHh${end}`, [rows]],
        ]
      : [];
    return [
      ...weights,
      ...biases,
      ...(projSize > 0 ? [[`weightHr${end}`, [projSize, hiddenSize]] as [string, number[]]] : []),
    ];
  }).flat();
}

function weightsOf(module: AnyRecurrent, layer: number, direction: number): Weights {
  const end = suffix(layer, direction);
  // A weight that is computed, as those of normalisations are, is a plain tensor.
  const required = (name: string): Tensor => {
    const value: unknown = Reflect.get(module, name + end);
    if (isTensor(value)) return value;
    throw new ValueError(`${module.constructor.name}: ${name}${end} must be a Tensor, got ${describe(value)}`);
  };
  return {
    weightIh: required('weightIh'),
    weightHh: required('weightHh'),
    biasIh: module.bias ? required('biasIh') : null,
    biasHh: module.bias ? required('biasHh') : null,
    weightHr: module.projSize > 0 ? required('weightHr') : null,
  };
}

/** One direction of one layer: the outputs of all steps, in the order of time, and the last state. */
function along(steps: Steps, x: Tensor, first: State, weights: Weights, isReverse: boolean): [Tensor, State] {
  const whole = steps.enter(x, weights);
  const entered = unbind(whole);
  const hidden = hiddenOf(steps, weights, { whole, parts: entered });
  const outputs: Tensor[] = new Array(entered.length);
  let state = first;
  for (let i = 0; i < entered.length; i++) {
    const time = isReverse ? entered.length - 1 - i : i;
    state = steps.step(entered[time]!, state, hidden, weights);
    outputs[time] = state[0]!;
  }
  return [stack(outputs), state];
}

/** The same of packed sequences, of which so many have each step. */
const alongPacked =
  (sizes: readonly number[]): typeof along =>
  (steps, x, first, weights, isReverse) => {
    const whole = steps.enter(x, weights);
    const entered = splitWithSizes(whole, sizes);
    const hidden = hiddenOf(steps, weights, { whole, parts: entered });
    const outputs: Tensor[] = new Array(sizes.length);
    const rows = (state: State, from: number, to: number): State => state.map((one) => narrow(one, 0, from, to - from));
    const joined = (parts: readonly State[]): State => first.map((_, i) => cat(parts.map((part) => part[i]!)));
    // From the beginning on sequences end, the shortest first; from the end on they begin, the longest first.
    const ended: State[] = [];
    let count = sizes.at(isReverse ? -1 : 0)!;
    let state = rows(first, 0, count);
    for (let i = 0; i < sizes.length; i++) {
      const time = isReverse ? sizes.length - 1 - i : i;
      const size = sizes[time]!;
      if (size < count) {
        ended.unshift(rows(state, size, count));
        state = rows(state, 0, size);
      } else if (size > count) state = joined([state, rows(first, count, size)]);
      count = size;
      state = steps.step(entered[time]!, state, hidden, weights);
      outputs[time] = state[0]!;
    }
    return [cat(outputs), ended.length === 0 ? state : joined([state, ...ended])];
  };

/** All layers over x, (time, batch, features) or packed: the outputs of the last, and per tensor of the state the last ones of all layers. */
function through(
  module: AnyRecurrent,
  steps: Steps,
  walk: typeof along,
  x: Tensor,
  first: readonly Tensor[][],
): [Tensor, Tensor[]] {
  const { numLayers, training } = module;
  const directions = module.bidirectional ? 2 : 1;
  const last: State[] = [];
  let output = x;
  for (let layer = 0; layer < numLayers; layer++) {
    const input = layer === 0 ? x : dropout(output, module.dropout, { training });
    const sides = Array.from({ length: directions }, (_, direction) => {
      const begin = first.map((states) => states[layer * directions + direction]!);
      return walk(steps, input, begin, weightsOf(module, layer, direction), direction === 1);
    });
    const outputs = sides.map(([output]) => output);
    output = directions === 1 ? outputs[0]! : cat(outputs, -1);
    last.push(...sides.map(([, state]) => state));
  }
  return [output, first.map((_, i) => stack(last.map((state) => state[i]!)))];
}

/** The state to begin with, for each layer and direction: what is given, or zeros. */
function firstOf(
  op: string,
  module: AnyRecurrent,
  steps: Steps,
  given: State | null,
  batch: number | null,
  x: Tensor,
): Tensor[][] {
  const rows = module.numLayers * (module.bidirectional ? 2 : 1);
  const features = [module.projSize || module.hiddenSize, module.hiddenSize].slice(0, steps.states);
  return features.map((size, i) => {
    const state = given?.[i];
    if (state === undefined) return unbind(zeros([rows, batch ?? 1, size], { dtype: x.dtype }));
    checkShape(op, 'the state', state, batch === null ? [rows, size] : [rows, batch, size]);
    checkType(op, 'the state', state, x);
    return unbind(batch === null ? unsqueeze(state, 1) : state);
  });
}

/** Checks the operands, brings them to (time, batch, features) and back. */
function run(op: string, module: AnyRecurrent, steps: Steps, x: Tensor, given: State | null): [Tensor, Tensor[]] {
  recording?.used(module);
  checkInput(op, x, [2, 3], module.inputSize);
  checkType(op, 'the input', x, weightsOf(module, 0, 0).weightIh);
  const isSingle = x.ndim === 2;
  const turned = (sequence: Tensor): Tensor => (module.batchFirst ? transpose(sequence, 0, 1) : sequence);
  const sequence = isSingle ? unsqueeze(x, 1) : turned(x);
  const [time, batch] = sequence.shape as readonly [number, number];
  if (time === 0) throw new ShapeError(`${op}: the input must have at least one step of time, got ${show(x.shape)}`);
  const first = firstOf(op, module, steps, given, isSingle ? null : batch, x);
  const [output, last] = through(module, steps, along, sequence, first);
  return isSingle ? [squeeze(output, 1), last.map((state) => squeeze(state, 1))] : [turned(output), last];
}

/** The same for packed sequences. States have the order that these had. */
function runPacked(
  op: string,
  module: AnyRecurrent,
  steps: Steps,
  x: PackedSequence,
  given: State | null,
): [PackedSequence, Tensor[]] {
  recording?.used(module);
  const { data, sizes, sortedIndices, unsortedIndices } = x;
  checkInput(op, data, [2, 2], module.inputSize);
  checkType(op, 'the input', data, weightsOf(module, 0, 0).weightIh);
  const ordered = (state: Tensor, order: Tensor | null): Tensor =>
    order === null ? state : indexSelect(state, 1, order);
  const first = firstOf(op, module, steps, given, sizes[0]!, data).map((states) =>
    given === null ? states : unbind(ordered(stack(states), sortedIndices)),
  );
  const [output, last] = through(module, steps, alongPacked(sizes), data, first);
  return [x.with(output), last.map((state) => ordered(state, unsortedIndices))];
}

/** What a recurrence with one tensor of state gives. */
function forwarded(
  op: string,
  module: AnyRecurrent,
  steps: Steps,
  args: readonly unknown[],
): RNNResults & PackedRNNResults {
  const isPacked = args[0] instanceof PackedSequence;
  const [x, hx] = (isPacked ? packedForwarding : forwarding).read(op, args);
  const state = hx && [hx];
  const [output, [hn]] =
    x instanceof PackedSequence ? runPacked(op, module, steps, x, state) : run(op, module, steps, x, state);
  return new NamedResults<unknown>(op, ['output', 'hn'], [output, hn]) as object as RNNResults & PackedRNNResults;
}

/**
 * A plain recurrent network: in every step h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or the same with relu; see `nn.RNNCell`. The products
 * with the inputs of all steps are one.
 *
 * Shapes: input (time, batch, inputSize), with `batchFirst` (batch, time, inputSize), (time, inputSize), or a `PackedSequence`; output the same with
 * hiddenSize features per direction; hx and hn (layers · directions, batch, hiddenSize), without the batch where the input has none. `weightIhL0`
 * (hiddenSize, inputSize), `weightHhL0` (hiddenSize, hiddenSize), `biasIhL0` and `biasHhL0`, likewise for other layers and, as `weightIhL0Reverse`,
 * the other direction, start uniform in ±1/√hiddenSize.
 *
 * @returns `{ output, hn }`, or `[output, hn]`
 * @throws ShapeError, when called, for other shapes or no step; DTypeError for another element type than that of the weights
 * @example
 * ```ts
 * const rnn = new nn.RNN(10, 20, 2);
 * const { output, hn } = rnn.forward(randn([5, 3, 10]), zeros([2, 3, 20]));
 * output.shape; // [5, 3, 20]
 * hn.shape; // [2, 3, 20]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.RNN.html
 */
export class RNN extends Recurrent<ArgumentsOf<typeof forwarding>, RNNResults> {
  readonly nonlinearity: Nonlinearity;

  constructor(...args: ArgumentsOf<typeof rnnSignature, RNNOptions>) {
    const { nonlinearity, ...options } = rnnSignature.named('RNN', args);
    super('RNN', rnnSteps[nonlinearity].gates, { ...options, projSize: 0 });
    this.nonlinearity = nonlinearity;
  }

  override forward(...args: ArgumentsOf<typeof forwarding>): RNNResults;
  override forward(...args: ArgumentsOf<typeof packedForwarding>): PackedRNNResults;
  override forward(...args: readonly unknown[]): RNNResults & PackedRNNResults {
    return forwarded('RNN', this, rnnSteps[this.nonlinearity], args);
  }
}

/**
 * Long short-term memory over sequences; see `nn.LSTMCell`. The products with the inputs of all steps are one. With `projSize`, h is W_hr σ(o) tanh(c').
 *
 * Shapes: as for `nn.RNN`, with four times as many rows of weights; h has `projSize` features, if that is given, and c hiddenSize; `weightHrL0` is
 * (projSize, hiddenSize).
 *
 * @returns `{ output, state: { hn, cn } }`, or `[output, [hn, cn]]`
 * @throws ShapeError, when called, for other shapes or no step; DTypeError for another element type than that of the weights; ValueError for a
 * `projSize` that is not less than hiddenSize
 * @example
 * ```ts
 * const lstm = new nn.LSTM(10, 20, { batchFirst: true, bidirectional: true });
 * const { output, state } = lstm.forward(randn([3, 5, 10]));
 * output.shape; // [3, 5, 40]
 * const [next, [hn, cn]] = lstm.forward(randn([3, 5, 10]), state);
 * cn.shape; // [2, 3, 20]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LSTM.html
 * @see https://arxiv.org/abs/1402.1128
 */
export class LSTM extends Recurrent<ArgumentsOf<typeof lstmForwarding>, LSTMResults> {
  constructor(...args: ArgumentsOf<typeof lstmSignature, LSTMOptions>) {
    super('LSTM', lstmSteps.gates, lstmSignature.named('LSTM', args));
  }

  override forward(...args: ArgumentsOf<typeof lstmForwarding>): LSTMResults;
  override forward(...args: ArgumentsOf<typeof packedLstmForwarding>): PackedLSTMResults;
  override forward(...args: readonly unknown[]): LSTMResults & PackedLSTMResults {
    const isPacked = args[0] instanceof PackedSequence;
    const [x, hx] = (isPacked ? packedLstmForwarding : lstmForwarding).read('LSTM', args);
    const given = hx && [...hx];
    const [output, last] =
      x instanceof PackedSequence
        ? runPacked('LSTM', this, lstmSteps, x, given)
        : run('LSTM', this, lstmSteps, x, given);
    const state = lstmState('LSTM', last);
    const named = new NamedResults<unknown>('LSTM', ['output', 'state'], [output, state]);
    return named as object as LSTMResults & PackedLSTMResults;
  }
}

/**
 * Gated recurrent units over sequences; see `nn.GRUCell`. The products with the inputs of all steps are one.
 *
 * Shapes: as for `nn.RNN`, with three times as many rows of weights.
 *
 * @returns `{ output, hn }`, or `[output, hn]`
 * @throws ShapeError, when called, for other shapes or no step; DTypeError for another element type than that of the weights
 * @example
 * ```ts
 * const gru = new nn.GRU(10, 20, { numLayers: 2, dropout: 0.1 });
 * const [output, hn] = gru.forward(randn([5, 3, 10]));
 * hn.shape; // [2, 3, 20]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.GRU.html
 * @see https://arxiv.org/abs/1406.1078
 */
export class GRU extends Recurrent<ArgumentsOf<typeof forwarding>, RNNResults> {
  constructor(...args: ArgumentsOf<typeof gruSignature, GRUOptions>) {
    super('GRU', gruSteps.gates, { ...gruSignature.named('GRU', args), projSize: 0 });
  }

  override forward(...args: ArgumentsOf<typeof forwarding>): RNNResults;
  override forward(...args: ArgumentsOf<typeof packedForwarding>): PackedRNNResults;
  override forward(...args: readonly unknown[]): RNNResults & PackedRNNResults {
    return forwarded('GRU', this, gruSteps, args);
  }
}
