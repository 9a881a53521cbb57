import { capture, optim, type Tensor, zeros } from 'nabla';
import { describe, expect, it } from 'vitest';
import { build, cases, metrics, type SchedulerCase } from './schedulers.js';

// What PyTorch recorded in test/fixtures/lr-scheduler.json, and the same here: plain, captured, in the background, and resumed.

const ROUNDS = metrics.length;

/** Two groups, their optimizer and its scheduler. */
class Training {
  readonly #parameters: readonly Tensor[];
  readonly optimizer: optim.SGD | optim.Adam;
  readonly scheduler: optim.lrScheduler.Scheduler;

  constructor({ optimizer, name, options }: SchedulerCase) {
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
function oneByOne(one: SchedulerCase, isCaptured: boolean): { rows: number[][][]; training: Training } {
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
  it('are of every scheduler', () => {
    const abstract = ['Scheduler', 'LRScheduler'];
    const names = Object.keys(optim.lrScheduler).filter((name) => !abstract.includes(name));
    expect(new Set(cases.map(({ name }) => name))).toEqual(new Set(names));
  });

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
