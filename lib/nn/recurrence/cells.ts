import type { ArgumentsOf, Narrowed, OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import type { DType } from '../../backend/dtype.js';
import { recording } from '../../backend/recording.js';
import { empty, zeros } from '../../ops/creation.js';
import { linear } from '../../ops/products.js';
import { squeeze, unsqueeze } from '../../ops/views.js';
import * as kinds from '../../tensor/kinds.js';
import type { Tensor } from '../../tensor/tensor.js';
import { uniform_ } from '../init.js';
import { Module } from '../module.js';
import { type Learned, Parameter } from '../parameter.js';
import { checkInput, checkShape, checkType, type LSTMState, lstmState, stateKind } from './operands.js';
import { gruSteps, type Hidden, lstmSteps, type Nonlinearity, rnnSteps, type State, type Steps } from './steps.js';

// One step of time as a module.

const common = {
  inputSize: kinds.integerFrom(1),
  hiddenSize: kinds.integerFrom(1),
  /** Whether biases are learned. Default: true. */
  bias: kinds.boolean.default(true),
  /** Element type of the parameters. Default: float32. */
  dtype: kinds.dtype.default('float32'),
};

const gatedSignature = signature('inputSize, hiddenSize, bias, dtype', common);

const rnnSignature = signature('inputSize, hiddenSize, bias, nonlinearity, dtype', {
  ...common,
  /** Default: 'tanh'. */
  nonlinearity: kinds.choice('tanh', 'relu').default('tanh'),
});

const forwarding = signature('input, hx', {
  input: kinds.tensor,
  /** The state, as the input is with hiddenSize features. Default: null, zeros. */
  hx: kinds.tensor.optional(),
});

const lstmForwarding = signature('input, hx', {
  input: kinds.tensor,
  /** The state, two tensors as the input is with hiddenSize features. Default: null, zeros. */
  hx: stateKind.optional(),
});

export interface GatedCellOptions<B extends boolean = boolean>
  extends Narrowed<OptionsOf<typeof gatedSignature>, { bias: B }> {}

export interface RNNCellOptions<B extends boolean = boolean>
  extends Narrowed<OptionsOf<typeof rnnSignature>, { bias: B }> {}

/** What all cells are. */
abstract class Cell<B extends boolean, Inputs extends readonly unknown[], Output> extends Module<Inputs, Output> {
  readonly inputSize: number;
  readonly hiddenSize: number;
  weightIh: Parameter;
  weightHh: Parameter;
  biasIh: Learned<B>;
  biasHh: Learned<B>;

  constructor(gates: number, inputSize: number, hiddenSize: number, bias: boolean, dtype: DType) {
    super();
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    const learned = (...shape: number[]): Parameter => new Parameter(empty(shape, { dtype }));
    this.weightIh = learned(gates * hiddenSize, inputSize);
    this.weightHh = learned(gates * hiddenSize, hiddenSize);
    this.biasIh = (bias ? learned(gates * hiddenSize) : null) as Learned<B>;
    this.biasHh = (bias ? learned(gates * hiddenSize) : null) as Learned<B>;
    this.resetParameters();
  }

  /** Draws the parameters again. */
  resetParameters(): void {
    const bound = 1 / Math.sqrt(this.hiddenSize);
    for (const parameter of this.parameters()) uniform_(parameter, -bound, bound);
  }

  override extraRepr(): string {
    return `${this.inputSize}, ${this.hiddenSize}${this.biasIh === null ? ', bias=False' : ''}`;
  }
}

/** One step of a cell, of a batch or of a single input. */
function next(op: string, cell: Cell<boolean, never[], unknown>, steps: Steps, x: Tensor, given: State | null): State {
  recording?.used(cell);
  checkInput(op, x, [1, 2], cell.inputSize);
  checkType(op, 'the input', x, cell.weightIh);
  const shape = [...x.shape.slice(0, -1), cell.hiddenSize];
  for (const state of given ?? []) {
    checkShape(op, 'the state', state, shape);
    checkType(op, 'the state', state, cell.weightIh);
  }
  const state = given ?? Array.from({ length: steps.states }, () => zeros(shape, { dtype: x.dtype }));
  const batch = (one: Tensor): Tensor => (x.ndim === 1 ? unsqueeze(one, 0) : one);
  const weights = {
    weightIh: cell.weightIh,
    weightHh: cell.weightHh,
    biasIh: cell.biasIh,
    biasHh: cell.biasHh,
    weightHr: null,
  };
  const hidden: Hidden = (h, added) => linear(h, weights.weightHh, added);
  const after = steps.step(steps.enter(batch(x), weights), state.map(batch), hidden, weights);
  return x.ndim === 1 ? after.map((one) => squeeze(one, 0)) : after;
}

/**
 * One step of a plain recurrence: h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or the same with relu.
 *
 * Shapes: x (batch, inputSize) or (inputSize); h and h' the same with hiddenSize. `weightIh` (hiddenSize, inputSize), `weightHh`
 * (hiddenSize, hiddenSize) and the two biases start uniform in ±1/√hiddenSize.
 *
 * @throws ShapeError, when called, for other shapes; DTypeError for another element type than that of the weights
 * @example
 * ```ts
 * const cell = new nn.RNNCell(10, 20);
 * let h = zeros([3, 20]);
 * for (const x of randn([6, 3, 10]).unbind()) h = cell.forward(x, h);
 * h.shape; // [3, 20]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.RNNCell.html
 */
export class RNNCell<B extends boolean = true> extends Cell<B, ArgumentsOf<typeof forwarding>, Tensor> {
  readonly nonlinearity: Nonlinearity;

  constructor(...args: ArgumentsOf<typeof rnnSignature, RNNCellOptions<B>, { bias: B }>) {
    const [inputSize, hiddenSize, bias, nonlinearity, dtype] = rnnSignature.read('RNNCell', args);
    super(rnnSteps[nonlinearity].gates, inputSize, hiddenSize, bias, dtype);
    this.nonlinearity = nonlinearity;
  }

  override forward(...args: ArgumentsOf<typeof forwarding>): Tensor {
    const [x, hx] = forwarding.read('RNNCell', args);
    return next('RNNCell', this, rnnSteps[this.nonlinearity], x, hx && [hx])[0]!;
  }

  override extraRepr(): string {
    return super.extraRepr() + (this.nonlinearity === 'tanh' ? '' : `, nonlinearity=${this.nonlinearity}`);
  }
}

/**
 * One step of long short-term memory: c' = σ(f) c + σ(i) tanh(g), h' = σ(o) tanh(c'), where i, f, g and o are each W_ih x + b_ih + W_hh h + b_hh
 * with rows of their own, in this order.
 *
 * Shapes: x (batch, inputSize) or (inputSize); h, c and the results the same with hiddenSize. `weightIh` (4 hiddenSize, inputSize),
 * `weightHh` (4 hiddenSize, hiddenSize) and the two biases start uniform in ±1/√hiddenSize.
 *
 * @returns `{ hn, cn }`, or `[hn, cn]`, which the next step takes
 * @throws ShapeError, when called, for other shapes; DTypeError for another element type than that of the weights
 * @example
 * ```ts
 * const cell = new nn.LSTMCell(10, 20);
 * const state = cell.forward(randn([3, 10]));
 * const [h, c] = cell.forward(randn([3, 10]), state);
 * h.shape; // [3, 20]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LSTMCell.html
 * @see https://www.bioinf.jku.at/publications/older/2604.pdf
 */
export class LSTMCell<B extends boolean = true> extends Cell<B, ArgumentsOf<typeof lstmForwarding>, LSTMState> {
  constructor(...args: ArgumentsOf<typeof gatedSignature, GatedCellOptions<B>, { bias: B }>) {
    const [inputSize, hiddenSize, bias, dtype] = gatedSignature.read('LSTMCell', args);
    super(lstmSteps.gates, inputSize, hiddenSize, bias, dtype);
  }

  override forward(...args: ArgumentsOf<typeof lstmForwarding>): LSTMState {
    const [x, hx] = lstmForwarding.read('LSTMCell', args);
    return lstmState('LSTMCell', next('LSTMCell', this, lstmSteps, x, hx && [...hx]));
  }
}

/**
 * One step of a gated recurrent unit: h' = (1 - z) n + z h with r = σ(W_ir x + b_ir + W_hr h + b_hr), z likewise, and
 * n = tanh(W_in x + b_in + r (W_hn h + b_hn)).
 *
 * Shapes: x (batch, inputSize) or (inputSize); h and h' the same with hiddenSize. `weightIh` (3 hiddenSize, inputSize), `weightHh`
 * (3 hiddenSize, hiddenSize) and the two biases start uniform in ±1/√hiddenSize.
 *
 * @throws ShapeError, when called, for other shapes; DTypeError for another element type than that of the weights
 * @example
 * ```ts
 * const cell = new nn.GRUCell(10, 20);
 * cell.forward(randn([3, 10]), zeros([3, 20])).shape; // [3, 20]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.GRUCell.html
 * @see https://arxiv.org/abs/1406.1078
 */
export class GRUCell<B extends boolean = true> extends Cell<B, ArgumentsOf<typeof forwarding>, Tensor> {
  constructor(...args: ArgumentsOf<typeof gatedSignature, GatedCellOptions<B>, { bias: B }>) {
    const [inputSize, hiddenSize, bias, dtype] = gatedSignature.read('GRUCell', args);
    super(gruSteps.gates, inputSize, hiddenSize, bias, dtype);
  }

  override forward(...args: ArgumentsOf<typeof forwarding>): Tensor {
    const [x, hx] = forwarding.read('GRUCell', args);
    return next('GRUCell', this, gruSteps, x, hx && [hx])[0]!;
  }
}
