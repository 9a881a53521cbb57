import { define, defineAsync } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { noGrad } from '../autograd/mode.js';
import { describe } from '../describe.js';
import { NablaError, ShapeError, ValueError } from '../errors.js';
import { stack } from '../ops/joining.js';
import { unbind } from '../ops/views.js';
import * as kinds from '../tensor/kinds.js';
import { single } from '../tensor/parameters.js';
import { isTensor, shapeOf, type Tensor } from '../tensor/tensor.js';

/** What computes the answers to a batch of inputs: a row for each. */
type Compute = (batch: Tensor) => Tensor;

const batching = signature('fn, /, *, maxBatch, maxWaitMs, maxWaiting', {
  fn: kinds.callback<Compute>(),
  /** The most inputs in a batch. Default: 32. */
  maxBatch: kinds.integerFrom(1).default(32),
  /** How long the first input of a batch waits for more, in milliseconds. Default: 1. */
  maxWaitMs: kinds.within(0, 2 ** 31 - 1).default(1),
  /** The most inputs that may wait, in batches that gather and in those that are full; what comes beyond is refused at once. Default: 1024. */
  maxWaiting: kinds.integerFrom(1).default(1024),
});

export interface BatchedOptions extends OptionsOf<typeof batching> {}

/** What `batched` makes. */
export interface Batched {
  /** The answer to one input. */
  (input: Tensor): Promise<Tensor>;
  /** How many inputs wait for their batch. */
  readonly waiting: number;
  /** How many batches were computed. */
  readonly batches: number;
}

interface Request {
  readonly input: Tensor;
  readonly answer: (answer: Tensor) => void;
  readonly fail: (error: unknown) => void;
}

/**
 * A function of one input, for many callers at once, from a function of a batch: calls that come at nearly the same time are stacked along a new
 * first dimension, computed together, and each gets its row. An answer has the same bits whatever other inputs were in its batch, if `fn`
 * computes each row from that row alone, as a model in evaluation mode does. Inputs of different shapes or types go in batches of their own. Nothing is
 * recorded for gradients. Inputs are copied when they come. A full batch is computed in a turn of the event loop of its own, so that more can come, or be refused, before the next.
 *
 * @param fn takes inputs [n, ...], and gives answers [n, ...]; a captured function is fastest, with a `maxPrograms` of `maxBatch`: it has a program for every size of a batch
 * @throws NablaError with the code ERR_NABLA_BUSY (the promise is rejected with it) if too many inputs wait already
 * @example
 * ```ts
 * const model = new nn.Linear(4, 2).eval();
 * const predict = batched(capture((x: Tensor) => noGrad(() => model.forward(x).softmax(1)), { maxPrograms: 64 }), { maxBatch: 64 });
 * const answers = await Promise.all([randn([4]), randn([4]), randn([4])].map((x) => predict(x)));
 * answers.map((answer) => answer.shape); // [[2], [2], [2]]
 * predict.batches; // 1
 * ```
 */
export const batched: FunctionOf<Batched, typeof batching, BatchedOptions> = define(
  'batched',
  batching,
  (compute, maxBatch, maxWaitMs, maxWaiting) => {
    const gathering = new Map<string, Request[]>();
    const full: Request[][] = [];
    let waiting = 0;
    let batches = 0;

    /** Computes the first of the full batches, and the others in later turns. */
    const computeNext = (): void => {
      const requests = full.shift()!;
      if (full.length > 0) setImmediate(computeNext);
      waiting -= requests.length;
      batches++;
      answerAll(compute, requests);
    };

    const close = (key: string, requests: Request[]): void => {
      if (gathering.get(key) !== requests) return;
      gathering.delete(key);
      if (full.push(requests) === 1) setImmediate(computeNext);
    };

    const predict = defineAsync(
      'batched',
      single,
      (input) =>
        new Promise<Tensor>((answer, fail) => {
          if (waiting >= maxWaiting) throw new NablaError(`batched: ${waiting} inputs wait already`, 'ERR_NABLA_BUSY');
          const copy = noGrad(() => input.clone());
          const key = `${input.dtype} ${shapeOf(input)}`;
          let requests = gathering.get(key);
          if (requests === undefined) {
            const fresh: Request[] = [];
            requests = fresh;
            gathering.set(key, fresh);
            setTimeout(() => close(key, fresh), maxWaitMs);
          }
          waiting++;
          if (requests.push({ input: copy, answer, fail }) >= maxBatch) close(key, requests);
        }),
    );

    return Object.defineProperties(predict, {
      waiting: { get: () => waiting },
      batches: { get: () => batches },
    }) as Batched;
  },
);

function answerAll(compute: Compute, requests: readonly Request[]): void {
  try {
    const answers = noGrad(() => rowsOf(compute(stack(requests.map(({ input }) => input))), requests.length));
    for (const [i, { answer }] of requests.entries()) answer(answers[i]!);
  } catch (error) {
    for (const { fail } of requests) fail(error);
  }
}

/** The answers of a batch, each with memory of its own. */
function rowsOf(answers: unknown, count: number): Tensor[] {
  if (!isTensor(answers)) throw new ValueError(`batched: fn must give a Tensor, got ${describe(answers)}`);
  if (answers.ndim === 0 || shapeOf(answers)[0] !== count) {
    throw new ShapeError(
      `batched: fn must give a row for each of ${count} inputs, got the shape [${answers.shape.join(', ')}]`,
    );
  }
  return unbind(answers, 0).map((row) => row.clone());
}
