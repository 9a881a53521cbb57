import { readFileSync } from 'node:fs';
import { capture, optim, type Tensor, zeros } from 'nabla';
import { describe, expect, it } from 'vitest';

// What PyTorch recorded in test/fixtures/lr-scheduler.json, and the same here: plain, captured, in the background, and resumed.

type Options = Readonly<Record<string, unknown>>;

interface Case {
  readonly optimizer: 'SGD' | 'Adam';
  readonly name: string;
  readonly options: Options;
  /** After construction and after each round: the rate and the momentum (or first beta) of both groups. */
  readonly rows: readonly (readonly (readonly [number, number])[])[];
}

const { metrics, cases } = JSON.parse(
  readFileSync(new URL('../fixtures/lr-scheduler.json', import.meta.url), 'utf8'),
) as { metrics: readonly number[]; cases: readonly Case[] };

const ROUNDS = metrics.length;

const functions: Readonly<Record<string, (x: number) => number>> = {
  inverse: (epoch) => 1 / (epoch + 1),
  wave: (epoch) => 0.9 + 0.2 * (epoch % 3),
};

const camelCase = (name: string): string => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** An option of PyTorch as ours: functions by their names, schedulers by theirs. */
function optionOf(name: string, value: unknown, optimizer: object): unknown {
  if (name === 'schedulers') return (value as [string, Options][]).map(([name, of]) => build(name, of, optimizer));
  if (name !== 'lr_lambda' && name !== 'scale_fn') return value;
  return Array.isArray(value) ? value.map((one) => functions[one]!) : functions[value as string]!;
}

function build(name: string, options: Options, optimizer: object): optim.lrScheduler.Scheduler {
  const named = Object.fromEntries(
    Object.entries(options).map(([key, value]) => [camelCase(key), optionOf(key, value, optimizer)]),
  );
  const { schedulers, ...rest } = named;
  const make = Reflect.get(optim.lrScheduler, name) as new (...args: unknown[]) => optim.lrScheduler.Scheduler;
  return name === 'ChainedScheduler' ? new make(schedulers, rest) : new make(optimizer, named);
}

/** Two groups, their optimizer and its scheduler. */
class Training {
  readonly #parameters: readonly Tensor[];
  readonly optimizer: optim.SGD | optim.Adam;
  readonly scheduler: optim.lrScheduler.Scheduler;

  constructor({ optimizer, name, options }: Case) {
    this.#parameters = [zeros([1], { requiresGrad: true }), zeros([1], { requiresGrad: true })];
    const groups = this.#parameters.map((parameter, i) => ({ params: [parameter], lr: [0.1, 0.05][i]! }));
    this.optimizer = optimizer === 'SGD' ? new optim.SGD(groups, { momentum: 0.5 }) : new optim.Adam(groups);
    this.scheduler = build(name, options, this.optimizer);
  }

  /** A step along the gradient that an input is, and one of the scheduler. */
  readonly step = (x: Tensor): Tensor => {
    this.optimizer.zeroGrad();
    const loss = this.#parameters.map((parameter) => parameter.mul(x).sum()).reduce((sum, one) => sum.add(one));
    loss.backward();
    this.optimizer.step();
    if (this.scheduler instanceof optim.lrScheduler.LRScheduler) this.scheduler.step();
    return loss;
  };

  row(): number[][] {
    return this.optimizer.paramGroups.map((group) => [
      group.lr as number,
      'betas' in group ? group.betas[0] : group.momentum,
    ]);
  }

  /** All that a step may change. */
  everything(): unknown {
    const values = this.#parameters.map((parameter) => parameter.item());
    return { values, row: this.row(), scheduler: this.scheduler.stateDict(), last: this.scheduler.getLastLr() };
  }
}

const inputs = (): Tensor => zeros([ROUNDS, 1]).add_(0.25);

/** All rounds one after the other: what is there after each. */
function oneByOne(one: Case, isCaptured: boolean): { rows: number[][][]; training: Training } {
  const training = new Training(one);
  const step = isCaptured ? capture(training.step) : training.step;
  const rows = [training.row()];
  const x = inputs();
  for (let i = 0; i < ROUNDS; i++) {
    step(x.narrow(0, i, 1));
    if (training.scheduler instanceof optim.lrScheduler.ReduceLROnPlateau) training.scheduler.step(metrics[i]!);
    rows.push(training.row());
  }
  return { rows, training };
}

const titled = cases.map((one) => [`${one.name} ${JSON.stringify(one.options)} of ${one.optimizer}`, one] as const);
const stepping = titled.filter(([, { name }]) => name !== 'ReduceLROnPlateau');

describe('rates and momenta as PyTorch sets them', () => {
  it.each(titled)('%s', (_, one) => {
    const { rows } = oneByOne(one, false);
    for (const [i, row] of one.rows.entries()) {
      const expected = row.map((numbers) => numbers.map((x) => expect.closeTo(x, 14) as number));
      expect([i, rows[i]]).toEqual([i, expected]);
    }
  });
});

describe('the same bits in captured functions and in the background', () => {
  it.each(stepping)('%s', async (_, one) => {
    const plain = oneByOne(one, false);
    const captured = oneByOne(one, true);
    expect(captured.rows).toEqual(plain.rows);
    expect(captured.training.everything()).toEqual(plain.training.everything());
    const training = new Training(one);
    await capture(training.step).run([inputs()], { batchSize: 1 });
    expect(training.everything()).toEqual(plain.training.everything());
  });
});

describe('goes on from a saved state as if it had not stopped', () => {
  it.each(titled)('%s', (_, one) => {
    const through = new Training(one);
    const go = ({ scheduler, step }: Training, from: number, to: number) => {
      const x = inputs();
      for (let i = from; i < to; i++) {
        step(x.narrow(0, i, 1));
        if (scheduler instanceof optim.lrScheduler.ReduceLROnPlateau) scheduler.step(metrics[i]!);
      }
    };
    go(through, 0, 13);
    const saved = JSON.parse(JSON.stringify(through.scheduler.stateDict())) as optim.lrScheduler.SchedulerState;
    const groups = JSON.parse(JSON.stringify(through.optimizer.stateDict().paramGroups));
    const resumed = new Training(one);
    resumed.optimizer.loadStateDict({ state: {}, paramGroups: groups });
    resumed.scheduler.loadStateDict(saved);
    expect(resumed.scheduler.stateDict()).toEqual(through.scheduler.stateDict());
    go(through, 13, ROUNDS);
    go(resumed, 13, ROUNDS);
    expect(resumed.row()).toEqual(through.row());
    expect(resumed.scheduler.stateDict()).toEqual(through.scheduler.stateDict());
  });
});
