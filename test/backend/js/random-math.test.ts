import { describe, expect, test } from 'vitest';
import { fma, fmaf } from '../../../lib/backend/js/fused.js';
import { log, log1p, sinCos } from '../../../lib/backend/js/transcendental.js';

describe('fused multiply-add', () => {
  test('rounds once, to double', () => {
    const a = 1 + 2 ** -52;
    expect(fma(a, a, -(1 + 2 ** -51))).toBe(2 ** -104);
    expect(fma(2 ** -60, 2 ** -60, 1)).toBe(1);
    // The sum's error decides a tie: 1 + 2^-53 ± 2^-120.
    expect(fma(1, 1 + 2 ** -52, 2 ** -53)).toBe(1 + 2 ** -51);
    expect(fma(2 ** -53 * (1 + 2 ** -50), 1, 1)).toBe(1 + 2 ** -52);
    expect(fma(2 ** -53 * (1 - 2 ** -50), 1, 1)).toBe(1);
    expect(fma(2 ** 1000, 3, 0)).toBe(3 * 2 ** 1000);
    expect(fma(Number.POSITIVE_INFINITY, 2, 1)).toBe(Number.POSITIVE_INFINITY);
    expect(fma(Number.NaN, 2, 1)).toBeNaN();
  });

  test('rounds once, to float', () => {
    // 1 + 2^-24 is a tie; the part that a double sum loses decides it.
    const tie = 2 ** -24;
    const tiny = 2 ** -60;
    expect(fmaf(tie, 1, 1)).toBe(1);
    expect(fmaf(2 ** -12 * (1 + 2 ** -20), 2 ** -12 * (1 + 2 ** -23), 1)).toBe(1 + 2 ** -23);
    expect(fmaf(-tiny, 1, Math.fround(1 + 2 ** -23))).toBe(1 + 2 ** -23);
    expect(fmaf(3, 5, 7)).toBe(22);
  });
});

/** Whether `value` is within an ulp of the engine's own result, which is itself within one of the truth. */
const near = (value: number, reference: number): boolean =>
  Math.abs(value - reference) <= Math.max(2 ** -52 * Math.abs(reference), 2 ** -1074);

describe('logarithm, sine and cosine', () => {
  const uniforms = Array.from({ length: 2000 }, (_, i) => ((i * 7919 + 1) % 2003) / 2003);

  test('agree with the engine to an ulp', () => {
    for (const u of uniforms) {
      const angle = 2 * Math.PI * u;
      const { sin, cos } = sinCos(angle);
      expect(near(sin, Math.sin(angle)) && near(cos, Math.cos(angle)), `${angle}`).toBe(true);
      expect(near(log(1 - u), Math.log(1 - u)), `${1 - u}`).toBe(true);
      const onGrid = -Math.floor(u * 2 ** 53) * 2 ** -53;
      expect(near(log1p(onGrid), Math.log1p(onGrid)), `${onGrid}`).toBe(true);
    }
  });

  test('are right at the ends', () => {
    expect(log(1)).toBe(0);
    expect(log(2 ** -53)).toBe(-36.7368005696771);
    expect(log1p(-0)).toBe(-0);
    expect(log1p(-(2 ** -53))).toBe(-(2 ** -53));
    expect(log1p(-(1 - 2 ** -53))).toBe(-36.7368005696771);
    expect(sinCos(0)).toEqual({ sin: 0, cos: 1 });
    expect(sinCos(Math.PI)).toEqual({ sin: 1.2246467991473532e-16, cos: -1 });
  });
});
