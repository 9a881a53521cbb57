import type { Storage, View } from '../backend/index.js';
import { type Nest, programOf, sameElements } from './nest.js';

/**
 * Whether a nest that is made of two leaves in memory what the first and then the second would, where it writes what it reads. An output may be
 * - what a product reads: never, since a product reads its operands again and again while it writes;
 * - what another output writes: never;
 * - an input: if that is read element by element (row value by row value) as it is written, and by no fold that comes after the write. A core
 *   writes the elements of a tile before the last folds run over that tile.
 */
export function writesAfterReads(nest: Nest): boolean {
  const { outputs, product } = nest;
  return outputs.every(({ storage }, i) => {
    if (outputs.some((other, j) => j !== i && other.storage === storage)) return false;
    if (product !== null && (product.a.storage === storage || product.b.storage === storage)) return false;
    return inputsOver(nest, storage).every((input) => readsAsWritten(nest, input, i) && !foldsWritten(nest, input));
  });
}

/** The numbers of the inputs that lie in this memory. */
const inputsOver = ({ inputs }: Nest, storage: Storage): number[] =>
  inputs.flatMap(({ view }, i) => (view?.storage === storage ? [i] : []));

function readsAsWritten(nest: Nest, input: number, output: number): boolean {
  const { view, kind } = nest.inputs[input]!;
  const rate = nest.roots[output]!.rate === 'element' ? 'element' : 'row';
  return sameElements(view as View, nest.outputs[output]!, nest.shape) && (nest.axes === null || kind === rate);
}

function foldsWritten(nest: Nest, input: number): boolean {
  if (nest.axes === null) return false;
  const { resident, streamed } = programOf(nest);
  return [resident, streamed].some((stages) => stages.at(-1)!.folds.some(({ src }) => src === input));
}
