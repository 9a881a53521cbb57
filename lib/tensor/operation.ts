import { recordsGradients } from '../autograd/mode.js';
import { attach, type BackwardRule } from '../autograd/node.js';
import type { ComputeType, DType } from '../backend/dtype.js';
import type { Kind } from '../backend/program.js';
import { MAX_OPERANDS, sameShape } from '../backend/view.js';
import * as e from '../expr/index.js';
import { adjoints, type Expr, inputsOf, rewrite, shareCommon, substitute } from '../expr/index.js';
import { convert, sumOver } from './basics.js';
import { type Choice, choice } from './choice.js';
import { filledOf } from './empty.js';
import { type Frame, Kernel } from './kernel.js';
import { fitted, repeatOver, repetition, sumTo } from './layout.js';
import type { Shape } from './shape.js';
import { anyRequiresGrad, shapeOf, type Tensor, viewOf } from './tensor.js';

/** A gradient written by hand: what flows into each argument, given `g` and the result. */
type Gradients = (g: Expr, out: Expr) => readonly (Expr | null)[];

/** What one application leaves for its backward pass, beside the saved tensors. */
interface Call {
  readonly params: readonly number[];
  readonly frame: Frame | null;
  readonly compute: ComputeType;
  readonly shapes: readonly Shape[];
  readonly dtypes: readonly DType[];
  readonly shape: Shape;
  readonly plan: Plan;
}

/** What follows from which inputs need a gradient; made once for each such choice. */
interface Plan {
  /** The inputs, and the output (numbered after them), that the gradients read: what is saved. */
  readonly saved: readonly number[];
  /** For each slot (inputs, then output) where it is among the saved; -1 if it is not. */
  readonly places: readonly number[];
  /** Per input, its gradient over the slots inputs, output, g; null where none is needed or nothing flows. */
  readonly gradients: readonly (Expr | null)[];
  /** The inputs that want a gradient although the result does not vary with them, as that of `floor`: theirs is zeros. */
  readonly flat: readonly number[];
}

/** Operands of a gradient, as numbers: the inputs, then the output, then g. */
type Uses = readonly number[];

interface Gradient {
  readonly operation: Operation;
  readonly uses: Uses;
}

/**
 * An expression over tensors as a differentiable operation. Its gradients are operations too, derived from the expression when first
 * wanted, so that gradients of gradients need nothing more.
 */
export class Operation {
  readonly kernel: Kernel;
  readonly #rule: BackwardRule<Call>;
  readonly #handmade: Gradients | null;
  readonly #args: readonly Expr[];
  #expressions: readonly (Expr | null)[] | undefined;
  readonly #gradients = new Map<number, Gradient>();
  readonly #plans = new Map<Choice, Plan>();
  readonly #joint = new Map<Plan, { readonly kernel: Kernel; readonly uses: Uses }>();

  /** @param args every argument in order, as an input or a parameter */
  constructor(
    name: string,
    root: Expr,
    inputs: readonly Kind[],
    args: readonly Expr[],
    handmade: Gradients | null = null,
    keepsOrder = false,
  ) {
    const params = args.filter((arg) => arg.op === 'param').length;
    this.kernel = new Kernel(name, shareCommon([root]), inputs, params, keepsOrder);
    this.#args = args;
    this.#handmade = handmade;
    const title = name.charAt(0).toUpperCase() + name.slice(1);
    this.#rule = { name: title, backward: (g, saved, call) => this.#backward(g, saved, call) };
  }

  get #root(): Expr {
    return this.kernel.roots[0]!;
  }

  apply(
    inputs: readonly Tensor[],
    params: readonly number[],
    dtype: DType,
    compute: ComputeType,
    frame: Frame | null,
  ): Tensor {
    const [output] = this.kernel.run(inputs, params, dtype, compute, frame);
    return this.track(output, inputs, params, compute, frame);
  }

  /** Records `output` as the result of this operation on `inputs`; `values` hold what these were, where a write has changed them. */
  track(
    output: Tensor,
    inputs: readonly Tensor[],
    params: readonly number[],
    compute: ComputeType,
    frame: Frame | null,
    values = inputs,
  ): Tensor {
    if (!recordsGradients() || !anyRequiresGrad(inputs)) return output;
    const plan = this.#plan(inputs);
    const saved = new Array<Tensor>(plan.saved.length);
    for (let i = 0; i < saved.length; i++) saved[i] = values[plan.saved[i]!] ?? output;
    const shapes = new Array<Shape>(inputs.length);
    const dtypes = new Array<DType>(inputs.length);
    for (let i = 0; i < inputs.length; i++) {
      const view = viewOf(inputs[i]!);
      shapes[i] = view.shape;
      dtypes[i] = view.dtype;
    }
    const shape = frame === null ? shapeOf(output) : frame.shape;
    return attach(output, this.#rule, inputs, saved, { params, frame, compute, shapes, dtypes, shape, plan });
  }

  #plan(inputs: readonly Tensor[]): Plan {
    const needed = choice(inputs, requiresGradient);
    let plan = this.#plans.get(needed);
    if (plan === undefined) {
      const gradients = this.#gradientExpressions().map((x, i) => (inputs[i]!.requiresGrad ? x : null));
      const saved = inputsOf(gradients.filter((x) => x !== null)).filter((slot) => slot <= inputs.length);
      const places = Array.from({ length: inputs.length + 1 }, (_, slot) => saved.indexOf(slot));
      // Where a gradient by hand has none, there is none; where none could be derived, it is zero.
      const flat = inputs.flatMap(({ requiresGrad }, i) =>
        requiresGrad && this.#handmade === null && gradients[i] === null ? [i] : [],
      );
      plan = { gradients, saved, places, flat };
      this.#plans.set(needed, plan);
    }
    return plan;
  }

  #backward(g: Tensor, saved: readonly Tensor[], call: Call): readonly (Tensor | null)[] {
    const { places, gradients } = call.plan;
    const operand = (slot: number) => (slot === places.length ? g : saved[places[slot]!]!);
    const found = this.#joinable(call)
      ? this.#jointGradients(operand, call)
      : gradients.map((gradient, i) => (gradient === null ? null : this.#inputGradient(i, operand, call)));
    for (const i of call.plan.flat) found[i] = filledOf(call.shapes[i]!, 0, call.dtypes[i]!);
    return found;
  }

  #inputGradient(i: number, operand: (slot: number) => Tensor, call: Call): Tensor {
    const shape = call.shapes[i]!;
    const bare = call.plan.gradients[i]!;
    if (bare.op === 'input') return this.#passOn(operand(bare.value), i, call);
    // An expression without rows has a value per element even for an input that has one per row.
    const perRow = call.frame !== null && this.kernel.inputs[i] === 'row' && bare.rate === 'element';
    const repeated = call.frame === null && !sameShape(shape, call.shape);
    const { operation, uses } = perRow || repeated ? this.#summedGradient(i) : this.#gradient(i);
    const frame = repeated ? repetition(shape, call.shape) : call.frame;
    const gradient = operation.apply(uses.map(operand), call.params, call.dtypes[i]!, call.compute, frame);
    return repeated ? fitted(gradient, shape) : sumTo(gradient, shape);
  }

  /** The gradient is another tensor as it is: repeated over the folded axes, or summed over those the input was repeated over. */
  #passOn(tensor: Tensor, i: number, { frame, shapes, dtypes }: Call): Tensor {
    const typed = tensor.dtype === dtypes[i] ? tensor : convert(tensor, dtypes[i]!);
    if (frame === null) return sumTo(typed, shapes[i]!);
    const whole = sameShape(shapeOf(typed), frame.shape);
    if (this.kernel.inputs[i] === 'row') return whole ? sumOver(typed, typed.dtype, frame) : typed;
    return sumTo(whole ? typed : repeatOver(typed, frame), shapes[i]!);
  }

  /** Several gradients in one pass over memory: only unrecorded, and where each has the shape and type of the whole. */
  #joinable({ frame, plan, shape, shapes, dtypes }: Call): boolean {
    if (recordsGradients() || frame !== null) return false;
    let first = -1;
    let count = 0;
    for (let i = 0; i < plan.gradients.length; i++) {
      const gradient = plan.gradients[i];
      if (gradient === null || gradient === undefined) continue;
      if (first < 0) first = i;
      if (gradient.op === 'input' || dtypes[i] !== dtypes[first] || !sameShape(shapes[i]!, shape)) return false;
      count++;
    }
    return count > 1 && plan.places.length + 1 + count <= MAX_OPERANDS;
  }

  #jointGradients(operand: (slot: number) => Tensor, { plan, params, dtypes, compute }: Call): (Tensor | null)[] {
    let joint = this.#joint.get(plan);
    if (joint === undefined) {
      const roots = plan.gradients.filter((x) => x !== null);
      const { expressions, uses } = renumber(roots, () => 'element');
      const kinds = uses.map((): Kind => 'element');
      joint = { kernel: new Kernel(`${this.kernel.name}Backward`, expressions, kinds, this.kernel.params), uses };
      this.#joint.set(plan, joint);
    }
    const dtype = dtypes[plan.gradients.findIndex((x) => x !== null)]!;
    const outputs = joint.kernel.run(joint.uses.map(operand), params, dtype, compute, null);
    let next = 0;
    return plan.gradients.map((gradient) => (gradient === null ? null : outputs[next++]!));
  }

  #gradient(i: number): Gradient {
    return this.#memoised(i, this.#gradientExpressions()[i]!);
  }

  /** The gradient of an input that was repeated, summed over the axes it was repeated over. */
  #summedGradient(i: number): Gradient {
    return this.#memoised(-1 - i, e.rowSum(this.#gradientExpressions()[i]!));
  }

  #memoised(key: number, expression: Expr): Gradient {
    const kindOf = (slot: number): Kind => this.kernel.inputs[slot] ?? (this.#root.rate === 'row' ? 'row' : 'element');
    let gradient = this.#gradients.get(key);
    if (gradient === undefined) {
      gradient = derivedOperation(`${this.kernel.name}Backward`, expression, kindOf, this.kernel.params);
      this.#gradients.set(key, gradient);
    }
    return gradient;
  }

  /** Per input, its gradient over the slots inputs, output, g; null where nothing flows. */
  #gradientExpressions(): readonly (Expr | null)[] {
    this.#expressions ??= this.#derive();
    return this.#expressions;
  }

  #derive(): (Expr | null)[] {
    const root = this.#root;
    const count = this.kernel.inputs.length;
    const kind: Kind = root.rate === 'row' ? 'row' : 'element';
    const out = e.input(count, kind);
    const g = e.input(count + 1, kind);
    if (this.#handmade !== null) {
      const byArgument = this.#handmade(g, out);
      return this.#args.flatMap((arg, i) => (arg.op === 'input' ? [atElementRate(byArgument[i] ?? null, arg)] : []));
    }
    const leaves = e.topological([root]).filter((node) => node.op === 'input');
    const targets = this.kernel.inputs.map((k, i) => leaves.find((leaf) => leaf.value === i) ?? e.input(i, k));
    return adjoints(root, g, targets).map((x, i) => x && atElementRate(viaOutput(x, root, out, count), targets[i]!));
  }
}

const requiresGradient = (x: Tensor): boolean => x.requiresGrad;

/** With the result in place of what made it, if that spares saving (and recomputing from) the inputs. */
function viaOutput(gradient: Expr, root: Expr, out: Expr, inputs: number): Expr {
  const replaced = substitute(gradient, root, out);
  return inputsOf([replaced]).some((slot) => slot < inputs) ? gradient : replaced;
}

/** The gradient of an element input has a value per element, even where all of a row are the same. */
function atElementRate(gradient: Expr | null, target: Expr): Expr | null {
  const bare = gradient === null || gradient.op === 'input' || gradient.rate === 'element' || target.rate !== 'element';
  return bare ? gradient : e.expand(gradient);
}

/** Numbers the inputs that `roots` read from 0 on. */
function renumber(roots: readonly Expr[], kindOf: (slot: number) => Kind): { expressions: Expr[]; uses: number[] } {
  const uses = inputsOf(roots);
  const inputs = uses.map((slot, i) => e.input(i, kindOf(slot)));
  const expressions = rewrite(roots, (original, rebuilt) => {
    return original.op === 'input' ? inputs[uses.indexOf(original.value)]! : rebuilt;
  });
  return { expressions: shareCommon(expressions), uses };
}

function derivedOperation(name: string, expression: Expr, kindOf: (slot: number) => Kind, params: number): Gradient {
  // Without folds there are no rows to compute with: row operands are then broadcast like any other.
  const { expressions, uses } = renumber([expression], e.hasRows([expression]) ? kindOf : () => 'element');
  const inputs = uses.map(kindOf);
  const args = [...inputs.map((kind, i) => e.input(i, kind)), ...Array.from({ length: params }, (_, i) => e.param(i))];
  return { operation: new Operation(name, expressions[0]!, inputs, args), uses };
}
