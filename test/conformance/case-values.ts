import type { Adapter } from './adapter.js';
import type { Named } from './arrange.js';
import { DTYPES, decodeFloat } from './decode.js';
import type { Encoded, NamedTensors, NamedValues, TensorRecord } from './format.js';
import type { Tensor } from './library.js';
import { NotSupported } from './outcome.js';

type Mapping = { readonly [key: string]: Encoded };

const isMapping = (value: Encoded | undefined): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A Python tuple as a subscript: an entry for each dimension. */
export class Tuple {
  readonly entries: readonly unknown[];

  constructor(entries: readonly unknown[]) {
    this.entries = entries;
  }
}

/** The decoded values of one case. A tensor that is named twice is one object, so that its gradients add up. */
export class CaseValues {
  readonly #adapter: Adapter;
  readonly #records: readonly TensorRecord[];
  readonly #requiresGrad: ReadonlySet<number>;
  readonly #tensors = new Map<number, Tensor>();

  constructor(adapter: Adapter, records: readonly TensorRecord[], requiresGrad: readonly number[] = []) {
    this.#adapter = adapter;
    this.#records = records;
    this.#requiresGrad = new Set(requiresGrad);
  }

  record(index: number): TensorRecord {
    const record = this.#records[index];
    if (record === undefined) throw new Error(`the case has no tensor ${index}`);
    return record;
  }

  tensor(index: number): Tensor {
    const known = this.#tensors.get(index);
    if (known !== undefined) return known;
    const made = this.#adapter.recorded(this.record(index), this.#requiresGrad.has(index));
    this.#tensors.set(index, made);
    return made;
  }

  list(encoded: readonly Encoded[]): unknown[] {
    return encoded.map((item) => this.value(item));
  }

  named(encoded: NamedValues): Named {
    return Object.fromEntries(Object.entries(encoded).map(([name, item]) => [name, this.value(item)]));
  }

  tensors(refs: NamedTensors): Record<string, Tensor> {
    return Object.fromEntries(Object.entries(refs).map(([name, { t }]) => [name, this.tensor(t)]));
  }

  value(encoded: Encoded): unknown {
    if (Array.isArray(encoded)) return this.list(encoded);
    return isMapping(encoded) ? this.#tagged(encoded) : encoded;
  }

  #tagged(encoded: Mapping): unknown {
    const [tag = '', content] = Object.entries(encoded)[0] ?? [];
    if (typeof content === 'number' && tag === 't') return this.tensor(content);
    if (typeof content === 'string' && tag === 'float') return decodeFloat(content);
    if (tag === 'dtype') return elementType(content);
    if (tag === 'memory_format') return content;
    if (Array.isArray(content) && tag === 'tuple') return new Tuple(this.list(content));
    if (Array.isArray(content) && tag === 'slice') return content.map((bound) => bound ?? '').join(':');
    if (tag === 'ellipsis') return '...';
    if (isMapping(content) && tag === 'dict') return this.named(content);
    if (isMapping(content) && tag === 'module') return this.#module(content);
    if (isMapping(content) && tag === 'packed_sequence') return this.#packed(content);
    throw new NotSupported(`an argument of kind ${tag}`);
  }

  #packed({ data, batch_sizes, sorted_indices, unsorted_indices }: Mapping): unknown {
    const { PackedSequence } = this.#adapter.nabla.nn.utils.rnn;
    const [values, sizes] = [data ?? null, batch_sizes ?? null].map((one) => this.value(one) as Tensor);
    const indices = [sorted_indices ?? null, unsorted_indices ?? null].map((one) => this.value(one) as Tensor | null);
    return new PackedSequence(values!, sizes!, indices[0], indices[1]);
  }

  #module({ name, args, kwargs }: Mapping): unknown {
    if (typeof name !== 'string' || !Array.isArray(args) || !isMapping(kwargs)) throw new Error('malformed module');
    return this.#adapter.module(name, this.list(args), this.named(kwargs));
  }
}

function elementType(name: Encoded | undefined): string {
  const found = Object.entries(DTYPES).find(([recorded]) => recorded === name);
  if (found === undefined) throw new NotSupported(`element type ${String(name)}`);
  return found[1];
}
