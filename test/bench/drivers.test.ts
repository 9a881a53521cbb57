import { capture } from 'nabla';
import { describe, expect, it } from 'vitest';
import { labels, unit } from '../../bench/drivers/inputs.js';
import { calledBy } from '../../bench/drivers/nabla/first-call.js';
import { tasksOf } from '../../bench/drivers/nabla/tasks.js';
import {
  chainOps,
  lossNames,
  mapOps,
  networkNames,
  rowOps,
  updateRules,
  vocabularyOps,
  type Work,
} from '../../bench/harness/work.js';
import { recording } from '../../bench/questions/recording.js';

describe('the operands', () => {
  it('are those of the drivers in Python and C', () => {
    expect([0, 1, 1000].map((i) => unit(i, 1) * 2 ** 24)).toEqual([76399, 12049990, 4333165]);
    expect([...labels(5, 2, 10)]).toEqual([8, 2, 4, 0, 5]);
  });
});

describe("nabla's driver", () => {
  const works: Work[] = [
    { kind: 'matmul', m: 3, k: 4, n: 5, transposeA: false, transposeB: true },
    { kind: 'matmul', m: 3, k: 4, n: 5, transposeA: true, transposeB: false },
    ...mapOps.map((op) => ({ kind: 'map', op, size: 20 }) as const),
    { kind: 'recorded', op: 'add', size: 20 },
    { kind: 'inPlace', op: 'add', size: 20 },
    ...rowOps.map((op) => ({ kind: 'rows', op, rows: 3, columns: 4 }) as const),
    ...vocabularyOps.map((op) => ({ kind: 'vocabulary', op, size: op === 'topk' ? 20_000 : 8 }) as const),
    ...chainOps.map((op) => ({ kind: 'chain', op, rows: 3, columns: 4 }) as const),
    ...lossNames.map((loss) => ({ kind: 'loss', loss, rows: 3, columns: 4 }) as const),
    { kind: 'training', network: 'program', layers: [4, 3, 2, 1], batch: 5 },
    { kind: 'training', network: 'classifier', layers: [8, 6, 4], batch: 5 },
    { kind: 'momentum', size: 20 },
    { kind: 'epoch', images: 20, layers: [784, 4, 10], batch: 8 },
    ...updateRules.map((rule) => ({ kind: 'update', rule, size: 20 }) as const),
    { kind: 'recipe', loss: 'smoothL1', layers: [4, 8, 2], batch: 5, habits: true },
    { kind: 'recipe', loss: 'crossEntropy', layers: [8, 6, 4], batch: 5, habits: false },
    { kind: 'many', models: 2, layers: [8, 6, 1], steps: 3 },
    ...networkNames.map((network) => ({ kind: 'network', network, batch: 2 }) as const),
    { kind: 'inference', layers: [8, 6, 4], batch: 1 },
    ...(['chain', 'results', 'lstm', 'lstmStep'] as const).map(
      (network) => ({ kind: 'firstCall', network, length: 20 }) as const,
    ),
  ];

  it.each(works)('does %j', async (work) => {
    const [eager, captured] = (['eager', 'captured'] as const).map((mode) => tasksOf(mode)(work)!);
    const probe = await eager!.first();
    expect(probe.length).toBeGreaterThan(0);
    expect(probe.every(Number.isFinite)).toBe(true);
    expect(await captured!.first()).toEqual(probe);
    await eager!.run();
    await captured!.run();
  });

  it('calls for the first time what has as many instructions as the question says', () => {
    for (const { work, amount } of recording.cases) {
      if (work.kind !== 'firstCall') throw new Error('another kind of work');
      const length = Math.min(work.length, 100);
      const { fn, args } = calledBy({ ...work, length });
      const captured = capture(fn);
      captured(...args);
      // The cell that is not trained has its loss besides.
      expect(captured.stats[0]!.recorded / length).toBeCloseTo(amount!.perIteration / work.length, 1);
    }
  });

  it('learns', async () => {
    const [before, , after] = await tasksOf('captured')({
      kind: 'training',
      network: 'classifier',
      layers: [8, 6, 4],
      batch: 5,
    })!.first();
    expect(after).toBeLessThan(before!);
  });

  it('leaves the loops in C to others', () => {
    expect(tasksOf('eager')({ kind: 'copy', size: 20 })).toBeNull();
  });
});
