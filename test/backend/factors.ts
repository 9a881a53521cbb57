import type { Backend } from '../../lib/backend/backend.js';
import type { DType } from '../../lib/backend/dtype.js';
import { type FactorKind, factorAxes } from '../../lib/backend/js/factor.js';
import type { View } from '../../lib/backend/view.js';
import { type Layout, noise, operand } from './operands.js';

const INPUTS: Readonly<Record<FactorKind, number>> = {
  ...{ cholesky: 1, lu: 1, qr: 1, svd: 1, order: 1, reflect: 2, lower: 2, upper: 2, unitLower: 2, unitUpper: 2 },
};
/** Outputs that are int32. */
const PLACES: Partial<Record<FactorKind, readonly number[]>> = { cholesky: [2], lu: [2, 3], order: [0, 1] };

export interface Factoring {
  readonly kind: FactorKind;
  readonly dtype: DType;
  /** Rows and columns of the first operand, and of what is solved for or made of it. */
  readonly rows: number;
  readonly columns: number;
  readonly batch?: readonly number[];
  readonly layout?: Layout;
  readonly values?: readonly number[];
}

/** The outputs of an instruction over matrices whose diagonals are large enough for all of them. */
export function factored(backend: Backend, given: Factoring): View[] {
  const { kind, dtype, rows, columns, batch = [], layout = 'contiguous' } = given;
  const isSolved = INPUTS[kind] === 2 && kind !== 'reflect';
  const [m, n] =
    kind === 'cholesky'
      ? [rows, rows]
      : kind === 'svd'
        ? [Math.max(rows, columns), Math.min(rows, columns)]
        : [rows, columns];
  const k = isSolved ? m : kind === 'svd' ? n : Math.min(m, n);
  const sizes: Readonly<Record<string, number>> = { m, n: kind === 'reflect' ? k : n, k };
  const operands = factorAxes[kind].map((axes, i) => {
    const shape = [...batch, ...[...axes].map((name) => sizes[name]!)];
    const [height = 1, width = 1] = [...axes].map((name) => sizes[name]!);
    const count = shape.reduce((product, size) => product * size, 1);
    const values = (given.values ?? noise(count, 5 + i)).map((x, at) => {
      const [row, column] = [Math.floor(at / width) % height, at % width];
      return given.values === undefined && axes.length === 2 && row === column ? x + 3 * m : x;
    });
    const type = PLACES[kind]?.includes(i) ? 'int32' : dtype;
    return operand(type, shape, i < INPUTS[kind] && values.length > 0 ? values : [7], layout);
  });
  const outputs = operands.slice(INPUTS[kind]);
  backend.factor(kind, operands.slice(0, INPUTS[kind]), outputs);
  return outputs;
}
