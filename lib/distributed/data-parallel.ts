import type { ArgumentsOf, OptionsOf } from '../arguments/forms.js';
import { type Kind, kind } from '../arguments/kind.js';
import { takeNoMore } from '../arguments/no-more.js';
import { signature } from '../arguments/signature.js';
import { withArrivals } from '../autograd/arrivals.js';
import { noGrad } from '../autograd/mode.js';
import { recording } from '../backend/recording.js';
import { describe } from '../describe.js';
import { FormatError, NablaError, ShapeError, ValueError } from '../errors.js';
import type { PlainData } from '../io/nest.js';
import { isModule, type Module } from '../nn/module.js';
import type { Parameter } from '../nn/parameter.js';
import { contiguous } from '../ops/conversion.js';
import { full, zeros } from '../ops/creation.js';
import { select, unflatten } from '../ops/views.js';
import { isRecord } from '../realm.js';
import { defaultGenerator, drawingFrom, Generator } from '../tensor/generator.js';
import * as kinds from '../tensor/kinds.js';
import { show } from '../tensor/shape.js';
import { isTensor, ownsGrad, peekGrad, storageOf, type Tensor, takeGrad } from '../tensor/tensor.js';
import { requireAgreement } from './agreement.js';
import { exchange, Sums } from './exchange.js';
import { ShardSums } from './shard-sums.js';
import { SyncBatchNorm } from './sync-batch-norm.js';
import { type World, worldFor } from './world.js';

const wrapping = signature('model, /, *, shards, deterministic, bucketMegabytes', {
  model: kind('a Module', isModule) as Kind<Module>,
  /** Into how many parts the batch of all ranks is cut: a multiple of their number. Default: null, one a rank. */
  shards: kinds.integerFrom(1).optional(),
  /** Whether to add gradients in a fixed tree; else as MPI_Allreduce does. Default: true. */
  deterministic: kinds.boolean.default(true),
  /** The most megabytes of gradients that go at a time; where there are few, an eighth of them does. Default: 25. */
  bucketMegabytes: kinds.above(0).default(25),
});

export interface DataParallelOptions extends OptionsOf<typeof wrapping> {}

/** What is to be kept beside model and optimizer, as `extra` of a checkpoint: where the shards' streams of random numbers are. */
export type DataParallelState = {
  readonly shards: number;
  /** Of every shard, as `Generator.getState` gives it; null where there is but one, which draws from the default stream. */
  readonly generators: Tensor | null;
};

/**
 * Trains a model on all ranks together: each has its part of every batch, and all the same parameters. At first those of rank 0, with its buffers, go to all; then
 * `backward` averages gradients, and every rank does the same step.
 *
 * The batch of all ranks is cut into `shards`, of which a rank has several in a row. Each is a forward and a backward pass of its own, with random numbers of
 * its own, and gradients are added in one tree over the shards. So results depend on the number of shards, and not on that of ranks: for 1, 2, 4 and 8 ranks
 * (powers of two, as `shards`) they are the same bits. By default each rank has one shard; then a rank by itself does what it would do without.
 *
 * @throws NablaError before `init`, and where ranks disagree about parameters, buffers, options or the seed of `manualSeed`; ValueError for shards that ranks cannot share
 * @example
 * ```ts
 * import { capture, nn, optim, randn, type Tensor } from 'nabla';
 * import { DataParallel, init } from 'nabla/distributed';
 *
 * await init();
 * const model = new nn.Linear(2, 1);
 * const parallel = new DataParallel(model);
 * const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
 * const step = capture((x: Tensor, y: Tensor) => {
 *   optimizer.zeroGrad();
 *   const loss = parallel.backward((x, y) => nn.functional.mseLoss(model.forward(x), y), x, y);
 *   optimizer.step();
 *   return loss;
 * });
 * step(randn([4, 2]), randn([4, 1])).shape; // []
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.parallel.DistributedDataParallel.html
 */
export class DataParallel {
  readonly model: Module;
  readonly shards: number;
  readonly deterministic: boolean;
  readonly bucketMegabytes: number;
  readonly #world: World;
  /** The streams of this rank's shards. */
  readonly #generators: readonly Generator[];

  static {
    takeNoMore(DataParallel, 'stateDict');
  }

  constructor(...args: ArgumentsOf<typeof wrapping, DataParallelOptions>) {
    const [model, shards, deterministic, bucketMegabytes] = wrapping.read('DataParallel', args);
    this.#world = worldFor('DataParallel');
    const { rank, size } = this.#world;
    this.model = model;
    this.shards = shards ?? size;
    this.deterministic = deterministic;
    this.bucketMegabytes = bucketMegabytes;
    if (this.shards % size !== 0) {
      throw new ValueError(`DataParallel: shards must be a multiple of the ${size} ranks, got ${this.shards}`);
    }
    if (this.shards !== size && model.modules().some((one) => one instanceof SyncBatchNorm)) {
      throw new ValueError(
        `DataParallel: SyncBatchNorm normalises by all shards at once, so each of the ${size} ranks must have one, got ${this.shards} shards`,
      );
    }
    if (recording !== null) {
      throw new NablaError('DataParallel: make it outside the captured function, once', 'ERR_NABLA_CAPTURE');
    }
    const own = this.shards / size;
    this.#generators = Array.from({ length: own }, (_, i) => new Generator(seedOf(rank * own + i)));
    if (size > 1) this.#begin();
  }

  /** What all ranks must have alike, and then the values of rank 0. */
  #begin(): void {
    const named = (list: readonly [string, Tensor][]) =>
      list.map(([name, { dtype, shape }]) => `${name} ${dtype}${show(shape)}`).join(', ');
    requireAgreement('DataParallel', this.#world, {
      parameters: named(this.model.namedParameters()),
      buffers: named(this.model.namedBuffers()),
      'which parameters are learned': this.#learned().length.toString(),
      shards: `${this.shards}`,
      'how gradients are added': `deterministic ${this.deterministic}, buckets of ${this.bucketMegabytes} MB`,
      'the seed of manualSeed': `${defaultGenerator.initialSeed()}`,
    });
    exchange('broadcast', [...this.model.parameters(), ...this.model.buffers()], this.bucketMegabytes * 2 ** 20);
  }

  #learned(): Parameter[] {
    return this.model.parameters().filter(({ requiresGrad }) => requiresGrad);
  }

  /**
   * Adds the gradients of a loss, averaged over all shards of all ranks, to those of the model's parameters, as `loss.backward()` does by itself. Float buffers
   * that `loss` writes, such as running statistics, become the mean of what they are after each shard.
   *
   * @param loss of a shard, a mean over its examples
   * @param batch this rank's part of the batch: tensors whose first dimension is examples, as many for each shard
   * @returns the mean of the losses of all shards, the same on every rank, without a graph
   * @throws ShapeError for a loss of more than one element, and a batch that the shards cannot share; NablaError where ranks do something else, or one does not answer
   * @example
   * ```ts
   * import { nn, tensor } from 'nabla';
   * import { DataParallel, init } from 'nabla/distributed';
   *
   * await init();
   * const model = new nn.Linear(1, 1, { bias: false });
   * const parallel = new DataParallel(model, { shards: 2 });
   * parallel.backward((x) => model.forward(x).mean(), tensor([[1], [2], [3], [4]]));
   * model.weight.grad; // tensor([[2.5000]])
   * ```
   */
  backward<Batch extends readonly Tensor[]>(loss: (...batch: Batch) => Tensor, ...batch: Batch): Tensor {
    const parts = this.#cut(loss, batch);
    if (this.shards === 1) {
      const whole = requireScalar(loss(...batch));
      whole.backward();
      return whole.detach();
    }
    const parameters = this.#learned();
    const before = parameters.map((parameter) => ({ gradient: peekGrad(parameter), isOurs: ownsGrad(parameter) }));
    const sums = new ShardSums(
      parameters,
      this.model.buffers(),
      parts.length,
      1 / this.shards,
      this.#exchangeOf(parameters),
    );
    try {
      parts.forEach((part, i) => {
        sums.begin();
        drawingFrom(this.#generators[i]!, () => this.#pass(loss, part, sums));
        sums.end();
      });
      sums.finish();
    } catch (error) {
      sums.abandon();
      throw error;
    }
    parameters.forEach((parameter, i) => {
      accumulate(parameter, sums.gradient(parameter), before[i]!);
    });
    return sums.loss;
  }

  #exchangeOf(parameters: readonly Parameter[]): Sums | null {
    if (this.#world.size === 1) return null;
    const bytes = parameters.reduce((sum, one) => sum + storageOf(one).byteLength, 0);
    const full = Math.min(Math.max(bytes / BUCKETS, SMALLEST_BUCKET), this.bucketMegabytes * 2 ** 20);
    return new Sums(this.deterministic ? 'sum' : 'anySum', { full, least: Math.min(full, SMALLEST_BUCKET) }, bytes);
  }

  /** The passes of a shard. */
  #pass<Batch extends readonly Tensor[]>(loss: (...batch: Batch) => Tensor, part: Batch, sums: ShardSums): void {
    const own = requireScalar(loss(...part));
    sums.forwarded(noGrad(() => own.detach().mul(1 / this.shards)));
    const share = full(own.shape, 1 / this.shards, { dtype: own.dtype });
    withArrivals(sums.arrived, () => own.backward(share));
  }

  /** The shards' parts of a batch: of `n` shards a rank has, every n-th example, as `DistributedSampler` deals them. */
  #cut<Batch extends readonly Tensor[]>(loss: unknown, batch: Batch): Batch[] {
    const where = 'DataParallel.backward';
    kinds.callback().take(where, 'loss', loss);
    batch.forEach((one, i) => {
      kinds.tensor.take(where, `batch[${i}]`, one);
    });
    const own = this.#generators.length;
    if (own === 1) return [batch];
    const unfit = batch.find(({ shape }) => shape.length === 0 || shape[0]! % own !== 0);
    if (unfit !== undefined) {
      throw new ShapeError(
        `${where}: the first dimension of each tensor must be a multiple of the ${own} shards of a rank, got shape ${show(unfit.shape)}`,
      );
    }
    return this.#generators.map(
      (_, i) =>
        batch.map((one) => contiguous(select(unflatten(one, 0, [-1, own]), 1, i))) as readonly Tensor[] as Batch,
    );
  }

  /**
   * Where the shards' random numbers stand, for `extra` of a checkpoint: on all ranks at once, the same on every rank.
   *
   * @example
   * ```ts
   * import { nn } from 'nabla';
   * import { DataParallel, init } from 'nabla/distributed';
   *
   * await init();
   * const parallel = new DataParallel(new nn.Linear(2, 1), { shards: 4 });
   * parallel.stateDict().shards; // 4
   * parallel.loadStateDict(parallel.stateDict());
   * ```
   */
  stateDict(): DataParallelState {
    if (this.shards === 1) return { shards: 1, generators: null };
    const states = this.#generators.map((generator) => generator.getState());
    const words = states[0]!.length;
    const all = zeros([this.shards, words], { dtype: 'int32' });
    const array = storageOf(all).array('int32') as Int32Array;
    states.forEach((state, i) => {
      array.set(state, (this.#world.rank * states.length + i) * words);
    });
    exchange('gather', [all], Number.POSITIVE_INFINITY);
    return { shards: this.shards, generators: all };
  }

  /**
   * Goes on where the shards' random numbers stood, on as many ranks as there are now.
   *
   * @param state what `stateDict` gave, or the `extra` of a checkpoint that has it
   *
   * @throws FormatError, before anything changes, for what is no state; ValueError for that of another number of shards
   */
  loadStateDict(state: PlainData): void {
    const where = 'DataParallel.loadStateDict';
    if (!isRecord(state)) throw new FormatError(`${where}: expected what stateDict() gives, got ${describe(state)}`);
    const { shards, generators } = state;
    if (shards !== this.shards) {
      throw new ValueError(
        `${where}: the state is of ${describe(shards)} shards, but there are ${this.shards}: give DataParallel { shards: ${describe(shards)} }`,
      );
    }
    if (this.shards === 1) return;
    const own = this.#generators.length;
    const isFitting = isTensor(generators) && generators.ndim === 2 && generators.shape[0] === this.shards;
    if (!isFitting)
      throw new FormatError(`${where}: generators must be the state of each shard, got ${describe(generators)}`);
    const states = this.#generators.map((_, i) =>
      generators
        .to('int32')
        .narrow(0, this.#world.rank * own + i, 1)
        .reshape([-1])
        .toTypedArray(),
    ) as Int32Array[];
    try {
      for (const words of states) new Generator().setState(words);
    } catch (error) {
      throw new FormatError(`${where}: generators: ${(error as Error).message}`);
    }
    this.#generators.forEach((generator, i) => {
      generator.setState(states[i]!);
    });
  }
}

/** Gradients go in about so many buckets, where these are not very small. */
const BUCKETS = 8;
const SMALLEST_BUCKET = 2 ** 16;

/** Far apart, and of the seed that all ranks have. */
const seedOf = (shard: number): number =>
  (Math.imul(defaultGenerator.initialSeed() | 0, 0x9e3779b1) + Math.imul(shard + 1, 0x85ebca6b)) | 0;

function requireScalar(loss: unknown): Tensor {
  kinds.tensor.take('DataParallel.backward', 'what loss gives', loss);
  const { shape } = loss as Tensor;
  if (shape.every((size) => size === 1)) return loss as Tensor;
  throw new ShapeError(
    `DataParallel.backward: the loss must have one element, got shape ${show(shape)}; take its mean`,
  );
}

/** Adds what a pass gave to the gradient that was there before, which it did not see. */
function accumulate(
  parameter: Parameter,
  sum: Tensor | null,
  { gradient, isOurs }: { readonly gradient: Tensor | null; readonly isOurs: boolean },
): void {
  if (gradient === null && sum === null) parameter.grad = null;
  else if (gradient === null) takeGrad(parameter, sum!);
  else {
    if (isOurs) takeGrad(parameter, gradient);
    else parameter.grad = gradient;
    if (sum !== null) noGrad(() => gradient.add_(sum));
  }
}
