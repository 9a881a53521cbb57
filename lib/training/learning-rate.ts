import { setImmediate } from 'node:timers/promises';
import { inspect } from 'node:util';
import type { FunctionOf, NamedOf, OptionsOf } from '../arguments/forms.js';
import { kind } from '../arguments/kind.js';
import { signature } from '../arguments/signature.js';
import { recording } from '../backend/recording.js';
import { CapturedFunction } from '../capture/capture.js';
import { datasetOf, source } from '../capture/run.js';
import { DataLoader } from '../data/loader.js';
import { CaptureError, ValueError } from '../errors.js';
import { writeFileAtomic } from '../io/atomic.js';
import { type AnyOptimizer, ratedGroupsOf, setRate } from '../optim/lr-scheduler/scheduler.js';
import { rateOf } from '../optim/parameters.js';
import { absoluteFilePath, type Path } from '../path.js';
import * as kinds from '../tensor/kinds.js';
import type { Tensor } from '../tensor/tensor.js';
import { type RateCurve, ratesSvg, ratesText } from './rate-picture.js';
import { LearningModes, requireOwn } from './modes.js';
import { standing } from './standing-still.js';
import { training } from './train.js';

const { model, loss, optimizer } = training.kinds;

const rate = kind(
  'a finite number above 0',
  (value): value is number => typeof value === 'number' && value > 0 && value < Number.POSITIVE_INFINITY,
);
const share = kind(
  'a number of at least 0 and below 1',
  (value): value is number => typeof value === 'number' && value >= 0 && value < 1,
);

const finding = signature(
  'model, data, /, *, loss, optimizer, startLr, endLr, steps, smoothing, divergence, batchSize, shuffle, generator, signal',
  {
    model,
    data: source,
    /** The loss of a batch: of the model's output and the target. Required. */
    loss,
    /** What changes the model. Required. */
    optimizer,
    /** The first rate. Default: 1e-7. */
    startLr: rate.default(1e-7),
    /** The last rate. Default: 10. */
    endLr: rate.default(10),
    /** How many rates are tried, a batch each. Default: 100. */
    steps: kinds.integerFrom(2).default(100),
    /** How much of the average of losses so far is kept from step to step. Default: 0.9. */
    smoothing: share.default(0.9),
    /** Ends where the smoothed loss is more than so many times the best so far. Default: 4. */
    divergence: kinds.above(1).default(4),
    /** Examples per batch, where the source is tensors or a data set. Default: null, 1. */
    batchSize: kinds.integerFrom(1).optional(),
    /** Whether these come in a random order. Default: null, false. */
    shuffle: kinds.boolean.optional(),
    /** Where their order is drawn from. Default: null, the stream that `manualSeed` starts. */
    generator: kinds.generator.optional(),
    /** Stops after the step under way; the promise is then rejected with the signal's reason. Default: null, nothing does. */
    signal: kinds.signal.optional(),
  },
);

export interface FindLearningRateOptions extends OptionsOf<typeof finding> {}

type Settings = NamedOf<typeof finding>;

/**
 * What `findLearningRate` finds; printed, a picture of characters.
 *
 * @example
 * ```ts
 * import { nn, optim, randn } from 'nabla';
 * import { findLearningRate } from 'nabla/training';
 *
 * const model = new nn.Linear(2, 1);
 * const optimizer = new optim.SGD(model.parameters());
 * const found = await findLearningRate(model, [randn([64, 2]), randn([64, 1])], { loss: nn.functional.mseLoss, optimizer });
 * console.log(found);
 * ```
 */
export interface LearningRateCurve {
  /** The rates that were tried. */
  readonly rates: readonly number[];
  /** The loss of the batch that each was tried on, before its step. */
  readonly losses: readonly number[];
  /** Averages of the losses so far, in which later ones count more. */
  readonly smoothed: readonly number[];
  /** Where the smoothed loss falls the most from rate to rate; null where it falls nowhere. */
  readonly suggestion: number | null;
  /** The picture as an SVG document. */
  toSvg(): string;
  /** Writes the picture to a file. */
  saveSvg(path: Path): Promise<void>;
  /** The picture as text. */
  toString(): string;
}

class Found implements LearningRateCurve {
  readonly rates: readonly number[];
  readonly losses: readonly number[];
  readonly smoothed: readonly number[];
  readonly suggestion: number | null;

  constructor({ rates, losses, smoothed, suggestion }: RateCurve) {
    this.rates = rates;
    this.losses = losses;
    this.smoothed = smoothed;
    this.suggestion = suggestion;
  }

  toSvg(): string {
    return ratesSvg(this);
  }

  async saveSvg(path: Path): Promise<void> {
    await writeFileAtomic('saveSvg', absoluteFilePath('saveSvg', path), [new TextEncoder().encode(this.toSvg())]);
  }

  toString(): string {
    const text = this.suggestion === null ? 'the loss falls nowhere' : `suggestion: ${this.suggestion.toPrecision(3)}`;
    return `${ratesText(this)}\nloss by learning rate; ${text}`;
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

/** The first rates tell nothing: the average is of few losses. */
const SKIPPED = 10;

/** Where the loss falls the most, as the difference of both neighbours says. */
function steepest(rates: readonly number[], smoothed: readonly number[]): number | null {
  let best: { readonly slope: number; readonly rate: number } | null = null;
  const first = Math.min(SKIPPED, Math.floor(smoothed.length / 4));
  for (let i = first + 1; i < smoothed.length - 1; i++) {
    const slope = smoothed[i + 1]! - smoothed[i - 1]!;
    if (slope < (best?.slope ?? 0)) best = { slope, rate: rates[i]! };
  }
  return best?.rate ?? null;
}

/** Batches without end. */
async function* endless(batches: Iterable<unknown> | AsyncIterable<unknown>): AsyncGenerator<[Tensor, Tensor]> {
  for (;;) {
    let count = 0;
    for await (const batch of batches) {
      count++;
      yield batch as [Tensor, Tensor];
    }
    if (count === 0) throw new ValueError('findLearningRate: the source gave no batches, or no more of them');
  }
}

function batchesOf({ data, batchSize, shuffle, generator }: Settings): Iterable<unknown> | AsyncIterable<unknown> {
  const given = Object.entries({ batchSize, shuffle, generator }).filter(([, value]) => value !== null);
  const dataset = datasetOf(data);
  if (dataset !== null) return new DataLoader(dataset, Object.fromEntries(given));
  const [extra] = given;
  if (extra === undefined) return data as Iterable<unknown>;
  throw new ValueError(`findLearningRate: ${extra[0]} is for tensors and data sets; this source makes its own batches`);
}

/** Tries rates until the losses grow out of bounds. */
async function sweep(settings: Settings, batches: Iterable<unknown> | AsyncIterable<unknown>): Promise<RateCurve> {
  const { model, loss, optimizer, startLr, endLr, steps, smoothing, divergence, signal } = settings;
  const step = new CapturedFunction((x: Tensor, y: Tensor): Tensor => {
    optimizer.zeroGrad();
    const value = loss(model.forward(x), y);
    value.backward();
    optimizer.step();
    return value;
  }, 'findLearningRate');
  const groups = ratedGroupsOf(optimizer as AnyOptimizer);
  const own = groups.map(({ lr }) => rateOf(lr));
  const shares = own.map((rate) => (own[0]! > 0 ? rate / own[0]! : 1));
  const [rates, losses, smoothed]: [number[], number[], number[]] = [[], [], []];
  let [average, best] = [0, Number.POSITIVE_INFINITY];
  for await (const [x, y] of endless(batches)) {
    signal?.throwIfAborted();
    const i = rates.length;
    const rate = startLr * (endLr / startLr) ** (i / (steps - 1));
    for (const [j, group] of groups.entries()) setRate(group, rate * shares[j]!);
    const value = step.call([x, y]).item();
    average = smoothing * average + (1 - smoothing) * value;
    const smooth = average / (1 - smoothing ** (i + 1));
    if (!Number.isFinite(smooth)) break;
    rates.push(rate);
    losses.push(value);
    smoothed.push(smooth);
    best = Math.min(best, smooth);
    if (rates.length === steps || (i > 0 && smooth > divergence * best)) break;
    await setImmediate();
  }
  if (rates.length === 0)
    throw new ValueError(`findLearningRate: the first loss is no number; there is nothing to learn at any rate`);
  return { rates, losses, smoothed, suggestion: steepest(rates, smoothed) };
}

/**
 * Tries rates on a batch each, each a little higher than the one before, from `startLr` to `endLr`, and tells how the loss goes: it falls, the fastest
 * near a good rate, and then grows. `saveSvg` draws it. The suggestion is where the smoothed loss falls the most; a rate that it is near its lowest
 * for is too high already.
 *
 * The model (parameters, buffers, gradients, modes), the optimizer (rates and state), the streams of random numbers and the position of a loader are as
 * they were afterwards, to the bit, whatever happens. Further groups of the optimizer keep the ratio of their rates to the first one's. Data that end
 * are begun again. A model in evaluation mode is tried in training mode.
 *
 * @throws ValueError for options that make no sense, an optimizer of other parameters, and data without batches; CaptureError within a captured function; whatever a step throws; the
 * signal's reason if it was aborted
 * @example
 * ```ts
 * import { nn, optim, randn } from 'nabla';
 * import { findLearningRate } from 'nabla/training';
 *
 * const model = new nn.Sequential(new nn.Linear(4, 16), new nn.Tanh(), new nn.Linear(16, 1));
 * const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
 * const x = randn([256, 4]);
 * const data = [x, x.sum(1, true)];
 * const found = await findLearningRate(model, data, { loss: nn.functional.mseLoss, optimizer, batchSize: 32 });
 * found.suggestion! > 0.001 && found.suggestion! < 3; // true
 * await found.saveSvg('rates.svg');
 * ```
 * @see https://arxiv.org/abs/1506.01186
 */
export const findLearningRate: FunctionOf<Promise<LearningRateCurve>, typeof finding, FindLearningRateOptions> = async (
  ...args
) => {
  const settings = finding.named('findLearningRate', args);
  const { model, optimizer, data, generator, startLr, endLr } = settings;
  recording?.refuse(new CaptureError('findLearningRate: it cannot be called in a captured function; call it outside'));
  if (startLr >= endLr)
    throw new ValueError(`findLearningRate: startLr must be below endLr, got ${startLr} and ${endLr}`);
  requireOwn('findLearningRate', model, optimizer as AnyOptimizer);
  const batches = batchesOf(settings);
  const putBack = standing(model, optimizer as AnyOptimizer, generator);
  const loader = data instanceof DataLoader && !data.isStream ? data : null;
  const position = loader?.stateDict();
  try {
    new LearningModes(model).set();
    return new Found(await sweep(settings, batches));
  } finally {
    putBack();
    if (position !== undefined) loader!.loadStateDict(position);
  }
};
