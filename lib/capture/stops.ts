import { isBool, isFloat, isInteger } from '../backend/dtype.js';
import {
  type DType,
  type IndexBound,
  type Instruction,
  mayStop,
  type Storage,
  sameShape,
  storagesWritten,
  type View,
} from '../backend/index.js';
import { type Expr, topological } from '../expr/index.js';
import { isComparison, type Nest, nestOf, sameElements } from './nest.js';

/**
 * Those instructions that may stop the others: checks, what makes integers (they may not fit), and the first that takes certain indices for a
 * dimension of certain length.
 */
export function stopping(instructions: readonly Instruction[]): Set<Instruction> {
  const found = new Set<Instruction>();
  const checked = new CheckedIndices();
  for (const instruction of instructions) {
    const stop = mayStop(instruction);
    if (typeof stop === 'object' ? checked.add(stop) : stop && computesMisfits(instruction)) found.add(instruction);
    if (checked.isEmpty) continue;
    for (const storage of storagesWritten(instruction)) checked.forget(storage);
  }
  return found;
}

/** Indices of which is known that they are in their bounds. */
class CheckedIndices {
  readonly #byStart = new Map<Storage, Map<number, IndexBound[]>>();

  get isEmpty(): boolean {
    return this.#byStart.size === 0;
  }

  /** Whether they are new. */
  add(bound: IndexBound): boolean {
    const { storage, offset } = bound.index;
    const starts = this.#byStart.get(storage) ?? new Map<number, IndexBound[]>();
    const known = starts.get(offset) ?? [];
    if (known.some((one) => one.length <= bound.length && readsSameElements(one.index, bound.index))) return false;
    this.#byStart.set(storage, starts.set(offset, [...known, bound]));
    return true;
  }

  forget(storage: Storage): void {
    this.#byStart.delete(storage);
  }
}

const readsSameElements = (a: View, b: View): boolean => sameShape(a.shape, b.shape) && sameElements(a, b, a.shape);

/** What an instruction computes by expressions may be such that it surely fits. */
function computesMisfits(instruction: Instruction): boolean {
  const nest = nestOf(instruction);
  return nest === null || mayMisfit(nest);
}

/** Whether a nest may find that a value does not fit the int32 it is stored as. */
function mayMisfit({ inputs, outputs, roots }: Nest): boolean {
  const types = inputs.map(({ view }) => view?.dtype);
  const fitting = new Set<Expr>();
  for (const node of topological(roots)) if (fits(node, types, fitting)) fitting.add(node);
  return outputs.some(({ dtype }, i) => isInteger(dtype) && !fitting.has(roots[i]!));
}

const isKnown = (dtype: DType | undefined, is: (dtype: DType) => boolean): boolean => dtype !== undefined && is(dtype);

/** What is one of its operands, or as small. */
const CHOICES: readonly string[] = ['copy', 'expand', 'min', 'max', 'relu', 'detach', 'fold:min', 'fold:max'];

/**
 * Whether an expression is surely an int32: indices, truth values and how many there are, and integers as they came.
 *
 * @param fitting those of its operands that are
 */
function fits(x: Expr, inputs: readonly (DType | undefined)[], fitting: ReadonlySet<Expr>): boolean {
  if (x.op === 'input') return isKnown(inputs[x.value], (dtype) => !isFloat(dtype));
  if (x.op === 'fold:argmin' || x.op === 'fold:argmax') return true;
  if (x.op === 'where') return fitting.has(x.args[1]!) && fitting.has(x.args[2]!);
  if (x.op === 'fold:sum') return isTruth(x.args[0]!, inputs);
  return isComparison(x) || (CHOICES.includes(x.op) && x.args.every((arg) => fitting.has(arg)));
}

/** 0 or 1: there are never so many that int32 does not hold their number. */
const isTruth = (x: Expr, inputs: readonly (DType | undefined)[]): boolean =>
  isComparison(x) || (x.op === 'input' && isKnown(inputs[x.value], isBool));
