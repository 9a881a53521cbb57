import { chainOps, type VocabularyOp } from '../harness/work.js';
import { type Question, sizeLabel } from './question.js';

const named = (label: string, op: VocabularyOp, size: number) => ({
  label,
  work: { kind: 'vocabulary', op, size } as const,
});

/** Beside elementwise operations and rows: orders, indices, layers with both passes, and decompositions. */
export const vocabulary: Question = {
  name: 'vocabulary',
  title: 'Orders, indices, layers forward and backward, matrices',
  cases: [
    named('topk, 1,000 of 1e6', 'topk', 1e6),
    named('sort, 1e6', 'sort', 1e6),
    named('cumsum, 1e6', 'cumsum', 1e6),
    named('index, 4,096 rows of 64', 'indexRows', 4096),
    named('scatterAdd, 1e5 to 4,096', 'scatterAdd', 1e5),
    named('embedding, 4,096 of 30,000 x 256, both passes', 'embedding', 4096),
    named('batchNorm2d, 32 x 64 x 28 x 28, both passes', 'batchNorm2d', 64),
    named('inverse, 256 x 256', 'inverse', 256),
    named('orthogonal_, 1024 x 1024', 'orthogonal', 1024),
  ],
};

const shapes = [
  [32, 1024],
  [1024, 1024],
] as const;

/** What fusion has to work with: the same operations as one captured function. */
export const chains: Question = {
  name: 'chains',
  title: 'An operation three times, with a sum and a product between them, elements',
  cases: chainOps.flatMap((op) =>
    shapes.map(([rows, columns]) => ({
      label: `${op}, ${sizeLabel(rows * columns)}`,
      work: { kind: 'chain', op, rows, columns } as const,
    })),
  ),
};
