import { noGrad } from '../autograd/mode.js';
import { isFloat } from '../backend/dtype.js';
import type { Parameter } from '../nn/parameter.js';
import { contiguous, copy_ } from '../ops/conversion.js';
import { convert } from '../tensor/basics.js';
import { peekGrad, storageOf, type Tensor } from '../tensor/tensor.js';
import type { Sums } from './exchange.js';
import { ShardTree } from './tree.js';

/** What the shards of a rank give, added up in one tree per value; and with those of other ranks as soon as the last shard has it. */
export class ShardSums {
  readonly #parameters: readonly Parameter[];
  readonly #gradients: ReadonlyMap<Tensor, ShardTree>;
  readonly #buffers: ShardBuffers;
  readonly #losses = new ShardTree();
  readonly #shards: number;
  readonly #exchange: Sums | null;
  readonly #arrived = new Set<Tensor>();
  #begun = 0;

  constructor(
    parameters: readonly Parameter[],
    buffers: readonly Tensor[],
    shards: number,
    share: number,
    exchange: Sums | null,
  ) {
    this.#parameters = parameters;
    this.#gradients = new Map(parameters.map((parameter) => [parameter, new ShardTree()]));
    this.#buffers = new ShardBuffers(buffers, shards, share);
    this.#shards = shards;
    this.#exchange = exchange;
  }

  /** A shard is next. */
  begin(): void {
    this.#buffers.begin();
    this.#arrived.clear();
    for (const parameter of this.#parameters) parameter.grad = null;
    this.#begun++;
  }

  /** The shard's pass has the gradient of a leaf. */
  readonly arrived = (leaf: Tensor): void => {
    const tree = this.#gradients.get(leaf);
    if (tree === undefined || this.#arrived.has(leaf)) return;
    this.#arrived.add(leaf);
    const gradient = peekGrad(leaf);
    tree.add(gradient?.isContiguous() === false ? contiguous(gradient) : gradient);
    if (this.#begun === this.#shards) this.#send(tree);
  };

  /** The shard's forward pass is done; `loss` is its part of it. */
  forwarded(loss: Tensor): void {
    noGrad(() => this.#buffers.end());
    this.#losses.add(loss);
    if (this.#begun === this.#shards) for (const tree of [...this.#buffers.sums, this.#losses]) this.#send(tree);
  }

  /** The shard's backward pass is done. */
  end(): void {
    // From the last parameter to the first, as most gradients come.
    for (const parameter of this.#parameters.toReversed()) this.arrived(parameter);
  }

  /** All shards are done; returns when all is summed. */
  finish(): void {
    this.#exchange?.finish();
    noGrad(() => this.#buffers.finish());
  }

  /** Returns when nothing is under way any more: something else went wrong. */
  abandon(): void {
    this.#exchange?.abandon();
  }

  gradient(parameter: Parameter): Tensor | null {
    return this.#gradients.get(parameter)!.total();
  }

  get loss(): Tensor {
    return this.#losses.total()!;
  }

  #send(tree: ShardTree): void {
    const sum = tree.total();
    if (sum !== null) this.#exchange?.add(sum);
  }
}

/** What a model keeps beside parameters, of which every shard starts with the same. */
class ShardBuffers {
  readonly #buffers: readonly Tensor[];
  readonly #first: readonly Tensor[] | null;
  readonly #share: number;
  readonly sums: readonly ShardTree[];
  #versions: readonly number[] = [];
  #passes = 0;

  constructor(buffers: readonly Tensor[], shards: number, share: number) {
    this.#buffers = buffers;
    this.#share = share;
    this.sums = buffers.map(() => new ShardTree());
    this.#first = shards === 1 ? null : noGrad(() => buffers.map((one) => convert(one.detach(), one.dtype)));
  }

  begin(): void {
    if (this.#first !== null && this.#passes > 0) {
      noGrad(() =>
        this.#buffers.forEach((one, i) => {
          if (this.#isWritten(i)) copy_(one, this.#first![i]!);
        }),
      );
    }
    this.#passes++;
    this.#versions = this.#buffers.map((one) => storageOf(one).version);
  }

  #isWritten(i: number): boolean {
    return storageOf(this.#buffers[i]!).version !== this.#versions[i];
  }

  /** Takes shares of those that the pass has written. */
  end(): void {
    this.#buffers.forEach((one, i) => {
      const isTaken = isFloat(one.dtype) && this.#isWritten(i);
      this.sums[i]!.add(isTaken ? one.detach().mul(this.#share) : null);
    });
  }

  /** The sums are means by now. */
  finish(): void {
    this.sums.forEach((tree, i) => {
      const mean = tree.total();
      if (mean !== null) copy_(this.#buffers[i]!, mean);
    });
  }
}
