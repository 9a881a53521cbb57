// The derivative of a sample of a gamma distribution by its concentration, as PyTorch approximates it: -(dF/dα) / f.

/** The derivative of ln Γ, for x > 0. */
function digamma(x: number): number {
  let sum = 0;
  let at = x;
  for (; at < 10; at++) sum -= 1 / at;
  const z = 1 / (at * at);
  const coefficients = [1 / 12, -691 / 32760, 1 / 132, -1 / 240, 1 / 252, -1 / 120, 1 / 12];
  const series = coefficients.reduce((value, c) => value * z + c, 0) * z;
  return sum + Math.log(at) - 0.5 / at - series;
}

/** A Taylor series for small samples. */
function smallSlope(alpha: number, x: number): number {
  let term = 1;
  let first = 1 / alpha;
  let second = 1 / (alpha * alpha);
  for (let i = 1; i <= 5; i++) {
    term *= -x / i;
    first += term / (alpha + i);
    second += term / (alpha + i) ** 2;
  }
  const power = x ** alpha;
  const density = x ** (alpha - 1) * Math.exp(-x);
  const slope = -((Math.log(x) - digamma(alpha)) * power * first - power * second) / density;
  return Number.isNaN(slope) ? 0 : slope;
}

/** Rice's saddle point expansion for large concentrations. */
function largeSlope(alpha: number, x: number): number {
  if (0.9 * alpha <= x && x <= 1.1 * alpha) {
    const a = 1 + 24 * alpha * (1 + 12 * alpha);
    const b = 1440 * alpha * alpha + 6 * x * (53 - 120 * x) - (65 * x * x) / alpha + alpha * (107 + 3600 * x);
    return (a * b) / (1244160 * alpha ** 4);
  }
  const root = Math.sqrt(8 * alpha);
  const away = root / (alpha - x);
  const power = (x - alpha - alpha * Math.log(x / alpha)) ** -1.5;
  const both = x < alpha ? away - power : away + power;
  const term = Math.log(x / alpha) * both - (Math.sqrt(2 / alpha) * (alpha + x)) / ((alpha - x) * (alpha - x));
  const stirling = 1 + (1 / (12 * alpha)) * (1 + 1 / (24 * alpha));
  return (-stirling * x * term) / root;
}

const RATIONAL = [
  [0.16009398, -0.094634809, 0.025146376, -0.0030648343, 1, 0.32668115, 0.10406089, 0.0014179084],
  [0.53487893, 0.1298071, 0.065735949, -0.0015649758, 0.16639465, 0.020070113, -0.0035938915, -0.00058392623],
  [0.040121004, -0.0065914022, -0.0026286047, -0.0013441777, 0.017050642, -0.0021309326, 0.00085092367, -1.5247877e-7],
] as const;

/** A rational function of ln(x / α) and ln α. */
function middleSlope(alpha: number, x: number): number {
  const [u, v] = [Math.log(x / alpha), Math.log(alpha)];
  const c = RATIONAL[0].map((first, i) => first + u * (RATIONAL[1][i]! + u * RATIONAL[2][i]!));
  const cubic = (at: number) => c[at]! + v * (c[at + 1]! + v * (c[at + 2]! + v * c[at + 3]!));
  return Math.exp(cubic(0) / cubic(4));
}

export function gammaSlope(alpha: number, x: number): number {
  if (x < 0.8) return smallSlope(alpha, x);
  return alpha > 8 ? largeSlope(alpha, x) : middleSlope(alpha, x);
}
