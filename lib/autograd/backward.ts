import { define } from '../arguments/define.js';
import { listed } from '../arguments/elements.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import type { DType } from '../backend/dtype.js';
import { release, type Storage, trackAllocations } from '../backend/storage.js';
import { sameShape } from '../backend/view.js';
import { AutogradError, ShapeError, ValueError } from '../errors.js';
import { convert } from '../tensor/basics.js';
import { writeInPlace } from '../tensor/elementwise.js';
import { filledOf } from '../tensor/empty.js';
import { adding, addOf } from '../tensor/formula.js';
import * as kinds from '../tensor/kinds.js';
import { show } from '../tensor/shape.js';
import { leafHooksOf, nodeOf, peekGrad, shapeOf, storageOf, type Tensor, takeGrad, viewOf } from '../tensor/tensor.js';
import { checkAnomaly, detectsAnomaly } from './anomaly.js';
import { Arrivals } from './arrivals.js';
import { applyHooks, assumeSameHooks, callShown, isShown, withShown } from './hooks.js';
import { withGrad } from './mode.js';
import { type Edge, Node, requireFresh } from './node.js';
import { nodeWatch } from './node-watch.js';

const gradients = kinds.oneOrList<Tensor | null>('a Tensor, or an array of tensors and nulls', kinds.tensor.orNull());

const passing = {
  /** Keep what the graph saved, so that another backward pass can use it. Default: null, as `createGraph`. */
  retainGraph: kinds.boolean.optional(),
  /** Record the backward pass itself, so that gradients can be differentiated again. Default: false. */
  createGraph: kinds.boolean.default(false),
};

const accumulating = signature('tensors, /, gradTensors, retainGraph, createGraph', {
  tensors: kinds.tensorOrList,
  /** The gradient that flows into each tensor. Default: null, 1 for a tensor of one element. */
  gradTensors: gradients.default(null),
  ...passing,
});

const starting = signature('input, /, gradient, retainGraph, createGraph', {
  input: kinds.tensor,
  /** The gradient that flows into the tensor. Default: null, 1 for a tensor of one element. */
  gradient: kinds.tensor.optional(),
  ...passing,
});

const returning = signature(
  'outputs, inputs, gradOutputs, retainGraph, createGraph, allowUnused, *, materializeGrads, onlyInputs',
  {
    outputs: kinds.tensorOrList,
    inputs: kinds.tensorOrList,
    /** The gradient that flows into each output. Default: null, 1 for an output of one element. */
    gradOutputs: gradients.default(null),
    ...passing,
    /** Give null for an input that the outputs do not depend on, instead of an error. Default: false. */
    allowUnused: kinds.boolean.default(false),
    /** Give zeros for an input that the outputs do not depend on. Default: false. */
    materializeGrads: kinds.boolean.default(false),
    /** Whether gradients are for the inputs alone; they always are. Default: true. */
    onlyInputs: kinds.only(true, 'gradients are for the inputs alone'),
  },
);

export interface BackwardOptions extends OptionsOf<typeof accumulating> {}
export interface TensorBackwardOptions extends OptionsOf<typeof starting> {}
export interface GradOptions extends OptionsOf<typeof returning> {}

/**
 * Accumulates the gradients of `tensors` into the `grad` of every leaf they depend on, in one pass.
 *
 * @param gradTensors the gradient that flows into each tensor; 1 for a tensor of one element, and where it is null
 * @throws AutogradError if a tensor does not require a gradient, the graph was freed, or a saved tensor has changed
 * @example
 * ```ts
 * const x = tensor([1, 2], { requiresGrad: true });
 * backward([x.sum(), x.mul(x).sum()]);
 * x.grad; // tensor([3., 5.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.backward.html
 */
export const backward: FunctionOf<void, typeof accumulating, BackwardOptions> = define(
  'backward',
  accumulating,
  (tensors, gradTensors, retainGraph, createGraph) =>
    accumulate(seedRoots('backward', listed(tensors), gradTensors), retainGraph, createGraph),
);

/** `x.backward()`. */
export const backwardOf: FunctionOf<void, typeof starting, TensorBackwardOptions> = define(
  'backward',
  starting,
  (x, gradient, retainGraph, createGraph) => accumulate(seedRoots('backward', [x], gradient), retainGraph, createGraph),
);

function accumulate(roots: readonly Root[], retainGraph: boolean | null, createGraph: boolean): void {
  const grads = new LeafGrads(createGraph, seedsOf(roots));
  const pass = () => propagate(roots, retainGraph ?? createGraph, (leaf, grad) => grads.accumulate(leaf, grad));
  runPass(createGraph, pass, () => grads.storages());
}

/**
 * The gradients of `outputs` with respect to `inputs`, returned instead of accumulated.
 *
 * @throws AutogradError if an input is not reached and `allowUnused` is not set
 * @example
 * ```ts
 * const x = tensor(3, { requiresGrad: true });
 * const [dx] = grad(x.pow(2), x, { createGraph: true });
 * grad(dx!, x)[0]; // tensor(2.): the second derivative
 * grad({ outputs: x.mul(2), inputs: [x, dx!], materializeGrads: true })[1]; // tensor(0.)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.grad.html
 */
export const grad: FunctionOf<(Tensor | null)[], typeof returning, GradOptions> = define(
  'grad',
  returning,
  (outputs, inputs, gradOutputs, retainGraph, createGraph, allowUnused, materializeGrads) => {
    const targets = listed(inputs);
    const notRequired = targets.findIndex((target) => !target.requiresGrad);
    if (notRequired >= 0) throw new AutogradError(`grad: input ${notRequired} does not require a gradient`);
    const roots = seedRoots('grad', listed(outputs), gradOutputs);
    const seeds = seedsOf(roots);
    const found = new Map<Node | Tensor, Tensor>();
    const wanted = new Set(targets.map((target) => nodeOf(target) ?? target));
    const keep = (edge: Node | Tensor, gradient: Tensor): void => {
      if (!wanted.has(edge)) return;
      const before = found.get(edge);
      const own = seeds.has(storageOf(gradient)) || isShown(gradient) ? convert(gradient, gradient.dtype) : gradient;
      found.set(edge, before === undefined ? own : addOf(before, gradient));
    };
    const pass = () => propagate(roots, retainGraph ?? createGraph, keep, wanted);
    runPass(createGraph, pass, () => new Set([...found.values()].map((gradient) => storageOf(gradient))));
    return targets.map((target, i) => {
      const gradient = found.get(nodeOf(target) ?? target) ?? null;
      if (gradient === null && materializeGrads) return filledOf(shapeOf(target), 0, target.dtype);
      if (gradient === null && !allowUnused) {
        throw new AutogradError(
          `grad: the outputs do not depend on input ${i}; pass { allowUnused: true } to get null for it`,
        );
      }
      return gradient;
    });
  },
);

type SeedsGiven = Tensor | readonly (Tensor | null)[] | null;

/** The gradients given for the roots; where there is none, 1 is meant. */
function seedsGiven(where: string, given: SeedsGiven, count: number): readonly (Tensor | null)[] {
  if (given === null) return [];
  const seeds = listed(given);
  if (seeds.length === count) return seeds;
  throw new ValueError(`${where}: expected a gradient for each of ${count} tensors, got ${seeds.length}`);
}

interface Root {
  readonly edge: Node | Tensor;
  readonly grad: Tensor;
}

/** Storages that no gradient may be: the caller can see what was passed in, and the implied one is everybody's. */
function seedsOf(roots: readonly Root[]): Seeds {
  // Most passes start at one loss, and a set of one takes as long to make as an operation.
  if (roots.length > 1) return new Set(roots.map((root) => storageOf(root.grad)));
  const only = roots.length === 0 ? null : storageOf(roots[0]!.grad);
  return { has: (storage) => storage === only };
}

type Seeds = Pick<ReadonlySet<Storage>, 'has'>;

function seedRoots(where: string, tensors: readonly Tensor[], given: SeedsGiven): Root[] {
  const grads = seedsGiven(where, given, tensors.length);
  requireFresh(where, tensors);
  return tensors.map((tensor, i) => {
    if (!tensor.requiresGrad) {
      throw new AutogradError(
        `${where}: the tensor does not require a gradient and nothing recorded made it; ` +
          'set requiresGrad on a leaf it depends on, and compute it outside noGrad',
      );
    }
    return { edge: nodeOf(tensor) ?? tensor, grad: seed(where, tensor, grads[i] ?? null) };
  });
}

function seed(where: string, tensor: Tensor, given: Tensor | null): Tensor {
  const { shape } = viewOf(tensor);
  if (given !== null) {
    if (!sameShape(viewOf(given).shape, shape)) {
      throw new ShapeError(`${where}: the gradient has shape ${show(given.shape)}, but the tensor ${show(shape)}`);
    }
    return given.dtype === tensor.dtype ? given : convert(given, tensor.dtype);
  }
  if (tensor.numel() !== 1) {
    throw new AutogradError(
      `${where}: a gradient is implied only for a tensor of one element, but this one has shape ${show(shape)}; ` +
        'reduce it (sum, mean) or pass the gradient',
    );
  }
  return tensor.ndim === 0 ? one(tensor.dtype) : filledOf(viewOf(tensor).shape, 1, tensor.dtype);
}

const oneOf = new Map<DType, Tensor>();

/** The gradient of a scalar with respect to itself; never written to, and never anybody's `grad`. */
function one(dtype: DType): Tensor {
  let value = oneOf.get(dtype);
  if (value === undefined) {
    value = filledOf([], 1, dtype);
    oneOf.set(dtype, value);
  }
  return value;
}

/**
 * Runs a pass, recorded or not. Unless it was recorded, what it allocated and nobody can have seen (all but `kept`) is
 * released for reuse at once.
 */
function runPass(createGraph: boolean, pass: () => void, kept: () => Set<Storage>): void {
  assumeSameHooks();
  let allocated: Storage[] = [];
  withShown(
    () => {
      allocated = trackAllocations(() => withGrad(createGraph, pass));
    },
    (shown) => {
      if (createGraph) return;
      const keep = kept();
      for (const storage of allocated) if (!keep.has(storage) && !shown(storage)) release(storage);
    },
  );
}

/**
 * Sends gradients from the roots through every node they depend on, users before what they used. `arrive` is called with
 * each gradient of a leaf, and with that of each wanted node; given `wanted`, only what leads there is run.
 */
function propagate(
  roots: readonly Root[],
  retain: boolean,
  arrive: (edge: Node | Tensor, grad: Tensor) => void,
  wanted?: ReadonlySet<Node | Tensor>,
): void {
  const order = reachable(roots);
  const leads = wanted === undefined ? null : leadingTo(order, wanted);
  const arrivals = Arrivals.of(order);
  // Hooks of a leaf are called once, with all that the pass brings it.
  let hooked = null as Map<Tensor, Tensor> | null;
  const send = (edge: Node | Tensor, grad: Tensor) => {
    if (edge instanceof Node) {
      if (edge.pending === null) edge.pending = grad;
      else if (edge.rule.gathers === undefined) edge.pending = addOf(edge.pending, grad);
      return;
    }
    if (!hasHooks(edge)) return arrive(edge, grad);
    hooked ??= new Map();
    const before = hooked.get(edge);
    hooked.set(edge, before === undefined ? grad : addOf(before, grad));
  };
  const passThrough = (node: Node) => {
    let grad = node.pending;
    if (grad === null) return;
    node.pending = null;
    if (node.hooks !== null) grad = applyHooks(node.hooks.before, grad);
    if (wanted?.has(node)) arrive(node, grad);
    if (leads !== null && !leads.has(node)) {
      // What has come for it must not come again with the next pass.
      node.rule.abandon?.(node.attrs);
      return;
    }
    nodeWatch?.passing(node.origin ?? '');
    const grads = node.backward(grad);
    if (detectsAnomaly()) checkAnomaly(node.rule.name, node.origin, grads);
    if (!retain) node.release();
    const { edges } = node;
    for (let i = 0; i < edges.length; i++) {
      const [edge, next] = [edges[i]!, grads[i] ?? null];
      if (edge !== null && next !== null) send(edge, next);
    }
  };
  try {
    for (const { edge, grad } of roots) send(edge, grad);
    for (let place = 0; place < order.length; place++) {
      passThrough(order[place]!);
      arrivals?.passed(place);
    }
    for (const [leaf, grad] of hooked ?? []) arriveThroughHooks(leaf, grad, arrive);
  } catch (error) {
    for (const node of order) node.rule.abandon?.(node.attrs);
    throw error;
  } finally {
    nodeWatch?.passing(null);
    for (const node of order) node.pending = null;
  }
}

function arriveThroughHooks(leaf: Tensor, grad: Tensor, arrive: (edge: Tensor, grad: Tensor) => void): void {
  const { before, after } = leafHooksOf(leaf)!;
  arrive(leaf, applyHooks(before, grad));
  for (const hook of [...after]) callShown([], () => hook(leaf));
}

let passes = 0;

/** Whether a leaf has hooks: a list that is empty again is none. */
function hasHooks(leaf: Tensor): boolean {
  const hooks = leafHooksOf(leaf);
  return hooks !== null && hooks.before.length + hooks.after.length > 0;
}

/** Every node the roots depend on, newest first: a node is newer than all it depends on, so this is a topological order. */
function reachable(roots: readonly Root[]): Node[] {
  const pass = ++passes;
  const nodes: Node[] = [];
  const visit = (edge: Edge) => {
    if (!(edge instanceof Node) || edge.pass === pass) return;
    edge.pass = pass;
    nodes.push(edge);
  };
  for (const root of roots) visit(root.edge);
  for (let i = 0; i < nodes.length; i++) for (const edge of nodes[i]!.edges) visit(edge);
  // Those of a chain were found in order.
  for (let i = 1; i < nodes.length; i++) {
    if (nodes[i]!.sequence > nodes[i - 1]!.sequence) return nodes.sort((a, b) => b.sequence - a.sequence);
  }
  return nodes;
}

/** The nodes from which a wanted one can be reached through at least one edge. */
function leadingTo(order: readonly Node[], wanted: ReadonlySet<Node | Tensor>): Set<Node> {
  const leads = new Set<Node>();
  for (const node of order.toReversed()) {
    const towards = (edge: Node | Tensor | null) =>
      edge !== null && (wanted.has(edge) || (edge instanceof Node && leads.has(edge)));
    if (node.edges.some(towards)) leads.add(node);
  }
  return leads;
}

/** Accumulates into `grad` of leaves. A gradient that only this pass has seen is taken as it is; any other is copied. */
class LeafGrads {
  readonly #createGraph: boolean;
  readonly #seeds: Seeds;
  /** Storages that are some leaf's gradient already. */
  readonly #taken = new Set<Storage>();

  constructor(createGraph: boolean, seeds: Seeds) {
    this.#createGraph = createGraph;
    this.#seeds = seeds;
  }

  storages(): Set<Storage> {
    return this.#taken;
  }

  accumulate(leaf: Node | Tensor, gradient: Tensor): void {
    if (leaf instanceof Node) return;
    const before = peekGrad(leaf);
    if (before !== null) requireAlike(leaf, before, gradient);
    if (this.#createGraph) leaf.grad = before === null ? convert(gradient, gradient.dtype) : addOf(before, gradient);
    else if (before === null) this.#take(leaf, gradient);
    else if (this.#taken.has(storageOf(before))) this.#take(leaf, addOf(before, gradient));
    else writeInPlace('add_', adding, before, [before, gradient]);
  }

  #take(leaf: Tensor, gradient: Tensor): void {
    const shared = this.#seeds.has(storageOf(gradient)) || this.#taken.has(storageOf(gradient)) || isShown(gradient);
    const own =
      shared || gradient.offset !== 0 || !gradient.isContiguous()
        ? convert(gradient.detach(), gradient.dtype)
        : gradient;
    takeGrad(leaf, own);
    this.#taken.add(storageOf(own));
  }
}

/** Refuses to add to a gradient that a leaf has from before its data were replaced by others of another shape or type. */
function requireAlike(leaf: Tensor, before: Tensor, gradient: Tensor): void {
  const [own, next] = [viewOf(before), viewOf(gradient)];
  if (own.dtype === next.dtype && sameShape(own.shape, next.shape)) return;
  throw new ShapeError(
    `backward: a leaf (${leaf.dtype}, ${show(leaf.shape)}) has a gradient (${own.dtype}, ${show(own.shape)}) from before its data were ` +
      'replaced; call zeroGrad() first',
  );
}
