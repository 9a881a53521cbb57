import { define } from '../arguments/define.js';
import { callback } from '../arguments/kinds.js';
import { signature } from '../arguments/signature.js';
import { recordsGradients } from '../autograd/mode.js';
import { type BackwardRule, record, requireFresh } from '../autograd/node.js';
import type { ComputeType, DType } from '../backend/dtype.js';
import { computeType, dtypes, isBool, isFloat, isInteger } from '../backend/dtype.js';
import { isRepeated, sameShape, sameView } from '../backend/view.js';
import { describe } from '../describe.js';
import { AutogradError, DTypeError, ShapeError, ValueError } from '../errors.js';
import { Expr, type ExprLike, input, isConstant, isMade, rewrite, toExpr, topological } from '../expr/index.js';
import { convert } from './basics.js';
import { requireInt32 } from './check.js';
import { filledOf } from './empty.js';
import { copying, Formula, type GradientRule, type Operands } from './formula.js';
import * as kinds from './kinds.js';
import { expandTo, sumTo } from './layout.js';
import { commonType, type Operand } from './promotion.js';
import { broadcastShapes, type Shape, show } from './shape.js';
import {
  baseOf,
  countHistory,
  isTensor,
  isTensorOperand,
  nodeOf,
  shapeOf,
  storageOf,
  type Tensor,
  viewOf,
} from './tensor.js';
import { rebase, requireWindow, write } from './windows.js';

export type { Operand } from './promotion.js';

/** A function of tensors that, given expressions, is that part of a larger expression. */
export interface Unary {
  readonly operands: 1;
  (x: Expr): Expr;
  (x: Tensor): Tensor;
}

/** The same of two arguments; either may be a number. */
export interface Binary {
  readonly operands: 2;
  (a: Expr, b: ExprLike): Expr;
  (a: ExprLike, b: Expr): Expr;
  (a: Operand, b: Operand): Tensor;
}

/**
 * The element type of a result: `promote` as the operands promote, `number` the same but int32 for bools, `float` but float32 for
 * integers and bools, `float64` and `bool` whatever they are.
 */
export type ResultRule = 'promote' | 'number' | 'float' | 'float64' | 'bool';

/** Which element types, of those that operands can promote to, an operation takes, and the way out of the others. */
const TAKES = {
  numbers: { fits: (dtype: DType) => !isBool(dtype), hint: 'convert with .int()' },
  integers: { fits: isInteger, hint: 'convert with .int()' },
  'integers and bools': { fits: (dtype: DType) => !isFloat(dtype), hint: 'convert with .int()' },
  floats: { fits: isFloat, hint: 'convert with .float()' },
} as const;

interface Settings<R extends Expr[]> {
  readonly result?: ResultRule;
  readonly gradient?: GradientRule<[x: Expr, ...R]>;
  /** Element types that are refused, with the way out. */
  readonly refuse?: { readonly dtype: DType; readonly hint: string };
  /** What the operands may promote to. Default: anything. */
  readonly takes?: keyof typeof TAKES;
  /** Whether all tensors must have one element type. */
  readonly sameType?: boolean;
  /** Whether plain numbers may stand for the first operand, or for any; PyTorch takes them in arithmetic but not in comparisons. */
  readonly numbers?: 'any' | 'not first' | 'none';
  /** How many leading operands are conditions: they do not take part in type promotion, and are never numbers. */
  readonly conditions?: number;
  /** How many trailing operands are factors: numbers that do not take part in type promotion either. */
  readonly factors?: number;
  /** Whether a result is in the order of memory of the operands, as in PyTorch mostly, or row by row. Default: true. */
  readonly keepsOrder?: boolean;
  /** Compute in float64 whatever the type, where float32 would round what has to be exact. */
  readonly wide?: boolean;
}

/** All settings, in one order whatever was given: V8 reads what comes in many shapes slowly, and every call asks for most of them. */
const complete = <R extends Expr[]>(given: Settings<R>) => ({
  result: given.result ?? 'promote',
  refuse: given.refuse ?? null,
  takes: given.takes === undefined ? null : TAKES[given.takes],
  sameType: given.sameType ?? false,
  numbers: given.numbers ?? 'any',
  conditions: given.conditions ?? 0,
  factors: given.factors ?? 0,
  wide: given.wide ?? false,
});

/** What an elementwise operation of an expression with `R` after its first argument is called with. */
type Arguments<R extends Expr[]> = readonly [Operand, ...Operands<R>];

/** The same where expressions may be among them. */
type Mixed<R extends Expr[]> = readonly [Operand | Expr, ...{ readonly [K in keyof R]: Operand | Expr }];

/** An elementwise operation: one expression, and what follows from it. `R` are its arguments after the first. */
export class Pointwise<R extends Expr[]> {
  readonly formula: Formula<[x: Expr, ...R]>;
  readonly arity: number;
  /** What writes over its first operand is called. */
  readonly #nameInPlace: string;
  readonly #settings: ReturnType<typeof complete>;

  constructor(name: string, build: (x: Expr, ...rest: R) => Expr, settings: Settings<R> = {}, arity = build.length) {
    this.formula = new Formula(name, build, {
      gradient: settings.gradient ?? null,
      keepsOrder: settings.keepsOrder ?? true,
    });
    this.arity = arity;
    this.#nameInPlace = `${name}_`;
    this.#settings = complete(settings);
  }

  /** The expression itself if any argument is one, else the operation on tensors. */
  call(args: Mixed<R>): Tensor | Expr {
    for (let i = 0; i < args.length; i++) {
      const arg = args[i];
      if (typeof arg === 'object' && !isTensorOperand(arg) && arg instanceof Expr) return this.#build(args);
    }
    return this.apply(args as Arguments<R>);
  }

  apply(args: Arguments<R>): Tensor {
    const tensors = this.#check(args);
    const operands = tensors > 0 ? args : firstAsTensor(args);
    const promoted = this.#promoted(operands);
    const dtype = this.#resultType(promoted);
    if (isInteger(dtype)) this.#requireInt32(operands);
    return this.formula.call(this.#rounded(operands, dtype), dtype, this.#compute(dtype, promoted));
  }

  /** The same, with a result of the given type whatever the operands promote to. */
  applyAs(dtype: DType, args: Arguments<R>): Tensor {
    this.#check(args);
    if (isInteger(dtype)) this.#requireInt32(args);
    return this.formula.call(args, dtype);
  }

  /** Writes the result over `x`, the first operand. */
  applyInPlace(x: Tensor, rest: Operands<R>): Tensor {
    if (!isTensorOperand(x)) kinds.tensor.refuse(this.#nameInPlace, 'input', x);
    const operands: Arguments<R> = [x, ...rest];
    const name = this.#nameInPlace;
    this.#check(operands, name);
    const promoted = this.#promoted(operands, name);
    const dtype = this.#resultType(promoted);
    const alwaysFloat64 = this.#settings.result === 'float64';
    if (
      (isFloat(dtype) && !isFloat(x.dtype)) ||
      (!isBool(dtype) && isBool(x.dtype)) ||
      (alwaysFloat64 && x.dtype !== dtype)
    ) {
      throw new DTypeError(`${name}: the result is ${dtype} and cannot be stored in a ${x.dtype} tensor`);
    }
    if (isInteger(dtype)) this.#requireInt32(operands, name);
    const compute = this.#compute(dtype, promoted);
    return writeInPlace(name, this.formula, x, this.#rounded(operands, dtype), compute);
  }

  #promoted(operands: readonly Operand[], name = this.formula.name): DType {
    const { conditions, factors, takes } = this.#settings;
    const promoted = commonType(operands, conditions, operands.length - factors);
    if (takes === null || takes.fits(promoted)) return promoted;
    throw new DTypeError(`${name}: not defined for ${promoted} tensors; ${takes.hint}`);
  }

  #compute(dtype: DType, promoted: DType): ComputeType {
    if (this.#settings.wide) return 'float64';
    return isFloat(dtype) ? dtype : computeType(promoted);
  }

  /** What is computed in float64 for another type has operands of that type all the same. */
  #rounded(args: Arguments<R>, dtype: DType): Arguments<R> {
    if (!this.#settings.wide || !isFloat(dtype)) return args;
    const rounded = (x: Operand): Operand => {
      if (typeof x === 'number') return dtypes[dtype].round(x);
      return isFloat(x.dtype) && x.dtype !== dtype ? convert(x, dtype) : x;
    };
    return args.map(rounded) as readonly Operand[] as Arguments<R>;
  }

  /** Of what is computed in int32, the numbers among the operands are int32 too. */
  #requireInt32(operands: readonly Operand[], name = this.formula.name): void {
    const { factors } = this.#settings;
    for (let i = 0; i < operands.length - factors; i++) {
      const operand = operands[i]!;
      if (typeof operand === 'number') requireInt32(name, operand);
    }
  }

  #resultType(promoted: DType): DType {
    const { result } = this.#settings;
    if (result === 'bool' || result === 'float64') return result;
    if (result === 'number' && isBool(promoted)) return 'int32';
    return result === 'float' && !isFloat(promoted) ? 'float32' : promoted;
  }

  #build(args: Mixed<R>): Expr {
    this.#checkCount(args);
    return this.formula.build(...(args.map((arg, i) => toExpr(this.#expression(arg, i))) as [Expr, ...R]));
  }

  #expression(arg: unknown, i: number): ExprLike {
    if (typeof arg === 'number' || arg instanceof Expr) return arg;
    if (isTensor(arg))
      throw new ValueError(`${this.formula.name}: cannot mix a Tensor with an expression; make it an argument`);
    throw new ValueError(`${this.formula.name}: operand ${i} must be an expression or a number, got ${describe(arg)}`);
  }

  #checkCount(args: readonly unknown[], name = this.formula.name): void {
    const { arity } = this;
    if (args.length === arity) return;
    throw new ValueError(`${name}: expected ${arity === 1 ? '1 operand' : `${arity} operands`}, got ${args.length}`);
  }

  /** Returns how many are tensors. */
  #check(args: readonly Operand[], name = this.formula.name): number {
    this.#checkCount(args, name);
    const { refuse, numbers, conditions, sameType } = this.#settings;
    if (sameType) requireSameType(name, args);
    let tensors = 0;
    for (let i = 0; i < args.length; i++) {
      const arg = args[i]!;
      if (isTensorOperand(arg)) {
        tensors++;
        if (refuse === null || arg.dtype !== refuse.dtype) continue;
        throw new DTypeError(`${name}: not defined for ${refuse.dtype} tensors; ${refuse.hint}`);
      }
      // The name of the operand is put together for the error alone: this is asked in every call.
      if (typeof arg !== 'number') kinds.operand.refuse(name, `operand ${i}`, arg);
      if (numbers === 'none' || (numbers === 'not first' && i === 0) || i < conditions || this.arity === 1) {
        throw new ValueError(`${name}: operand ${i} must be a Tensor, got ${arg}; wrap it as tensor(${arg})`);
      }
    }
    return tensors;
  }
}

function firstAsTensor<R extends Expr[]>([first, ...rest]: Arguments<R>): Arguments<R> {
  return [typeof first === 'number' ? filledOf([], first, 'float32') : first, ...rest];
}

function requireSameType(name: string, args: readonly Operand[]): void {
  const types = new Set(args.filter((arg) => isTensor(arg)).map(({ dtype }) => dtype));
  if (types.size <= 1) return;
  const [first, second] = types;
  throw new DTypeError(`${name}: the tensors must have one element type, got ${first} and ${second}; use .to()`);
}

/** An operation as those see it who do not know how many arguments it has: it looks itself. */
export interface AnyPointwise {
  readonly arity: number;
  readonly formula: { readonly name: string };
  call(args: readonly (Operand | Expr)[]): Tensor | Expr;
  applyInPlace(x: Tensor, rest: readonly Operand[]): Tensor;
}

const registry = new WeakMap<object, AnyPointwise>();

/** The operation behind a function made by `unary`, `binary` or `elementwise`; undefined for other functions. */
export const pointwiseOf = (fn: object): AnyPointwise | undefined => registry.get(fn);

function callable<F extends object>(operation: AnyPointwise): F {
  const fn = (...args: (Operand | Expr)[]) => operation.call(args);
  Object.defineProperties(fn, {
    name: { value: operation.formula.name },
    length: { value: operation.arity },
    operands: { value: operation.arity },
  });
  registry.set(fn, operation);
  return fn as object as F;
}

export const unary = (name: string, build: (x: Expr) => Expr, settings?: Settings<[]>): Unary =>
  callable(new Pointwise<[]>(name, build, settings));

export const binary = (name: string, build: (a: Expr, b: Expr) => Expr, settings?: Settings<[Expr]>): Binary =>
  callable(new Pointwise<[Expr]>(name, build, settings));

/** The function type that `elementwise` makes of an expression of as many arguments. */
export interface Elementwise<A extends Expr[]> {
  (...args: { [K in keyof A]: Operand }): Tensor;
  (...args: { [K in keyof A]: ExprLike }): Expr;
}

const building = signature('build, /', { build: callback<(...args: Expr[]) => unknown>() });

/**
 * Makes an operation of your own from one scalar expression: it runs fused in one pass over memory, in SIMD, broadcasts its arguments
 * and is differentiable, any number of times, without a derivative being written.
 *
 * Build the expression from nabla's own elementwise functions (`add`, `mul`, `exp`, `tanh`, `where`, `gt`, …); numbers in it are constants.
 * The function is called once, with expressions, so it must not branch on their values: use `where`.
 *
 * @param build the expression, in terms of its arguments
 * @returns a function of tensors (or numbers), which also takes expressions and so can be part of another one
 * It may have any number of arguments, of which 43 at a time can be tensors.
 *
 * @throws ValueError if `build` does not return an expression of its arguments, or one more than 400 operations deep; when called,
 * for more than 43 tensors
 * @example
 * ```ts
 * const mish = elementwise((x) => mul(x, tanh(softplus(x))));
 * const x = tensor([-1, 0, 1], { requiresGrad: true });
 * mish(x).sum().backward();
 * x.grad; // tensor([0.0592, 0.6000, 1.0490])
 * ```
 */
export const elementwise = define('elementwise', building, (build) => {
  if (build.length === 0) throw new ValueError('elementwise: build must take one or more arguments, but it takes none');
  const inputs = Array.from({ length: build.length }, (_, i) => input(i, 'element'));
  const root = build(...inputs);
  checkExpression(root, inputs);
  const over = (...args: Expr[]): Expr =>
    rewrite([root], (original, rebuilt) => (original.op === 'input' ? args[original.value]! : rebuilt))[0]!;
  return callable(new Pointwise(build.name || 'elementwise', over, { result: 'float' }, build.length));
}) as <A extends Expr[]>(build: (...args: A) => Expr) => Elementwise<A>;

/** A gradient keeps what each operation made in a register: those of more would fit no cache. */
const MOST_DEPTH = 400;

/** The function of the user can have returned anything: an argument of another function, kept from its call, would be taken for an own one. */
function checkExpression(root: unknown, inputs: readonly Expr[]): asserts root is Expr {
  if (!(root instanceof Expr && isMade(root))) {
    throw new ValueError(`elementwise: the function must return an expression, but it returned ${describe(root)}`);
  }
  for (const node of topological([root])) {
    if (node.args.length > 0 || isConstant(node) || inputs.includes(node)) continue;
    throw new ValueError(
      'elementwise: the expression contains an argument of another function; give it to this one as an argument of its own',
    );
  }
  const { depth } = root;
  if (depth <= MOST_DEPTH) return;
  throw new ValueError(
    `elementwise: the expression is ${depth} operations deep, of ${MOST_DEPTH} that there may be; make several functions of it`,
  );
}

/** Runs a formula over `x` itself, and makes `x` the result in the graph. */
export function writeInPlace<A extends Expr[]>(
  name: string,
  formula: Formula<A>,
  x: Tensor,
  args: Operands<A>,
  compute = computeType(x.dtype),
): Tensor {
  const recorded = recordsGradients() && isFloat(x.dtype) && (isInGraph(x) || anyInGraph(args));
  checkWritable(name, x, recorded);
  if (!recorded && isFloat(x.dtype) && isElementByElement(x, args)) {
    formula.write(x, args, null, compute);
    x.bumpVersion(name);
    return x;
  }
  const tensors = args.filter((arg) => isTensor(arg));
  const others = tensors.filter((arg) => arg !== x);
  const shape = broadcastShapes(name, viewOf(x).shape, ...others.map((arg) => viewOf(arg).shape));
  if (!sameShape(shape, viewOf(x).shape))
    throw new ShapeError(`${name}: the result has shape ${show(shape)}, but the tensor ${show(x.shape)}`);
  if (recorded) requireFresh(name, tensors);
  const operation = formula.operation(args);
  // What the write would destroy is copied first: operands that overlap x, and old values that gradients need. The copies are part of the
  // graph, because gradients of gradients flow through what gradients read.
  const storage = storageOf(x);
  const values = tensors.map((arg) => {
    const shared = storageOf(arg) === storage;
    return shared && (recorded || !sameView(viewOf(arg), viewOf(x))) ? copyOf(arg) : arg;
  });
  const params = args.filter((arg) => typeof arg === 'number');
  if (recorded && x.isView && values.length > 0) {
    const result = expandTo(operation.apply(values, params, x.dtype, compute, null), shapeOf(x));
    write(x, result);
    x.bumpVersion(name);
    rebase(x, result);
    return x;
  }
  if (isInteger(x.dtype) && !Object.is(formula, copying)) {
    // A result that does not fit is found on the way: it must not be half written by then.
    const [result] = operation.kernel.run(values, params, 'int32', compute, null);
    copying.operation([result]).kernel.runInto([x], [result], [], 'float64', null);
  } else operation.kernel.runInto([x], values, params, compute, null);
  x.bumpVersion(name);
  if (!recorded) return x;
  if (x.isView) {
    rebase(x, null);
    return x;
  }
  if (tensors.includes(x)) operation.track(x, tensors, params, compute, null, values);
  else recordOverwriting(name, x, tensors[0]);
  countHistory(x);
  return x;
}

function anyInGraph(args: readonly Operand[]): boolean {
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (typeof arg !== 'number' && arg.requiresGrad) return true;
  }
  return false;
}

/** Whether each element of `x` is written over when it, and the one of every operand that belongs to it, was read: most writes, which need nothing else. */
function isElementByElement(x: Tensor, args: readonly Operand[]): boolean {
  const own = viewOf(x);
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (typeof arg === 'number' || arg === x) continue;
    const view = viewOf(arg);
    if (view.storage === own.storage || !sameShape(view.shape, own.shape)) return false;
  }
  return true;
}

/** Notes that all of `x` was written over by what has no gradient. */
export function overwritten(name: string, x: Tensor): void {
  x.bumpVersion(name);
  if (!recordsGradients() || nodeOf(x) === null) return;
  if (x.isView) {
    rebase(x, null);
    return;
  }
  recordOverwriting(name, x);
  countHistory(x);
}

/** Makes `x` the result of writing `source`, or values without a gradient, over all that it was. */
function recordOverwriting(name: string, x: Tensor, source?: Tensor): void {
  const { shape, dtype } = viewOf(source ?? x);
  record(x, overwritingRule(name), source === undefined ? [x] : [x, source], [], { shape, dtype });
}

/** The source of an overwriting, if it has one. */
interface Overwriting {
  readonly shape: Shape;
  readonly dtype: DType;
}

const overwritingRules = new Map<string, BackwardRule<Overwriting>>();

/** What was written over gets a gradient of zeros, as in PyTorch, the source that of a copy. */
function overwritingRule(name: string): BackwardRule<Overwriting> {
  let rule = overwritingRules.get(name);
  if (rule === undefined) {
    rule = {
      name: name.charAt(0).toUpperCase() + name.slice(1, -1),
      backward: (g, _, { shape, dtype }, [oldNeeds, sourceNeeds]) => [
        oldNeeds === true ? filledOf(shapeOf(g), 0, g.dtype) : null,
        sourceNeeds === true ? sumTo(g.dtype === dtype ? g : convert(g, dtype), shape) : null,
      ],
    };
    overwritingRules.set(name, rule);
  }
  return rule;
}

/** Refuses a tensor that an in-place operation which records nothing may not write to. */
export const requireWritable = (name: string, x: Tensor): void =>
  checkWritable(name, x, recordsGradients() && isInGraph(x));

/** Whether a tensor, or what it is a view of, has a gradient. */
const isInGraph = (x: Tensor): boolean => x.requiresGrad || baseOf(x)?.requiresGrad === true;

function checkWritable(name: string, x: Tensor, recorded: boolean): void {
  if (isRepeated(viewOf(x))) {
    throw new ShapeError(`${name}: an expanded tensor has one element in several places; clone() it first`);
  }
  if (!recorded) return;
  if (x.isView) requireWindow(name, x);
  if (nodeOf(x) === null && x.requiresGrad) {
    throw new AutogradError(
      `${name}: a leaf that requires a gradient cannot be changed in place while recording; use noGrad`,
    );
  }
}

const copyOf = (x: Tensor): Tensor => convert(x, x.dtype);
