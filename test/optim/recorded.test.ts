import { describe, expect, it } from 'vitest';
import { type Case, cases, inBackground, oneByOne, stateOf } from './recorded.js';

const title = ({ name, options, dtype, scheduler, clip }: Case): string =>
  `${name} ${JSON.stringify(options)} ${dtype} ${JSON.stringify(scheduler ?? clip ?? '')}`;

/** How far a float32 or float64 may be from PyTorch's after thirty steps, whose kernels round products and sums at once in places. */
const ALLOWED: Readonly<Record<string, number>> = { float32: 3e-6, float64: 1e-13 };

/** Muon's directions have the precision of bfloat16: one that rounds to the other side is this far off, times the rate. */
const ALLOWED_FOR_MUON = 5e-4;

function expectClose(actual: readonly number[], expected: readonly number[], allowed: number): void {
  expect(actual).toHaveLength(expected.length);
  const largest = Math.max(...expected.map(Math.abs), 1e-3);
  const worst = Math.max(...expected.map((x, i) => Math.abs(actual[i]! - x) / largest));
  expect(worst).toBeLessThan(allowed);
}

describe('thirty steps as PyTorch takes them', () => {
  it.each(cases.map((one) => [title(one), one] as const))('%s', async (_, one) => {
    const plain = oneByOne(one, false);
    const allowed = ALLOWED[one.dtype]!;
    one.shown.forEach((expected, i) => {
      expectClose(plain.shown[i]!, expected, one.name === 'Muon' ? ALLOWED_FOR_MUON : allowed);
    });
    const [state, expected] = [plain.training.state(), stateOf(one)];
    expect(Object.keys(state)).toEqual(Object.keys(expected));
    for (const name in expected) expectClose(state[name]!, expected[name]!, allowed);
    expectClose(
      plain.training.optimizer.paramGroups.map(({ lr }) => lr),
      one.lr,
      ALLOWED.float64!,
    );
    const everything = plain.training.everything();
    expect(oneByOne(one, true).training.everything()).toEqual(everything);
    expect((await inBackground(one)).everything()).toEqual(everything);
  });
});
