import { describe, expect, it } from 'vitest';
import { erf, erfc, pow, roundHalfEven, sigmoid, sign } from '../../lib/backend/scalar-math.js';

/** mpmath 1.3, 40 digits: [x, float(erf(x)), float(erfc(x)), float(erfc(-x))]. */
const errorFunctions = [
  [1e-300, 1.1283791670955126e-300, 1, 1],
  [0.1, 0.1124629160182849, 0.887537083981715, 1.1124629160182848],
  [0.5, 0.5204998778130465, 0.4795001221869535, 1.5204998778130465],
  [0.84, 0.7651427114549945, 0.23485728854500548, 1.7651427114549945],
  [1, 0.8427007929497149, 0.15729920705028513, 1.8427007929497148],
  [1.25, 0.9229001282564583, 0.07709987174354177, 1.9229001282564582],
  [2, 0.9953222650189527, 0.004677734981047266, 1.9953222650189528],
  [3, 0.9999779095030014, 2.209049699858544e-5, 1.9999779095030015],
  [5, 0.9999999999984626, 1.537459794428035e-12, 1.9999999999984626],
  [10, 1, 2.088487583762545e-45, 2],
  [20, 1, 5.395865611607901e-176, 2],
  [26.5, 1, 2.2109076642637343e-307, 2],
] as const;

const expectClose = (actual: number, expected: number) =>
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-15 * Math.abs(expected));

describe('erf and erfc', () => {
  it.each(errorFunctions)('at %f', (x, erfOfX, erfcOfX, erfcOfMinusX) => {
    expectClose(erf(x), erfOfX);
    expectClose(erf(-x), -erfOfX);
    expectClose(erfc(x), erfcOfX);
    expectClose(erfc(-x), erfcOfMinusX);
  });

  it('at the ends of the line', () => {
    expect([0, -0, Infinity, -Infinity, NaN].map(erf)).toEqual([0, -0, 1, -1, NaN]);
    expect([0, -0, Infinity, -Infinity, NaN].map(erfc)).toEqual([1, 1, 0, 2, NaN]);
    expect(erfc(27.5)).toBe(0);
  });
});

it('sigmoid neither overflows nor loses what is tiny', () => {
  expect([0, -0, Infinity, -Infinity, NaN, 1000, -1000].map(sigmoid)).toEqual([0.5, 0.5, 1, 0, NaN, 1, 0]);
  expectClose(sigmoid(-700), Math.exp(-700));
  expect(sigmoid(-740)).toBeGreaterThan(0);
});

// torch.round(torch.tensor([...]))
it('roundHalfEven rounds halves to even and keeps the sign of zero', () => {
  const values = [
    0.5,
    -0.5,
    1.5,
    -1.5,
    2.5,
    -2.5,
    0.4,
    -0.4,
    0.49999999999999994,
    2 ** 52 + 1,
    Infinity,
    -Infinity,
    NaN,
    -0,
  ];
  const rounded = [0, -0, 2, -2, 2, -2, 0, -0, 0, 2 ** 52 + 1, Infinity, -Infinity, NaN, -0];
  expect(values.map(roundHalfEven)).toEqual(rounded);
});

// torch.pow(torch.tensor(a), torch.tensor(b))
it('pow is that of C', () => {
  expect(pow(1, NaN)).toBe(1);
  expect(pow(-1, Infinity)).toBe(1);
  expect(pow(-1, -Infinity)).toBe(1);
  expect(pow(NaN, 0)).toBe(1);
  expect(pow(0, -1)).toBe(Infinity);
  expect(pow(-0, -3)).toBe(-Infinity);
  expect(pow(-8, 1 / 3)).toBeNaN();
  expect(pow(-Infinity, -3)).toBe(-0);
});

// torch.sign(torch.tensor([...]))
it('the sign of NaN is 0', () => {
  expect([3, -3, 0, Infinity, -Infinity, NaN].map(sign)).toEqual([1, -1, 0, 1, -1, 0]);
});
