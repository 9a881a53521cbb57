import { describe, expect, test } from 'vitest';
import { type Matrix, orthogonalize, qr } from '../../lib/ops/linalg-qr.js';

const matrix = (rows: readonly (readonly number[])[]): Matrix => ({
  rows: rows.length,
  cols: rows[0]!.length,
  values: Float64Array.from(rows.flat()),
});

function expectClose(actual: Matrix, expected: readonly (readonly number[])[], tolerance: number): void {
  expect([actual.rows, actual.cols]).toEqual([expected.length, expected[0]!.length]);
  const worst = expected.flat().reduce((most, x, i) => Math.max(most, Math.abs(x - actual.values[i]!)), 0);
  expect(worst).toBeLessThan(tolerance);
}

// torch.linalg.qr in float64
const decompositions = [
  {
    a: [
      [1, 2, 3],
      [4, 5, 6],
      [7, 8, 10],
      [-1, 0.5, 2],
    ],
    q: [
      [-0.12216944435630528, -0.44417333078050164, 0.15855208826168174],
      [-0.48867777742522095, -0.19653687202677037, 0.7907534528493936],
      [-0.8551861104941366, 0.05109958672696029, -0.515796033965214],
      [0.12216944435630524, -0.8726237117988609, -0.2890063380972414],
    ],
    r: [
      [-8.18535277187245, -9.468131937613656, -11.606097213848996],
      [0, -1.898546183778604, -3.745992780830245],
      [0, 0, -0.5157960339652157],
    ],
  },
  {
    a: [
      [2, -1],
      [0, 3],
    ],
    q: [
      [1, 0],
      [0, 1],
    ],
    r: [
      [2, -1],
      [0, 3],
    ],
  },
  { a: [[-3], [4]], q: [[-0.6], [0.8]], r: [[5]] },
  {
    a: [
      [0, 1],
      [1, 0],
    ],
    q: [
      [0, -1],
      [-1, 0],
    ],
    r: [
      [-1, 0],
      [0, -1],
    ],
  },
];

describe('qr', () => {
  test.each(decompositions)('has the signs of LAPACK: $a', ({ a, q, r }) => {
    const decomposition = qr(matrix(a));
    expectClose(decomposition.q, q, 1e-14);
    expectClose(decomposition.r, r, 1e-13);
  });
});

// torch.manual_seed(0); torch.empty(3, 4).normal_(), and what nn.init.orthogonal_ makes of the same stream
const wide = [
  [1.5409961082440433, -0.2934289057609464, -2.1787893820745574, 0.5684312772806678],
  [-1.084522342424021, -1.3985953953708767, 0.4033468476292993, 0.8380263329976598],
  [-0.7192575784693592, -0.40334352493217457, -0.5966353626151273, 0.18203648506130554],
];
const wideOrthogonal = [
  [0.5615326608908102, -0.1069242896544219, -0.7939419137346801, 0.2071340258144413],
  [-0.39059818106908584, -0.7681001360244122, -0.04086776343142551, 0.5057519825931623],
  [-0.7138387315673371, 0.21100855822296735, -0.6063023618379615, -0.2798340574353109],
];

describe('orthogonalize', () => {
  test('makes rows of a wide matrix orthonormal, as PyTorch does', () => {
    expectClose(orthogonalize(matrix(wide)), wideOrthogonal, 1e-14);
  });

  test('makes columns of a tall matrix orthonormal', () => {
    const [rows, cols] = [50, 20];
    const values = Float64Array.from({ length: rows * cols }, (_, i) => Math.sin(i * i));
    const q = orthogonalize({ rows, cols, values });
    const product = (j: number, k: number) =>
      Array.from({ length: rows }, (_, i) => q.values[i * cols + j]! * q.values[i * cols + k]!).reduce((a, b) => a + b);
    for (let j = 0; j < cols; j++) {
      for (let k = 0; k < cols; k++) expect(product(j, k)).toBeCloseTo(j === k ? 1 : 0, 13);
    }
  });
});
