import { isGradEnabled } from '../autograd/mode.js';
import { type BackwardRule, record } from '../autograd/node.js';
import type { ComputeType, DType } from '../backend/dtype.js';
import type { Kind } from '../backend/program.js';
import { sameShape } from '../backend/view.js';
import * as e from '../expr/index.js';
import { adjoints, type Expr, inputsOf, rewrite, shareCommon, substitute } from '../expr/index.js';
import { convert, sumTo } from './formula.js';
import { type Frame, Kernel } from './kernel.js';
import { expandTo, viewAs } from './layout.js';
import type { Shape } from './shape.js';
import type { Tensor } from './tensor.js';

/** A gradient written by hand where it is cheaper than the derived one: what flows into each argument, given `g` and the result. */
export type GradientRule = (g: Expr, out: Expr, ...args: Expr[]) => readonly (Expr | null)[];

/** What one application leaves for its backward pass, beside the saved tensors. */
interface Call {
  readonly params: readonly number[];
  readonly frame: Frame | null;
  readonly compute: ComputeType;
  readonly shapes: readonly Shape[];
  readonly dtypes: readonly DType[];
  readonly shape: Shape;
  /** For each slot (inputs, then output) where it is among the saved tensors; -1 if it was not saved. */
  readonly places: readonly number[];
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
  readonly #handmade: GradientRule | null;
  readonly #args: readonly Expr[];
  #expressions: readonly (Expr | null)[] | undefined;
  readonly #gradients = new Map<number, Gradient>();
  readonly #saves = new Map<string, readonly number[]>();
  readonly #joint = new Map<string, { readonly kernel: Kernel; readonly uses: Uses }>();

  /** @param args every argument in order, as an input or a parameter: what a handmade gradient is given */
  constructor(
    name: string,
    root: Expr,
    inputs: readonly Kind[],
    args: readonly Expr[],
    handmade: GradientRule | null = null,
  ) {
    const params = args.filter((arg) => arg.op === 'param').length;
    this.kernel = new Kernel(name, shareCommon([root]), inputs, params);
    this.#args = args;
    this.#handmade = handmade;
    const title = name.charAt(0).toUpperCase() + name.slice(1);
    this.#rule = { name: title, backward: (g, saved, call, needs) => this.#backward(g, saved, call, needs) };
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
    const output = this.kernel.run(inputs, params, dtype, compute, frame)[0]!;
    return this.track(output, inputs, params, compute, frame);
  }

  /** Records `output` as the result of this operation on `inputs`. */
  track(
    output: Tensor,
    inputs: readonly Tensor[],
    params: readonly number[],
    compute: ComputeType,
    frame: Frame | null,
  ): Tensor {
    if (!isGradEnabled() || !inputs.some((input) => input.requiresGrad)) return output;
    const slots = this.#savedSlots(inputs.map((input) => input.requiresGrad));
    const saved = slots.map((slot) => inputs[slot] ?? output);
    const places = inputs.map((_, i) => slots.indexOf(i));
    places.push(slots.indexOf(inputs.length));
    return record(output, this.#rule, inputs, saved, {
      params,
      frame,
      compute,
      shapes: inputs.map((input) => input.shape),
      dtypes: inputs.map((input) => input.dtype),
      shape: frame === null ? output.shape : frame.shape,
      places,
    });
  }

  /** Which inputs and whether the output (numbered after them) the gradients of the needed inputs read. */
  #savedSlots(needs: readonly boolean[]): readonly number[] {
    const key = needs.join();
    let slots = this.#saves.get(key);
    if (slots === undefined) {
      const wanted = this.#gradientExpressions().filter((x, i): x is Expr => needs[i]! && x !== null);
      slots = inputsOf(wanted).filter((slot) => slot <= needs.length);
      this.#saves.set(key, slots);
    }
    return slots;
  }

  #backward(g: Tensor, saved: readonly Tensor[], call: Call, needs: readonly boolean[]): readonly (Tensor | null)[] {
    const gSlot = needs.length + 1;
    const operand = (slot: number) => (slot === gSlot ? g : saved[call.places[slot]!]!);
    const joint = this.#joinable(call, needs) ? this.#jointGradient(needs) : null;
    if (joint !== null) {
      const dtype = call.dtypes[needs.indexOf(true)]!;
      const outputs = joint.kernel.run(joint.uses.map(operand), call.params, dtype, call.compute, null);
      let next = 0;
      return needs.map((need, i) => (need && this.#gradientExpressions()[i] !== null ? outputs[next++]! : null));
    }
    return needs.map((need, i) => {
      if (!need || this.#gradientExpressions()[i] === null) return null;
      return this.#inputGradient(i, operand, call);
    });
  }

  #inputGradient(i: number, operand: (slot: number) => Tensor, call: Call): Tensor {
    const shape = call.shapes[i]!;
    const isG = this.#gradientExpressions()[i]!;
    if (isG.op === 'input') return this.#passOn(operand(isG.value), i, call);
    const { operation, uses } = this.#gradient(i);
    const operands = uses.map(operand);
    if (call.frame !== null || sameShape(shape, call.shape)) {
      const whole = operation.apply(operands, call.params, call.dtypes[i]!, call.compute, call.frame);
      return sameShape(whole.shape, shape) ? whole : sumTo(whole, shape);
    }
    const summed = this.#summedGradient(i);
    const frame = { shape: call.shape, axes: repeatedAxes(shape, call.shape), keepdim: true };
    return viewAs(
      summed.operation.apply(summed.uses.map(operand), call.params, call.dtypes[i]!, call.compute, frame),
      shape,
    );
  }

  /** The gradient is another tensor as it is: repeated over the folded axes, or summed over those the input was repeated over. */
  #passOn(tensor: Tensor, i: number, { frame, shape, shapes, dtypes }: Call): Tensor {
    const typed = tensor.dtype === dtypes[i] ? tensor : convert(tensor, dtypes[i]!);
    if (frame === null || this.kernel.inputs[i] === 'row') return sumTo(typed, shapes[i]!);
    const kept = shape.map((size, axis) => (frame.axes.includes(axis) ? 1 : size));
    const whole = sameShape(typed.shape, shape) ? typed : expandTo(viewAs(typed, kept), shape);
    return sumTo(whole, shapes[i]!);
  }

  /** Several gradients in one pass over memory: only unrecorded, and where each has the shape and type of the whole. */
  #joinable(call: Call, needs: readonly boolean[]): boolean {
    if (isGradEnabled() || call.frame !== null || needs.indexOf(true) === needs.lastIndexOf(true)) return false;
    const dtype = call.dtypes[needs.indexOf(true)];
    return needs.every((need, i) => {
      if (!need) return true;
      const derived = this.#gradientExpressions()[i];
      if (derived === null || derived === undefined) return true;
      return derived.op !== 'input' && call.dtypes[i] === dtype && sameShape(call.shapes[i]!, call.shape);
    });
  }

  #jointGradient(needs: readonly boolean[]): { readonly kernel: Kernel; readonly uses: Uses } {
    const key = needs.join();
    let joint = this.#joint.get(key);
    if (joint === undefined) {
      const roots = this.#gradientExpressions().filter((x, i): x is Expr => needs[i]! && x !== null);
      const { expressions, uses } = renumber(roots, () => 'element');
      joint = {
        kernel: new Kernel(
          `${this.kernel.name}Backward`,
          expressions,
          uses.map(() => 'element'),
          this.kernel.params,
        ),
        uses,
      };
      this.#joint.set(key, joint);
    }
    return joint;
  }

  #gradient(i: number): Gradient {
    const kindOf = (slot: number): Kind => this.kernel.inputs[slot] ?? (this.#root.rate === 'row' ? 'row' : 'element');
    const expression = this.#gradientExpressions()[i]!;
    return this.#memoised(i, expression, kindOf);
  }

  /** The gradient of an input that was repeated, summed over the axes it was repeated over. */
  #summedGradient(i: number): Gradient {
    return this.#memoised(-1 - i, e.rowSum(this.#gradientExpressions()[i]!), () => 'element');
  }

  #memoised(key: number, expression: Expr, kindOf: (slot: number) => Kind): Gradient {
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
      const byArgument = this.#handmade(g, out, ...this.#args);
      return this.#args.flatMap((arg, i) => (arg.op === 'input' ? [atElementRate(byArgument[i] ?? null, arg)] : []));
    }
    const leaves = e.topological([root]).filter((node) => node.op === 'input');
    const targets = this.kernel.inputs.map((k, i) => leaves.find((leaf) => leaf.value === i) ?? e.input(i, k));
    return adjoints(root, g, targets).map((x, i) => x && atElementRate(viaOutput(x, root, out, count), targets[i]!));
  }
}

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
  // Without folds there are no rows: row operands are then simply broadcast.
  const kinds = e.hasFolds([expression]) ? kindOf : (): Kind => 'element';
  const { expressions, uses } = renumber([expression], kinds);
  const inputs = uses.map(kinds);
  const args = [...inputs.map((kind, i) => e.input(i, kind)), ...Array.from({ length: params }, (_, i) => e.param(i))];
  return { operation: new Operation(name, expressions[0]!, inputs, args), uses };
}

/** The axes of `whole` that an input of shape `own` was repeated over. */
function repeatedAxes(own: Shape, whole: Shape): number[] {
  const lead = whole.length - own.length;
  return [...whole.keys()].filter((axis) => axis < lead || (own[axis - lead] === 1 && whole[axis] !== 1));
}
