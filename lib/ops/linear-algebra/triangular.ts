import { define } from '../../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import { type BackwardRule, record } from '../../autograd/node.js';
import { ShapeError } from '../../errors.js';
import * as kinds from '../../tensor/kinds.js';
import { show } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { neg } from '../pointwise.js';
import { matmul } from '../products.js';
import { tril, triu } from '../triangles.js';
import {
  alike,
  columnsOf,
  requireMatrices,
  requireSquare,
  rowsOf,
  substituted,
  type Triangle,
  turned,
} from './factors.js';

const rule: BackwardRule<Triangle> = {
  name: 'LinalgSolveTriangular',
  backward: (g, [a, x], { upper, unitriangular = false }, [aNeeds]) => {
    const gb = triangularSolved(turned(a!), g, { upper: !upper, unitriangular });
    if (!aNeeds) return [null, gb];
    const ga = neg(matmul(gb, turned(x!)));
    const inside = Number(unitriangular);
    return [upper ? triu(ga, inside) : tril(ga, -inside), gb];
  },
};

/** X of A X = B, with gradients; both have one batch. */
export function triangularSolved(a: Tensor, b: Tensor, triangle: Triangle): Tensor {
  const x = substituted(a.detach(), b.detach(), triangle);
  return record(x, rule, [a, b], [a, x], triangle);
}

const solving = signature('A, B, /, upper, left, unitriangular', {
  A: kinds.tensor,
  B: kinds.tensor,
  /** Whether A is upper triangular, or else lower; the other half is not looked at. */
  upper: kinds.boolean,
  /** Whether A stands on the left: A X = B, or else X A = B. Default: true. */
  left: kinds.boolean.default(true),
  /** Take the diagonal of A as ones. Default: false. */
  unitriangular: kinds.boolean.default(false),
});

export interface SolveTriangularOptions extends OptionsOf<typeof solving> {}

/** Refuses right-hand sides that do not fit. */
export function requireFit(op: string, a: Tensor, b: Tensor, left = true): void {
  requireSquare(op, a);
  requireMatrices(op, a, b);
  if (columnsOf(a) !== (left ? rowsOf(b) : columnsOf(b)))
    throw new ShapeError(`${op}: A ${show(a.shape)} and B ${show(b.shape)} do not fit`);
}

/**
 * X of A X = B, for triangular matrices A. Batches are broadcast. A zero on the diagonal makes infinities.
 *
 * @param A (…, n, n)
 * @param B (…, n, k)
 * @throws ShapeError if shapes do not fit; DTypeError for integers, or two element types
 * @example
 * ```ts
 * linalg.solveTriangular(tensor([[2, 0], [1, 1]]), tensor([[2], [3]]), { upper: false }); // tensor([[1.], [2.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.solve_triangular.html
 */
export const solveTriangular: FunctionOf<Tensor, typeof solving, SolveTriangularOptions> = define(
  'solveTriangular',
  solving,
  (A, B, upper, left, unitriangular) => {
    requireFit('solveTriangular', A, B, left);
    const [a, b] = alike('solveTriangular', A, B);
    if (left) return triangularSolved(a, b, { upper, unitriangular });
    return turned(triangularSolved(turned(a), turned(b), { upper: !upper, unitriangular }));
  },
);
