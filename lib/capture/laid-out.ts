import { computeType } from '../backend/dtype.js';
import {
  allocate,
  type Backend,
  contiguousStrides,
  type Instruction,
  type Storage,
  type View,
} from '../backend/index.js';
import { copyPrograms } from './copying.js';

/**
 * A product of fewer rows takes several times as long where the matrix lies transposed: its squares are turned each time, and serve few
 * rows. From here on that hardly counts.
 */
const FEW_ROWS = 16;

const copies = copyPrograms('laid out');

/**
 * A matrix that a program reads but does not change, such as a weight in inference, kept a second time as products of few rows like it:
 * with the columns of a row side by side. No bit of a product depends on where its operands lie.
 */
export class LaidOut {
  /** What instructions read in place of the matrix. */
  readonly view: View;
  readonly source: View;
  #version = Number.NaN;

  constructor(source: View) {
    const { shape, dtype } = source;
    const storage = allocate(dtype, shape[0]! * shape[1]!);
    this.source = source;
    this.view = { storage, offset: 0, shape, strides: contiguousStrides(shape), dtype };
  }

  /** Copies the matrix again if it has changed. */
  refresh(backend: Backend): void {
    const { storage, dtype } = this.source;
    if (storage.version === this.#version) return;
    backend.map(copies[computeType(dtype)](), [], [this.source], [this.view]);
    this.#version = storage.version;
  }
}

/** The instructions, reading such matrices where they are laid out; each is kept once. */
export function layOut(
  instructions: readonly Instruction[],
  isUnchanged: (storage: Storage) => boolean,
): { instructions: Instruction[]; laidOut: LaidOut[] } {
  const laidOut: LaidOut[] = [];
  const of = (source: View): View => {
    const known = laidOut.find((one) => isSame(one.source, source));
    if (known !== undefined) return known.view;
    const one = new LaidOut(source);
    laidOut.push(one);
    return one.view;
  };
  const changed = instructions.map((one): Instruction => {
    if (one.op !== 'matmul' || !isUnchanged(one.b.storage) || !readsAcrossRows(one.a, one.b)) return one;
    return { ...one, b: of(one.b) };
  });
  return { instructions: changed, laidOut };
}

const readsAcrossRows = (a: View, b: View): boolean =>
  a.shape.at(-2)! < FEW_ROWS && b.shape.length === 2 && b.strides[0] === 1 && b.shape[1]! > 1;

const isSame = (a: View, b: View): boolean =>
  a.storage === b.storage &&
  a.offset === b.offset &&
  a.dtype === b.dtype &&
  [0, 1].every((axis) => a.shape[axis] === b.shape[axis] && a.strides[axis] === b.strides[axis]);
