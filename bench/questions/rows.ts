import { type RowOp, rowOps } from '../harness/work.js';
import { type Case, type Question, traffic } from './question.js';

const shapes: readonly (readonly [rows: number, columns: number])[] = [
  [1, 300],
  [128, 256],
  [1024, 1024],
  [4096, 4096],
];

const names: Record<RowOp, string> = {
  sum: 'sum',
  meanOverRows: 'mean over rows',
  meanOverColumns: 'mean over columns',
  softmax: 'softmax of rows',
  layerNorm: 'normalised rows',
};

const elementsOf = (op: RowOp, size: number): number => (op === 'softmax' || op === 'layerNorm' ? 2 * size : size);

function folded(op: RowOp, rows: number, columns: number): Case {
  const quick = rows === 1024;
  return {
    label: `${names[op]}, ${rows} x ${columns}`,
    work: { kind: 'rows', op, rows, columns },
    amount: traffic(elementsOf(op, rows * columns)),
    ...(quick && { quick: true }),
    ...(quick && (op === 'sum' || op === 'softmax') && { headline: true }),
  };
}

export const rows: Question = {
  name: 'rows',
  title: 'Sums, means and rows',
  cases: rowOps.flatMap((op) => shapes.map(([rows, columns]) => folded(op, rows, columns))),
};
