import { isFloat } from '../backend/dtype.js';
import type { View } from '../backend/view.js';
import { AutogradError } from '../errors.js';
import { anyRequiresGrad, nodeOf, setNode, storageOf, type Tensor, viewOf } from '../tensor/tensor.js';
import { detectsAnomaly, placeOfCall } from './anomaly.js';
import type { Hooks } from './hooks.js';
import { recordsGradients } from './mode.js';
import { nodeWatch } from './node-watch.js';

/** How an operation passes gradients on. One object per operation, shared by all its nodes. */
export interface BackwardRule<A> {
  /** As PyTorch's grad_fn shows it, without `Backward0`: `Add`, `Mean`. */
  readonly name: string;
  /** What printing shows instead of the name and `Backward0`. */
  readonly gradFn?: string;
  /**
   * Gradients for the inputs (null: none) from the gradient of the output. Made of differentiable operations, so that it can itself
   * be recorded. `needs[i]` says whether input i wants one.
   */
  backward(grad: Tensor, saved: readonly Tensor[], attrs: A, needs: readonly boolean[]): readonly (Tensor | null)[];
  /** What flows in only says that something has come, which is kept elsewhere: it need not be added up. */
  readonly gathers?: true;
  /** Its gradient is a function of the user's. */
  readonly isForeign?: true;
  /** Called when a pass ends before its time, for a rule that keeps something until more has come. */
  abandon?(attrs: A): void;
}

/** Where a gradient goes next: another node, a leaf that accumulates it, or nowhere. */
export type Edge = Node | Tensor | null;

let sequence = 0;

const NO_VIEWS: View[] = [];
const NO_VERSIONS: number[] = [];

/** One recorded operation: what made a tensor. Nodes made later have higher sequence numbers than what they read. */
export class Node<A = unknown> {
  readonly rule: BackwardRule<A>;
  readonly edges: readonly Edge[];
  readonly attrs: A;
  readonly sequence = sequence++;
  /** The gradient collected so far in the backward pass under way. */
  pending: Tensor | null = null;
  /** The last backward pass that found this node. */
  pass = 0;
  /** What is called with the gradient when it is complete. */
  hooks: Hooks | null = null;
  /** Where the operation was called, if anomalies are looked for, or somebody watches. */
  readonly origin: string | undefined = detectsAnomaly() ? placeOfCall() : nodeWatch?.origin();
  #saved: readonly Tensor[] | null;
  /** The version of each saved tensor's storage when it was saved. */
  readonly #versions: readonly number[];
  /** Where each saved tensor was: its data may be replaced. */
  readonly #views: readonly View[];

  constructor(rule: BackwardRule<A>, inputs: readonly Tensor[], saved: readonly Tensor[], attrs: A) {
    this.rule = rule;
    const edges = new Array<Edge>(inputs.length);
    for (let i = 0; i < inputs.length; i++) {
      const input = inputs[i]!;
      edges[i] = nodeOf(input) ?? (input.requiresGrad ? input : null);
    }
    this.edges = edges;
    this.attrs = attrs;
    this.#saved = saved;
    const count = saved.length;
    const views = count === 0 ? NO_VIEWS : new Array<View>(count);
    const versions = count === 0 ? NO_VERSIONS : new Array<number>(count);
    for (let i = 0; i < count; i++) {
      views[i] = viewOf(saved[i]!);
      versions[i] = views[i]!.storage.version;
    }
    this.#views = views;
    this.#versions = versions;
  }

  /** Whether each input wants a gradient. */
  get needs(): readonly boolean[] {
    return this.edges.map((edge) => edge !== null);
  }

  /** Runs the rule on what was saved, after checking that it is still there and unchanged. */
  backward(grad: Tensor): readonly (Tensor | null)[] {
    const saved = this.#saved;
    if (saved === null) throw usedTwice(this.rule.name);
    for (let i = 0; i < saved.length; i++) {
      if (viewOf(saved[i]!) !== this.#views[i]) throw replaced(this.rule.name, this.#views[i]!);
      if (storageOf(saved[i]!).version !== this.#versions[i]) throw changedInPlace(this.rule.name, saved[i]!);
    }
    return this.rule.backward(grad, saved, this.attrs, this.needs);
  }

  /** Lets go of the saved tensors; another backward pass through here is an error, if there were any, or if the rule keeps what has arrived until a pass ends. */
  release(): void {
    if (this.#versions.length > 0 || this.rule.gathers || this.rule.abandon !== undefined) this.#saved = null;
  }
}

function usedTwice(name: string): AutogradError {
  return new AutogradError(
    `backward: the graph at ${name} was already used and its saved tensors were freed; ` +
      'pass { retainGraph: true } to the first backward, or run the forward again',
  );
}

function replaced(name: string, { shape }: View): AutogradError {
  return new AutogradError(
    `backward: a tensor of shape [${shape.join(', ')}] that ${name} saved was given other data or another shape afterwards; ` +
      'do that before the forward pass, or after the last backward pass',
  );
}

function changedInPlace(name: string, tensor: Tensor): AutogradError {
  return new AutogradError(
    `backward: a tensor of shape [${tensor.shape.join(', ')}] that ${name} saved was changed in place by ` +
      `${storageOf(tensor).changedBy} afterwards; use the out-of-place form there, or clone the tensor first`,
  );
}

let renew: (view: Tensor) => boolean = () => false;

/** Called once by what knows how to give a view the history that its base has now; it says whether it could. */
export function renewViews(by: (view: Tensor) => boolean): void {
  renew = by;
}

/** Views whose base was since given another history, which theirs does not know of, take it over, or are refused. */
export function requireFresh(name: string, inputs: readonly Tensor[]): void {
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i]!;
    if (!input.isStale || renew(input)) continue;
    throw new AutogradError(
      `${name}: a view of shape [${input.shape.join(', ')}] was taken before ${storageOf(input).changedBy} changed its base in ` +
        'place, and cannot know of that: take the view again',
    );
  }
}

/** Makes `output` the result of an operation on `inputs`, if gradients are recorded, any input wants one and the output can have one. */
export function record<A>(
  output: Tensor,
  rule: BackwardRule<A>,
  inputs: readonly Tensor[],
  saved: readonly Tensor[],
  attrs: A,
): Tensor {
  return recordsGradients() && anyRequiresGrad(inputs) ? attach(output, rule, inputs, saved, attrs) : output;
}

/** The same where gradients are recorded and an input wants one. */
export function attach<A>(
  output: Tensor,
  rule: BackwardRule<A>,
  inputs: readonly Tensor[],
  saved: readonly Tensor[],
  attrs: A,
): Tensor {
  if (!isFloat(output.dtype)) return output;
  requireFresh(rule.name, inputs);
  setNode(output, new Node(rule, inputs, saved, attrs) as Node);
  return output;
}
