import { computeType } from '../backend/dtype.js';
import {
  allocate,
  type Backend,
  contiguousStrides,
  type Instruction,
  type MatmulInstruction,
  type Storage,
  sizeOf,
  storagesWritten,
  type View,
} from '../backend/index.js';
import { copyPrograms } from './copying.js';

/**
 * A product of few rows takes up to several times as long where the matrix lies transposed: its squares are turned each time, and serve few
 * rows. With more rows that hardly counts.
 */
const FEW_ROWS = 32;

/** Turning a matrix for itself pays from so many products on. */
const FEW_PRODUCTS = 3;

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

/** Products with one matrix, which is not written between the first and the last. */
interface Group {
  readonly source: View;
  /** Where among the instructions they are. */
  readonly places: number[];
  /** How many they are: an instruction may be a batch of them. */
  products: number;
}

/**
 * The instructions with one more for each matrix that several of them want laid out, such as the weight of a recurrence in training: it is copied
 * before the first, and is a temporary like any other.
 *
 * @param isKept whether a matrix is laid out once for all calls
 * @param replaced is told of an instruction that does what another did, or a part of it
 */
export function layOutRepeated(
  instructions: readonly Instruction[],
  isKept: (storage: Storage) => boolean,
  replaced: (by: Instruction, one: Instruction) => void,
): { instructions: Instruction[]; made: Storage[] } {
  const groups = repeated(instructions, isKept);
  if (groups.length === 0) return { instructions: [...instructions], made: [] };
  const changed = instructions.slice();
  const before = new Map<number, Instruction>();
  const made: Storage[] = [];
  for (const { source, places } of groups) {
    const { view } = new LaidOut(source);
    made.push(view.storage);
    const inputs = [source];
    before.set(places[0]!, {
      op: 'map',
      program: copies[computeType(source.dtype)](),
      params: [],
      inputs,
      outputs: [view],
    });
    for (const place of places) {
      const one = changed[place] as MatmulInstruction;
      changed[place] = { ...one, b: view };
      replaced(changed[place], one);
    }
  }
  const joined = changed.flatMap((one, i) => {
    const copying = before.get(i);
    if (copying === undefined) return one;
    replaced(copying, one);
    return [copying, one];
  });
  return { instructions: joined, made };
}

function repeated(instructions: readonly Instruction[], isKept: (storage: Storage) => boolean): Group[] {
  const groups: Group[] = [];
  const open = new Map<Storage, Group[]>();
  for (const [place, one] of instructions.entries()) {
    if (one.op === 'matmul' && readsAcrossRows(one.a, one.b) && !isKept(one.b.storage)) {
      const known = open.get(one.b.storage) ?? [];
      const group = known.find(({ source }) => isSame(source, one.b)) ?? { source: one.b, places: [], products: 0 };
      if (group.places.length === 0) open.set(one.b.storage, [...known, group]);
      group.places.push(place);
      group.products += sizeOf(one.a.shape.slice(0, -2));
    }
    for (const storage of storagesWritten(one)) close(storage);
  }
  for (const storage of [...open.keys()]) close(storage);
  return groups;

  function close(storage: Storage): void {
    groups.push(...(open.get(storage) ?? []).filter(({ products }) => products >= FEW_PRODUCTS));
    open.delete(storage);
  }
}

const readsAcrossRows = (a: View, b: View): boolean =>
  a.shape.at(-2)! <= FEW_ROWS && b.shape.length === 2 && b.strides[0] === 1 && b.shape[1]! > 1;

const isSame = (a: View, b: View): boolean =>
  a.storage === b.storage &&
  a.offset === b.offset &&
  a.dtype === b.dtype &&
  [0, 1].every((axis) => a.shape[axis] === b.shape[axis] && a.strides[axis] === b.strides[axis]);
