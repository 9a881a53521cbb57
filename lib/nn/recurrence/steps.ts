import { recording } from '../../backend/recording.js';
import type { Expr } from '../../expr/index.js';
import { add, mul, sigmoid, sub, tanh } from '../../ops/pointwise.js';
import { linear } from '../../ops/products.js';
import { chunk } from '../../ops/views.js';
import { Pointwise } from '../../tensor/elementwise.js';
import type { Tensor } from '../../tensor/tensor.js';
import { relu } from '../activations/index.js';

// What a layer does with its inputs, and in each step of time with what it knows by then.

/** What the hidden state contributes to the gates: W_hh h, plus what is given to be added. */
export type Hidden = (h: Tensor, added: Tensor | null) => Tensor;

/** The parameters of a cell, or of one direction of a layer. */
export interface Weights {
  readonly weightIh: Tensor;
  readonly weightHh: Tensor;
  readonly biasIh: Tensor | null;
  readonly biasHh: Tensor | null;
  /** What makes a smaller hidden state of that of an LSTM. */
  readonly weightHr: Tensor | null;
}

/** What is known from step to step: h, and for an LSTM c. */
export type State = readonly Tensor[];

/** A kind of recurrence. */
export interface Steps {
  /** How many rows of weights an element of the hidden state has. */
  readonly gates: number;
  /** How many tensors a state is. */
  readonly states: 1 | 2;
  /** Whether the bias is added to the product with the hidden state, rather than what the input contributes. */
  readonly addsBias: boolean;
  /** What the inputs of all steps contribute: (…, inputSize) becomes (…, gates · hiddenSize). */
  enter(x: Tensor, weights: Weights): Tensor;
  /** The next state, from what the input of the step contributes: (batch, gates · hiddenSize). */
  step(entered: Tensor, state: State, hidden: Hidden, weights: Weights): State;
}

/** Both biases are added to the product with the inputs, once for all steps. */
const enterWithBoth = (x: Tensor, { weightIh, biasIh, biasHh }: Weights): Tensor =>
  linear(x, weightIh, biasIh === null || biasHh === null ? biasIh : add(biasIh, biasHh));

const plain = (activation: (x: Tensor) => Tensor): Steps => ({
  gates: 1,
  states: 1,
  addsBias: false,
  enter: enterWithBoth,
  // What is entered takes the place of the bias: it is added while the product is in cache.
  step: (entered, [h], hidden) => [activation(hidden(h!, entered))],
});

/** h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or the same with relu. */
export const rnnSteps = { tanh: plain((x) => tanh(x)), relu: plain((x) => relu(x)) };

export type Nonlinearity = keyof typeof rnnSteps;

/** Operations, each of tensors as well as of expressions. */
interface Operations {
  readonly add: <X>(a: X, b: X) => X;
  readonly sub: <X>(a: X, b: X) => X;
  readonly mul: <X>(a: X, b: X) => X;
  readonly sigmoid: <X>(x: X) => X;
  readonly tanh: <X>(x: X) => X;
}
const of = { add, sub, mul, sigmoid, tanh } as object as Operations;

/**
 * A formula as one operation; but while a function is captured as the several ones that it consists of. A program does these in one pass as well,
 * and their gradients take what they made, where the gradient of the one operation computes it again. The bits are the same.
 */
function fused(name: string, formula: <X>(...operands: X[]) => X): (...operands: Tensor[]) => Tensor {
  const operation = new Pointwise<Expr[]>(name, (...operands) => formula(...operands), {}, formula.length);
  return (...operands) => (recording === null ? operation.apply(operands as [Tensor]) : formula(...operands));
}

const nextCell = fused('lstmCell', (input, forget, cell, c) =>
  of.add(of.mul(of.sigmoid(forget!), c!), of.mul(of.sigmoid(input!), of.tanh(cell!))),
);
const nextHidden = fused('lstmCell', (output, c) => of.mul(of.sigmoid(output!), of.tanh(c!)));

/** c' = σ(f) c + σ(i) tanh(g), h' = σ(o) tanh(c'), and with a projection W_hr h'. */
export const lstmSteps: Steps = {
  gates: 4,
  states: 2,
  addsBias: false,
  enter: enterWithBoth,
  step: (entered, [h, c], hidden, { weightHr }) => {
    const [input, forget, cell, output] = chunk(hidden(h!, entered), 4, 1);
    const next = nextCell(input!, forget!, cell!, c!);
    const shown = nextHidden(output!, next);
    return [weightHr === null ? shown : linear(shown, weightHr), next];
  },
};

const nextGated = fused('gruCell', (resetX, updateX, newX, resetH, updateH, newH, h) => {
  const update = of.sigmoid(of.add(updateX!, updateH!));
  const fresh = of.tanh(of.add(newX!, of.mul(of.sigmoid(of.add(resetX!, resetH!)), newH!)));
  return of.add(of.mul(of.sub(h!, fresh), update), fresh);
});

/** r = σ(…), z = σ(…), n = tanh(W_in x + b_in + r (W_hn h + b_hn)), h' = (1 - z) n + z h. */
export const gruSteps: Steps = {
  gates: 3,
  states: 1,
  addsBias: true,
  enter: (x, { weightIh, biasIh }) => linear(x, weightIh, biasIh),
  step: (entered, [h], hidden, { biasHh }) => {
    const [resetX, updateX, newX] = chunk(entered, 3, 1);
    const [resetH, updateH, newH] = chunk(hidden(h!, biasHh), 3, 1);
    return [nextGated(resetX!, updateX!, newX!, resetH!, updateH!, newH!, h!)];
  },
};
