import { type Fold, type MicroOp, microOps } from '../backend/micro-ops.js';
import type { Kind } from '../backend/program.js';
import { ValueError } from '../errors.js';

/**
 * How often a value lives: once per call (parameters and constants), once per row, or once per element. An operation
 * lives as often as the most frequent of its operands.
 */
export type Rate = 'call' | Kind;

type Leaf = 'input' | 'param' | 'constant';

/** Makes a node; its class is within reach of users, its making is not. */
let make: (op: Expr['op'], args: readonly Expr[], value: number, rate: Rate) => Expr;

/** Whether something is a node that was made here, and so are all below it: what looks like one may hold any number for a slot. */
let isMade: (x: unknown) => boolean;

/** What only this file can give the constructor. */
const KEY = {};

/**
 * A scalar expression: a node of an immutable, possibly shared graph. What `elementwise` gives its function as arguments, and what elementwise
 * operations make of it. It cannot be made by `new`, nor changed.
 *
 * @example
 * ```ts
 * const square = (x: Expr): Expr => mul(x, x);
 * elementwise((x) => add(square(x), 1))(tensor([1, 2])); // tensor([2., 5.])
 * ```
 */
export class Expr {
  readonly op: MicroOp | Leaf | `fold:${Fold}` | 'detach';
  readonly args: readonly Expr[];
  /** The constant itself, or the number of the input or parameter. */
  readonly value: number;
  readonly rate: Rate;
  /** @internal The length of the longest way down to a leaf. */
  readonly depth: number;
  /** @internal Whether it speaks of rows at all: by a fold, or by a position in one. Anything else is a map. */
  readonly hasRows: boolean;
  /**
   * @internal The stage of a program in which it can be computed: an element operation after the last stage that makes a row value it reads; a fold
   * or row operation at the end of the stage that has its operands.
   */
  readonly stage: number;
  readonly #made = true;

  static {
    make = (op, args, value, rate) => new Expr(KEY, op, args, value, rate);
    isMade = (x) => typeof x === 'object' && x !== null && #made in x;
  }

  private constructor(key: object, op: Expr['op'], args: readonly Expr[], value: number, rate: Rate) {
    if (key !== KEY) {
      throw new ValueError('Expr: expressions are made by elementwise and by add, mul, exp and the like, not by new');
    }
    this.op = op;
    this.args = Object.freeze(args);
    this.value = value;
    this.rate = rate;
    // Kept with each node, because merging and compiling ask it of deep expressions again and again.
    const folds = isFold(this);
    let [depth, hasRows, stage] = [0, folds || op === 'position', 0];
    for (const arg of args) {
      const crosses = arg.rate === 'row' && arg.op !== 'input' && (rate === 'element' || folds);
      depth = Math.max(depth, arg.depth + 1);
      hasRows ||= arg.hasRows;
      stage = Math.max(stage, arg.stage + (crosses ? 1 : 0));
    }
    this.depth = depth;
    this.hasRows = hasRows;
    this.stage = stage;
    Object.freeze(this);
  }
}

/** Wherever an expression is wanted, a number is a constant. */
export type ExprLike = Expr | number;

export const input = (index: number, kind: Kind): Expr => make('input', [], index, kind);
export const param = (index: number): Expr => make('param', [], index, 'call');
export const constant = (value: number): Expr => make('constant', [], value, 'call');

export function toExpr(x: ExprLike): Expr {
  if (typeof x === 'number') return constant(x);
  if (!isMade(x)) throw new ValueError('elementwise: an operand is no expression of this library, but looks like one');
  return x;
}

export { isMade };

export const isConstant = (x: Expr, value?: number): boolean =>
  x.op === 'constant' && (value === undefined || Object.is(x.value, value));

const rank: Record<Rate, number> = { call: 0, row: 1, element: 2 };

export function rateOf(args: readonly Expr[]): Rate {
  let rate: Rate = 'call';
  for (const arg of args) if (rank[arg.rate] > rank[rate]) rate = arg.rate;
  return rate;
}

export const isFold = (x: Expr): boolean => x.op.startsWith('fold:');

/** The same node over other operands. */
export function withArgs(x: Expr, args: readonly Expr[]): Expr {
  if (x.op === 'input' || x.op === 'param' || x.op === 'constant') return x;
  if (x.op === 'detach' || isFold(x)) return make(x.op, args, 0, x.op === 'detach' ? args[0]!.rate : 'row');
  return apply(x.op as MicroOp, args);
}

/** Makes a node, or what it simplifies to. Only rewrites that keep the value bit for bit (NaN and signed zero included). */
export function apply(op: MicroOp, args: readonly ExprLike[]): Expr {
  const operands = args.map(toExpr);
  const [a, b, c] = operands as [Expr, Expr, Expr];
  // These say how often a value is there, which is no less of a constant.
  if (op === 'position' || op === 'expand') return make(op, operands, 0, 'element');
  if (operands.every((x) => x.op === 'constant')) {
    return constant(microOps[op].apply(a.value, b?.value ?? 0, c?.value ?? 0));
  }
  return simplify(op, a, b, c) ?? make(op, operands, 0, rateOf(operands));
}

function simplify(op: MicroOp, a: Expr, b: Expr, c: Expr): Expr | undefined {
  if (op === 'mul' && isConstant(b, 1)) return a;
  if (op === 'mul' && isConstant(a, 1)) return b;
  if (op === 'mul' && isConstant(a, -1)) return apply('neg', [b]);
  if (op === 'mul' && isConstant(b, -1)) return apply('neg', [a]);
  if (op === 'div' && isConstant(b, 1)) return a;
  if (op === 'sub' && isConstant(b, 0)) return a;
  if (op === 'add' && b.op === 'neg') return apply('sub', [a, b.args[0]!]);
  if (op === 'sub' && b.op === 'neg') return apply('add', [a, b.args[0]!]);
  if (op === 'neg' && a.op === 'neg') return a.args[0];
  if (op === 'where' && b === c) return b;
  return op === 'pow' && b.op === 'constant' ? simplifyPower(a, b.value) : undefined;
}

/** The powers that PyTorch computes without pow. */
function simplifyPower(a: Expr, exponent: number): Expr | undefined {
  if (exponent === 1) return a;
  if (exponent === 2) return apply('mul', [a, a]);
  if (exponent === 3) return apply('mul', [apply('mul', [a, a]), a]);
  if (exponent === 0.5) return apply('sqrt', [a]);
  if (exponent === -0.5) return apply('rsqrt', [a]);
  if (exponent === -1) return apply('div', [1, a]);
  if (exponent === -2) return apply('div', [1, apply('mul', [a, a])]);
  return undefined;
}

type Unary = (a: ExprLike) => Expr;
type Binary = (a: ExprLike, b: ExprLike) => Expr;

const unary =
  (op: MicroOp): Unary =>
  (a) =>
    apply(op, [a]);
const binary =
  (op: MicroOp): Binary =>
  (a, b) =>
    apply(op, [a, b]);

export const copy = unary('copy');
export const neg = unary('neg');
export const abs = unary('abs');
export const sign = unary('sign');
export const floor = unary('floor');
export const ceil = unary('ceil');
export const round = unary('round');
export const trunc = unary('trunc');
export const sqrt = unary('sqrt');
export const rsqrt = unary('rsqrt');
export const exp = unary('exp');
export const exp2 = unary('exp2');
export const expm1 = unary('expm1');
export const log = unary('log');
export const log2 = unary('log2');
export const log1p = unary('log1p');
export const sin = unary('sin');
export const cos = unary('cos');
export const tan = unary('tan');
export const asin = unary('asin');
export const acos = unary('acos');
export const atan = unary('atan');
export const sinh = unary('sinh');
export const cosh = unary('cosh');
export const tanh = unary('tanh');
export const asinh = unary('asinh');
export const acosh = unary('acosh');
export const atanh = unary('atanh');
export const sigmoid = unary('sigmoid');
export const relu = unary('relu');
export const erf = unary('erf');
export const erfc = unary('erfc');

export const add = binary('add');
export const sub = binary('sub');
export const mul = binary('mul');
export const div = binary('div');
export const pow = binary('pow');
export const fmod = binary('fmod');
export const bitAnd = binary('bitAnd');
export const min = binary('min');
export const max = binary('max');
export const eq = binary('eq');
export const ne = binary('ne');
export const lt = binary('lt');
export const le = binary('le');
export const gt = binary('gt');
export const ge = binary('ge');

/** `a` where the condition is not 0, else `b`. */
export const where = (condition: ExprLike, a: ExprLike, b: ExprLike): Expr => apply('where', [condition, a, b]);

/** 1 where both are not 0. */
export const and: Binary = (a, b) => where(a, ne(b, 0), 0);
/** 1 where either is not 0. */
export const or: Binary = (a, b) => where(a, 1, ne(b, 0));
export const not: Unary = (a) => eq(a, 0);
export const square: Unary = (a) => mul(a, a);

/** The element's position along the folded axes. */
export const position = (): Expr => apply('position', []);

/** A row value as an element value, where the result must have one value per element. */
export const expand = unary('expand');

/** The same value, taken for a constant by derivatives. */
export const detach: Unary = (a) => make('detach', [toExpr(a)], 0, toExpr(a).rate);

const fold =
  (kind: Fold): Unary =>
  (a) =>
    make(`fold:${kind}`, [toExpr(a)], 0, 'row');

export const rowSum = fold('sum');
export const rowProd = fold('prod');
export const rowMin = fold('min');
export const rowMax = fold('max');
export const rowArgmin = fold('argmin');
export const rowArgmax = fold('argmax');

/** A finite largest element to subtract before exponentials, so that they cannot overflow; no gradient flows through it. */
export function stableShift(x: Expr): Expr {
  const peak = rowMax(x);
  return detach(where(lt(abs(peak), Number.POSITIVE_INFINITY), peak, 0));
}

/** log Σ eˣ over a row, without overflow. */
export function rowLogSumExp(x: Expr): Expr {
  const shift = stableShift(x);
  return add(log(rowSum(exp(sub(x, shift)))), shift);
}
