import { type MapOp, mapOps } from '../harness/work.js';
import { type Case, type Question, sizeLabel, traffic } from './question.js';

const sizes = [300, 2 ** 15, 2 ** 20, 2 ** 24];
/** One operation is enough to show what a call costs. */
const isQuick = (op: MapOp, size: number) => size === 2 ** 20 || (size === 300 && op === 'add');
const headlines: readonly MapOp[] = ['add', 'relu', 'sigmoid', 'tanh', 'gelu'];

function applied(op: MapOp, size: number): Case {
  return {
    label: `${op}, ${sizeLabel(size)}`,
    work: { kind: 'map', op, size },
    amount: traffic(size * (op === 'add' ? 3 : 2)),
    ...(isQuick(op, size) && { quick: true }),
    ...(size === 2 ** 20 && headlines.includes(op) && { headline: true }),
  };
}

export const elementwise: Question = {
  name: 'elementwise',
  title: 'Elementwise operations, elements',
  cases: mapOps.flatMap((op) => sizes.map((size) => applied(op, size))),
};
