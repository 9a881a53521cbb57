import { define } from '../../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import { type BackwardRule, record } from '../../autograd/node.js';
import { ShapeError, UnsupportedError } from '../../errors.js';
import { emptyOf } from '../../tensor/empty.js';
import * as kinds from '../../tensor/kinds.js';
import { type Results, results } from '../../tensor/results.js';
import { show } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { eye } from '../creation.js';
import { cat } from '../joining.js';
import { add, mul, neg, sub } from '../pointwise.js';
import { matmul } from '../products.js';
import { diagonalOf } from '../strided.js';
import { tril, triu } from '../triangles.js';
import { expand, narrow, unsqueeze } from '../views.js';
import { batchOf, columnsOf, productOf, reflectionsOf, requireMatrices, rowsOf, turned } from './factors.js';
import { triangularSolved } from './triangular.js';

/** What flows into A from `gq` and `gr`, of which one may be null. */
function slope(gq: Tensor | null, gr: Tensor | null, q: Tensor, r: Tensor): Tensor {
  const fromR = gr === null ? null : matmul(r, turned(gr));
  const fromQ = gq === null ? null : matmul(turned(gq), q);
  const m = fromR === null ? neg(fromQ!) : fromQ === null ? fromR : sub(fromR, fromQ);
  const symmetric = matmul(q, add(tril(m), turned(tril(m, -1))));
  const whole = gq === null ? symmetric : add(gq, symmetric);
  return turned(triangularSolved(r, turned(whole), { upper: true }));
}

const qRule: BackwardRule<null> = {
  name: 'LinalgQr',
  backward: (g, [q, r]) => [slope(g, null, q!, r!)],
};
const rRule: BackwardRule<null> = {
  name: 'LinalgQr',
  backward: (g, [q, r]) => [slope(null, triu(g), q!, r!)],
};
const refused: BackwardRule<null> = {
  name: 'LinalgQr',
  backward: () => {
    throw new UnsupportedError(
      "qr: with mode 'complete' there is no gradient for more rows than columns; use 'reduced'",
    );
  },
};

/** Q and R of the reduced decomposition, with gradients. */
function reduced(a: Tensor): [q: Tensor, r: Tensor] {
  const [m, n] = [rowsOf(a), columnsOf(a)];
  const k = Math.min(m, n);
  const square = narrow(a, -1, 0, k);
  const [packed, taus] = reflectionsOf(square.detach());
  const q = productOf(packed, taus, k);
  const r = triu(narrow(packed, -2, 0, k));
  record(q, qRule, [square], [q, r], null);
  record(r, rRule, [square], [q, r], null);
  return m >= n ? [q, r] : [q, cat([r, matmul(turned(q), narrow(a, -1, k, n - k))], -1)];
}

function complete(a: Tensor): [q: Tensor, r: Tensor] {
  const [m, n] = [rowsOf(a), columnsOf(a)];
  if (m <= n) return reduced(a);
  const [packed, taus] = reflectionsOf(a.detach());
  const q = productOf(packed, taus, m);
  const r = triu(packed);
  for (const result of [q, r]) record(result, refused, [a], [], null);
  return [q, r];
}

const decomposing = signature('A, /, mode', {
  A: kinds.tensor,
  /** 'reduced': Q (…, m, k), R (…, k, n), k the smaller of m and n; 'complete': Q (…, m, m), R (…, m, n); 'r': R alone. Default: 'reduced'. */
  mode: kinds.choice('reduced', 'complete', 'r').default('reduced'),
});

export interface QrOptions extends OptionsOf<typeof decomposing> {}

/**
 * Q with orthonormal columns and the upper triangular R with A = Q R, with LAPACK's signs.
 *
 * @param A (…, m, n)
 * @throws ShapeError for what is no matrix; DTypeError for integers
 * @example
 * ```ts
 * const { Q, R } = linalg.qr(tensor([[3, 1], [4, 2]]));
 * Q; // tensor([[-0.6000, -0.8000], [-0.8000,  0.6000]])
 * R; // tensor([[-5.0000, -2.2000], [ 0.0000,  0.4000]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.qr.html
 */
export const qr: FunctionOf<Results<['Q', 'R']>, typeof decomposing, QrOptions> = define(
  'qr',
  decomposing,
  (a, mode) => {
    requireMatrices('qr', a);
    const [q, r] = mode === 'complete' ? complete(a) : reduced(a);
    return results('qr', ['Q', 'R'], [mode === 'r' ? emptyOf([0], a.dtype) : q, r]);
  },
);

/**
 * The matrix with orthonormal rows or columns, whichever are fewer, that `nn.init.orthogonal_` makes of a matrix of normals: Q with
 * its columns' signs chosen so that R has a positive diagonal, which makes it uniformly distributed.
 */
export function orthogonalized(a: Tensor): Tensor {
  if (rowsOf(a) < columnsOf(a)) return turned(orthogonalized(turned(a)));
  const [packed, taus] = reflectionsOf(a.detach());
  return mul(productOf(packed, taus, columnsOf(a)), unsqueeze(diagonalOf('orthogonal_', packed, 0, -2, -1).sign(), -2));
}

const reflecting = signature('input, tau, /', { input: kinds.tensor, tau: kinds.tensor });

/**
 * The first columns of the product of Householder reflections I - τᵢ vᵢ vᵢᵀ: vᵢ is column i of the input below the diagonal, where it is 1.
 *
 * @param input (…, m, n), m ≥ n
 * @param tau (…, k), k ≤ n
 * @throws ShapeError if shapes do not fit; DTypeError for integers, or two element types
 * @example
 * ```ts
 * linalg.householderProduct(tensor([[0], [1]]), tensor([1])); // tensor([[ 0.], [-1.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.householder_product.html
 */
export const householderProduct: FunctionOf<Tensor, typeof reflecting> = define(
  'householderProduct',
  reflecting,
  (input, tau) => {
    requireMatrices('householderProduct', input);
    const [m, n] = [rowsOf(input), columnsOf(input)];
    const k = shapeOf(tau).at(-1) ?? -1;
    const fits = show(batchOf(input)) === show(shapeOf(tau).slice(0, -1)) && tau.dtype === input.dtype;
    if (m < n || k < 0 || k > n || !fits) {
      throw new ShapeError(
        `householderProduct: expected (…, m, n) with m ≥ n, and (…, k) with k ≤ n of its type, got ${show(input.shape)} and ${show(tau.shape)}`,
      );
    }
    const unit = eye(m, n, { dtype: input.dtype });
    const vectors = add(tril(input, -1), unit);
    let q = mul(expand(unit, shapeOf(input)), 1);
    for (let i = k - 1; i >= 0; i--) {
      const v = narrow(vectors, -1, i, 1);
      q = sub(q, mul(unsqueeze(narrow(tau, -1, i, 1), -1), matmul(v, matmul(turned(v), q))));
    }
    return q;
  },
);
