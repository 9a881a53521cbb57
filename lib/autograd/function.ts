import { boolean } from '../arguments/kinds.js';
import { takeNoMore } from '../arguments/no-more.js';
import { type DType, isFloat } from '../backend/dtype.js';
import { sameShape } from '../backend/view.js';
import { describe } from '../describe.js';
import { AutogradError, ShapeError, ValueError } from '../errors.js';
import { convert } from '../tensor/basics.js';
import { filledOf } from '../tensor/empty.js';
import { sumTo } from '../tensor/layout.js';
import { broadcastsTo, type Shape, show } from '../tensor/shape.js';
import { anyRequiresGrad, isTensor, shapeOf, type Tensor } from '../tensor/tensor.js';
import { callShown } from './hooks.js';
import { noGrad, recordsGradients } from './mode.js';
import { type BackwardRule, record } from './node.js';

/** What `forward` leaves for `backward`. Anything but tensors may be kept as properties of it. */
export interface FunctionContext {
  [name: string]: unknown;

  /** Per argument of `forward`, whether it is a tensor whose gradient is wanted. */
  readonly needsInputGrad: readonly boolean[];

  /** What `saveForBackward` was given. */
  readonly savedTensors: readonly Tensor[];

  /**
   * Keeps tensors for `backward`, which finds them in `savedTensors`: arguments, results, or others. A backward pass refuses them if they
   * were changed in place meanwhile.
   */
  saveForBackward(...tensors: Tensor[]): void;

  /** Says that no gradient flows through these results. */
  markNonDifferentiable(...results: Tensor[]): void;

  /** Whether `backward` gets zeros for a result that nothing depends on, rather than null. Default: true. */
  setMaterializeGrads(value: boolean): void;
}

class Context implements FunctionContext {
  [name: string]: unknown;

  readonly needsInputGrad: readonly boolean[];
  savedTensors: readonly Tensor[] = [];
  notDifferentiable: readonly Tensor[] = [];
  materializes = true;

  static {
    takeNoMore(Context, 'setMaterializeGrads');
  }

  constructor(needsInputGrad: readonly boolean[]) {
    this.needsInputGrad = needsInputGrad;
  }

  saveForBackward(...tensors: Tensor[]): void {
    requireTensors('saveForBackward', tensors, 'keep it as a property of the context');
    this.savedTensors = tensors;
  }

  markNonDifferentiable(...results: Tensor[]): void {
    requireTensors('markNonDifferentiable', results, 'give it results of forward');
    this.notDifferentiable = results;
  }

  setMaterializeGrads(value: boolean): void {
    if (!boolean.accepts(value)) boolean.refuse('setMaterializeGrads', 'value', value);
    this.materializes = value;
  }
}

function requireTensors(op: string, list: readonly unknown[], hint: string): void {
  const wrong = list.findIndex((one) => !isTensor(one));
  if (wrong >= 0)
    throw new ValueError(`${op}: argument ${wrong} must be a Tensor, got ${describe(list[wrong])}; ${hint}`);
}

/** What a subclass has to have. */
interface Definition {
  readonly name: string;
  forward(ctx: FunctionContext, ...args: never[]): unknown;
  backward(ctx: FunctionContext, ...grads: never[]): unknown;
}

type ArgumentsOf<D extends Definition> = D['forward'] extends (ctx: FunctionContext, ...args: infer A) => unknown
  ? A
  : never;

/** What one application leaves for its backward pass. */
interface Application {
  readonly definition: Definition;
  readonly ctx: Context;
  /** Which arguments are tensors. */
  readonly places: readonly number[];
  readonly shapes: readonly Shape[];
  readonly dtypes: readonly DType[];
  readonly results: readonly { readonly shape: Shape; readonly dtype: DType }[];
  /** What has come for each result in the pass under way. */
  readonly arrived: (Tensor | null)[];
}

/**
 * A differentiable operation of your own, with a gradient by hand: subclass it with static methods `forward` and `backward`, and call
 * `apply`. For scalar formulas `elementwise` is shorter and faster.
 *
 * `forward(ctx, ...args)` computes the result, a tensor or an array of them, from any arguments; nothing in it is recorded.
 * `backward(ctx, ...grads)` is given the gradient of each result and returns one per argument (an array, or the one of a single argument), null
 * for what has none. What it computes is recorded when the pass is (`createGraph`), so that gradients of gradients follow.
 *
 * @throws AutogradError if the number of gradients is not that of the arguments; ShapeError for one that does not fit its argument
 * @example
 * ```ts
 * class Exp extends autograd.Function {
 *   static override forward(ctx: FunctionContext, x: Tensor): Tensor {
 *     const y = x.exp();
 *     ctx.saveForBackward(y);
 *     return y;
 *   }
 *   static override backward(ctx: FunctionContext, grad: Tensor): Tensor {
 *     return grad.mul(ctx.savedTensors[0]!);
 *   }
 * }
 * const x = tensor([0, 1], { requiresGrad: true });
 * Exp.apply(x).sum().backward();
 * x.grad; // tensor([1.0000, 2.7183])
 * ```
 * @see https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function
 */
export abstract class CustomFunction {
  protected constructor() {
    throw new AutogradError('Function: call the static method apply; functions are not made by new');
  }

  /** The result of the arguments. */
  static forward(_ctx: FunctionContext, ..._args: never[]): unknown {
    throw new AutogradError('Function: define a static method forward(ctx, ...args)');
  }

  /** The gradients of the arguments, from those of the results. */
  static backward(_ctx: FunctionContext, ..._grads: never[]): unknown {
    throw new AutogradError('Function: define a static method backward(ctx, ...grads)');
  }

  /** Calls `forward`, and records it if a gradient is wanted. */
  static apply<D extends Definition>(this: D, ...args: ArgumentsOf<D>): ReturnType<D['forward']> {
    // biome-ignore lint/complexity/noThisInStatic: the subclass that it is called on
    return applyFunction(this, args) as ReturnType<D['forward']>;
  }
}

function requireDefinition(given: unknown): void {
  const parts: Partial<Definition> = typeof given === 'function' ? given : {};
  if (typeof parts.forward === 'function' && typeof parts.backward === 'function') return;
  throw new ValueError(
    `Function.apply: must be called on a class with static methods forward and backward, as in Exp.apply(x); it was called on ${describe(given)}`,
  );
}

function applyFunction(definition: Definition, args: readonly unknown[]): unknown {
  requireDefinition(definition);
  const { name } = definition;
  const wanted = args.map((arg) => isTensor(arg) && recordsGradients() && arg.requiresGrad);
  const ctx = new Context(wanted);
  const returned = noGrad(() => definition.forward(ctx, ...(args as never[])));
  const list: readonly unknown[] = Array.isArray(returned) ? returned : [returned];
  const bad = list.find((result) => !isTensor(result));
  if (bad !== undefined || list.length === 0) {
    throw new ValueError(
      `${name}.forward: expected a tensor or an array of tensors as result, got ${describe(bad ?? returned)}`,
    );
  }
  // An argument as it is would become a result of itself.
  const results = (list as readonly Tensor[]).map((result) => (args.includes(result) ? result.detach() : result));
  if (wanted.includes(true)) recordApplication(definition, ctx, args, results);
  return Array.isArray(returned) ? results : results[0];
}

function recordApplication(
  definition: Definition,
  ctx: Context,
  args: readonly unknown[],
  results: readonly Tensor[],
): void {
  const places = args.flatMap((arg, i) => (isTensor(arg) ? [i] : []));
  const inputs = places.map((i) => args[i] as Tensor);
  const application: Application = {
    definition,
    ctx,
    places,
    shapes: inputs.map(shapeOf),
    dtypes: inputs.map(({ dtype }) => dtype),
    results: results.map((result) => ({ shape: shapeOf(result), dtype: result.dtype })),
    arrived: results.map(() => null),
  };
  const rules = rulesOf(definition);
  const isDifferentiable = (result: Tensor) => isFloat(result.dtype) && !ctx.notDifferentiable.includes(result);
  if (results.length === 1) {
    if (isDifferentiable(results[0]!)) record(results[0]!, rules.inputs, inputs, ctx.savedTensors, application);
    return;
  }
  // Gradients of several results meet at one node, which a tensor that nobody sees is the result of.
  const joint = record(filledOf([], 0, 'float32'), rules.inputs, inputs, ctx.savedTensors, application);
  if (!anyRequiresGrad([joint])) return;
  results.forEach((result, i) => {
    if (isDifferentiable(result)) record(result, rules.result, [joint], [], { application, i });
  });
}

interface Rules {
  /** Passes the gradients of all results on to the inputs. */
  readonly inputs: BackwardRule<Application>;
  /** Notes what comes for one of several results, and wakes the node where they meet. */
  readonly result: BackwardRule<{ readonly application: Application; readonly i: number }>;
}

const known = new WeakMap<Definition, Rules>();

function rulesOf(definition: Definition): Rules {
  let rules = known.get(definition);
  if (rules === undefined) {
    rules = { inputs: inputsRule(definition), result: resultRule(definition) };
    known.set(definition, rules);
  }
  return rules;
}

const resultRule = ({ name }: Definition): Rules['result'] => ({
  name,
  gradFn: `${name}Backward`,
  backward: (grad, _, { application: { arrived }, i }) => {
    arrived[i] = grad;
    return [filledOf([], 0, 'float32')];
  },
});

const inputsRule = ({ name }: Definition): Rules['inputs'] => ({
  name,
  isForeign: true,
  gradFn: `${name}Backward`,
  backward: (grad, saved, application) => {
    const { definition, ctx, results, arrived } = application;
    if (results.length === 1) arrived[0] = grad;
    const grads = results.map(
      ({ shape, dtype }, i) => arrived[i] ?? (ctx.materializes ? filledOf(shape, 0, dtype) : null),
    );
    arrived.fill(null);
    ctx.savedTensors = saved;
    const returned = callShown([...grads, ...saved], () => definition.backward(ctx, ...(grads as never[])));
    return gradientsOf(application, returned);
  },
  abandon: ({ arrived }) => {
    arrived.fill(null);
  },
});

/** The gradients that `backward` returned for the tensors among the arguments. */
function gradientsOf({ definition, ctx, places, shapes, dtypes }: Application, returned: unknown): (Tensor | null)[] {
  const { name } = definition;
  const list: readonly unknown[] = Array.isArray(returned) ? returned : [returned];
  const count = ctx.needsInputGrad.length;
  if (list.length < count || list.slice(count).some((extra) => (extra ?? null) !== null)) {
    throw new AutogradError(
      `${name}.backward: expected ${count} gradients, one per argument of forward, got ${list.length}`,
    );
  }
  return places.map((place, i) => {
    const grad = list[place] ?? null;
    return grad === null ? null : fittedGradient(name, place, grad, shapes[i]!, dtypes[i]!);
  });
}

function fittedGradient(name: string, place: number, grad: unknown, shape: Shape, dtype: DType): Tensor {
  if (!isTensor(grad)) {
    throw new ValueError(`${name}.backward: gradient ${place} must be a Tensor or null, got ${describe(grad)}`);
  }
  if (!broadcastsTo(shape, shapeOf(grad))) {
    throw new ShapeError(
      `${name}.backward: gradient ${place} has shape ${show(shapeOf(grad))}, but the argument ${show(shape)}`,
    );
  }
  const typed = grad.dtype === dtype ? grad : convert(grad, dtype);
  return sameShape(shapeOf(typed), shape) ? typed : sumTo(typed, shape);
}
