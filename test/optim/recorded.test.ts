import { describe, expect, it } from 'vitest';
import { type Case, cases, inBackground, oneByOne, stateOf } from './recorded.js';

const title = ({ name, options, dtype, scheduler, clip }: Case): string =>
  `${name} ${JSON.stringify(options)} ${dtype} ${JSON.stringify(scheduler ?? clip ?? '')}`;

/** How far a float32 or float64 may be from PyTorch's after thirty steps, whose kernels round products and sums at once in places. */
const ALLOWED = { float32: 3e-6, float64: 1e-13 } as Record<string, number>;

function expectClose(actual: readonly number[], expected: readonly number[], dtype: string): void {
  expect(actual).toHaveLength(expected.length);
  const largest = Math.max(...expected.map(Math.abs), 1e-3);
  const worst = Math.max(...expected.map((x, i) => Math.abs(actual[i]! - x) / largest));
  expect(worst).toBeLessThan(ALLOWED[dtype]!);
}

describe('thirty steps as PyTorch takes them', () => {
  it.each(cases.map((one) => [title(one), one] as const))('%s', async (_, one) => {
    const plain = oneByOne(one, false);
    one.shown.forEach((expected, i) => {
      expectClose(plain.shown[i]!, expected, one.dtype);
    });
    const [state, expected] = [plain.training.state(), stateOf(one)];
    expect(Object.keys(state)).toEqual(Object.keys(expected));
    for (const name in expected) expectClose(state[name]!, expected[name]!, one.dtype);
    expectClose(
      plain.training.optimizer.paramGroups.map(({ lr }) => lr),
      one.lr,
      'float64',
    );
    const everything = plain.training.everything();
    expect(oneByOne(one, true).training.everything()).toEqual(everything);
    expect((await inBackground(one)).everything()).toEqual(everything);
  });
});
