import { type Case, gflop, type Question } from './question.js';

type Flags = Pick<Case, 'quick' | 'headline'>;

/** `a` and `b` mark operands that are stored transposed. */
function product(m: number, k: number, n: number, transposed: '' | 'a' | 'b' | 'ab' = '', flags: Flags = {}): Case {
  const [transposeA, transposeB] = [transposed.includes('a'), transposed.includes('b')];
  return {
    label: `${m} x ${k}${transposeA ? ' (t)' : ''} x ${n}${transposeB ? ' (t)' : ''}`,
    work: { kind: 'matmul', m, k, n, transposeA, transposeB },
    amount: gflop(2 * m * k * n),
    ...flags,
  };
}

const square = (n: number, flags: Flags = {}) => product(n, n, n, '', flags);

/** The products of a linear layer: its output, the gradient of its input, and that of its weight [outputs, inputs]. */
const linear = (batch: number, inputs: number, outputs: number, flags: Flags = {}) => [
  product(batch, inputs, outputs, 'b', flags),
  product(batch, outputs, inputs, '', flags),
  product(outputs, batch, inputs, 'a', flags),
];

export const matmul: Question = {
  name: 'matmul',
  title: 'Matrix product, rows x inner x columns',
  cases: [
    square(16, { quick: true }),
    square(64, { quick: true, headline: true }),
    square(128, { quick: true }),
    square(256, { quick: true }),
    square(512, { quick: true, headline: true }),
    square(1024),
    square(2048),
    ...linear(128, 784, 512, { quick: true }),
    ...linear(4096, 64, 64),
    ...linear(128, 512, 256),
    ...linear(32, 784, 128),
    ...linear(32, 1024, 1024),
    ...linear(256, 1024, 4096),
    ...linear(256, 4096, 4096),
    product(1, 1024, 1024, '', { quick: true }),
    product(1, 1024, 1024, 'b'),
    product(1024, 1024, 1, ''),
  ],
};
