import {
  allocate,
  type DType,
  dtypes,
  type Instruction,
  isBool,
  type Storage,
  storagesWritten,
  type View,
} from '../backend/index.js';
import { copyPrograms } from './copying.js';
import type { Recorder } from './recorder.js';

// What JavaScript wrote while a function was recorded: its values are those of every replay.

/** Memory that only JavaScript wrote, and its copy that takes its place: the values stay as they are. */
export function unchangedConstants(recorder: Recorder, visible: ReadonlySet<Storage>): Map<Storage, Storage> {
  if (recorder.constants.size === 0) return new Map();
  const written = new Set(recorder.instructions.flatMap(storagesWritten));
  return new Map([...recorder.constants].filter(([storage]) => !written.has(storage) && !visible.has(storage)));
}

/** Memory with one element, where all that `copy` holds are that; null where they are several, or NaN, of which there are many. */
function repeated(copy: Storage, dtype: DType): Storage | null {
  const words = copy.array('int32');
  const period = Math.max(1, dtypes[dtype].size / 4);
  const first = copy.array(dtype)[0]!;
  const fits = !isBool(dtype) || words[0] === first * 0x01010101;
  if (copy.byteLength <= SMALLEST_BYTES || Number.isNaN(first) || !fits) return null;
  for (let i = period; i < words.length; i++) if (words[i] !== words[i - period]) return null;
  const one = allocate(dtype, 1);
  one.array(dtype)[0] = first;
  return one;
}

/** No memory is smaller. */
const SMALLEST_BYTES = 64;

/** Maps and folds read one value instead of a constant that is that value throughout, such as `zeros`. */
export function withRepeated(
  instructions: readonly Instruction[],
  constants: ReadonlyMap<Storage, Storage>,
): readonly Instruction[] {
  if (constants.size === 0) return instructions;
  const found = new Map<Storage, Map<DType, Storage | null>>();
  const read = (view: View): View => {
    const { dtype, shape } = view;
    const copy = constants.get(view.storage);
    if (copy === undefined) return view;
    const known = found.get(copy) ?? new Map<DType, Storage | null>();
    if (!known.has(dtype)) known.set(dtype, repeated(copy, dtype));
    found.set(copy, known);
    const storage = known.get(dtype);
    return storage == null ? view : { storage, offset: 0, shape, strides: shape.map(() => 0), dtype };
  };
  return instructions.map((one) =>
    one.op === 'map' || one.op === 'fold' ? { ...one, inputs: one.inputs.map(read) } : one,
  );
}

const copies = copyPrograms('constant');

/** What gives all other such memory its first values again. Words, because no bits may change. */
export function initialisations(recorder: Recorder, replaced: ReadonlyMap<Storage, Storage>): Instruction[] {
  return [...recorder.constants]
    .filter(([storage]) => !replaced.has(storage))
    .map(([storage, copy]) => {
      const one = repeated(copy, 'float32');
      const [dtype, compute] = one === null ? (['int32', 'float64'] as const) : (['float32', 'float32'] as const);
      const words = (storage: Storage, step: number): View => {
        return { storage, offset: 0, shape: [copy.byteLength / 4], strides: [step], dtype };
      };
      const inputs = [one === null ? words(copy, 1) : words(one, 0)];
      return { op: 'map', program: copies[compute](), params: [], inputs, outputs: [words(storage, 1)] };
    });
}
