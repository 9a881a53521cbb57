import { readFileSync } from 'node:fs';
import * as nabla from 'nabla';
import {
  addbmm,
  addmm,
  addmv,
  baddbmm,
  capture,
  cross,
  DTypeError,
  einsum,
  eye,
  gradcheck,
  gradgradcheck,
  inner,
  kron,
  ones,
  outer,
  ShapeError,
  Tensor,
  tensor,
  tensordot,
  ValueError,
  vdot,
  zeros,
} from 'nabla';
import { describe, expect, it } from 'vitest';
import { expectSame } from '../capture/same.js';
import { type Encoded, expectClose, numbers } from '../recorded.js';

// Products and linear algebra against PyTorch's values: see fixtures/algebra.py. A new function needs rows there.

interface Input {
  readonly shape: readonly number[];
  readonly phase: number;
  readonly make: keyof typeof MATRICES;
}

interface Case {
  readonly call: string;
  readonly args: readonly unknown[];
  readonly out: readonly { readonly shape: readonly number[]; readonly values: Encoded }[];
  readonly gradients: readonly (Encoded | null)[];
}

const cases = JSON.parse(readFileSync(new URL('../fixtures/algebra.json', import.meta.url), 'utf8')) as Case[];

const waves = (shape: readonly number[], phase: number): Tensor => {
  const size = shape.reduce((product, n) => product * n, 1);
  return tensor(Float64Array.from({ length: size }, (_, i) => Math.sin(i * i * 0.3 + i * 0.7 + 0.1 + phase))).reshape([
    ...shape,
  ]);
};

const unit = (w: Tensor): Tensor => eye(w.shape.at(-1)!, { dtype: 'float64' });

const MATRICES = {
  waves: (w: Tensor) => w,
  dominant: (w: Tensor) => w.add(unit(w).mul(2)),
  definite: (w: Tensor) => w.matmul(w.mT).add(unit(w)),
  lower: (w: Tensor) => w.tril(-1).add(unit(w).mul(2)),
  upper: (w: Tensor) => w.triu(1).add(unit(w).mul(2)),
} as const;

/** Functions of symmetric and triangular matrices look at a part of them. */
const lookedAt = ({ make }: Input, x: Tensor): Tensor => {
  if (make === 'definite') return x.add(x.mT).div(2);
  return make === 'lower' ? x.tril() : make === 'upper' ? x.triu() : x;
};

const isInput = (arg: unknown): arg is Input => typeof arg === 'object' && arg !== null && 'make' in arg;

/** The inputs of a case in order, and the call with others in their place. */
function read({ call, args }: Case): { inputs: Tensor[]; run: (...inputs: Tensor[]) => Tensor[] } {
  const given = args.flatMap((arg) => (Array.isArray(arg) ? arg.filter(isInput) : isInput(arg) ? [arg] : []));
  const inputs = given.map(({ shape, phase, make }) => MATRICES[make](waves(shape, phase)).requiresGrad_());
  const fn = call.split('.').reduce((at: unknown, name) => Reflect.get(at as object, name), nabla) as (
    ...args: unknown[]
  ) => Tensor | Iterable<Tensor>;
  const run = (...tensors: Tensor[]) => {
    const left = [...tensors];
    const place = (arg: unknown) => (isInput(arg) ? lookedAt(arg, left.shift()!) : arg);
    const result = fn(...args.map((arg) => (Array.isArray(arg) ? arg.map(place) : place(arg))));
    return result instanceof Tensor ? [result] : [...result];
  };
  return { inputs, run };
}

/** A scalar that depends on all results. */
const weighed = (results: readonly Tensor[]): Tensor =>
  results
    .map((out, i) =>
      out.dtype === 'int32' ? out.double().sum().mul(0) : out.mul(waves(out.shape, 2 + i).to(out)).sum(),
    )
    .reduce((a, b) => a.add(b));

const titles = cases.map((one, i): [string, Case] => [
  `${i} ${one.call} ${JSON.stringify(one.args).slice(0, 90)}`,
  one,
]);

describe.each(titles)('%s', (_, one) => {
  const { inputs, run } = read(one);

  it('has the values and gradients of PyTorch', () => {
    const results = run(...inputs);
    expect(results.map(({ shape }) => shape)).toEqual(one.out.map(({ shape }) => shape));
    results.forEach((out, i) => {
      expectClose(out, one.out[i]!.values, 1e-11);
    });
    weighed(results).backward();
    inputs.forEach((x, i) => {
      const wanted = one.gradients[i];
      expectClose(x.grad ?? zeros(x.shape), wanted ?? Array<number>(x.numel()).fill(0), 1e-10);
    });
  });

  it('has the derivatives of finite differences, of the second order too', () => {
    const floats = (...tensors: Tensor[]) => run(...tensors).filter((out) => out.dtype !== 'int32');
    expect(gradcheck(floats, inputs)).toBe(true);
    expect(gradgradcheck(floats, inputs)).toBe(true);
  });

  it('is in a captured function what it is outside', () => {
    const step = (...tensors: Tensor[]): Tensor[] => {
      const leaves = tensors.map((x) => x.detach().requiresGrad_());
      const results = run(...leaves);
      weighed(results).backward();
      return [...results.map((out) => out.detach().clone()), ...leaves.flatMap((x) => x.grad ?? [])];
    };
    const captured = capture(step);
    for (const scale of [1, 1.25, 0.75]) {
      const given = inputs.map((x) => x.detach().mul(scale));
      const [got, expected] = [captured(...given) as Tensor[], step(...given)];
      expect(got.length).toBe(expected.length);
      for (const [i, x] of expected.entries()) expectSame(got[i]!, x);
    }
  });

  it('takes float32, and memory in another order', () => {
    const small = run(...inputs.map((x) => x.detach().float()));
    const turned = run(...inputs.map((x) => (x.ndim < 2 ? x.detach() : x.detach().mT.contiguous().mT)));
    for (const [i, { values }] of one.out.entries()) {
      expectClose(small[i]!, values, 2e-4);
      expectClose(turned[i]!, values, 1e-11);
    }
  });
});

describe('products', () => {
  const int = (values: unknown) => tensor(values as number[], { dtype: 'int32' });

  it('of integers are integers', () => {
    expect(
      einsum(
        'ij,j->i',
        int([
          [1, 2],
          [3, 4],
        ]),
        int([1, 1]),
      ).toArray(),
    ).toEqual([3, 7]);
    expect(
      einsum(
        'ij->',
        int([
          [1, 2],
          [3, 4],
        ]),
      ).dtype,
    ).toBe('int32');
    expect(tensordot(int([1, 2]), int([3, 4]), 1).item()).toBe(11);
    expect(cross(int([1, 0, 0]), int([0, 1, 0])).toArray()).toEqual([0, 0, 1]);
    expect(addmv(int([1]), int([[2, 3]]), int([1, 1]), { alpha: 2 }).toArray()).toEqual([11]);
  });

  it('of nothing are zeros', () => {
    expect(einsum('ij,jk->ik', zeros([2, 0]), zeros([0, 3])).toArray()).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ]);
    expect(tensordot(zeros([0, 2]), zeros([2, 3]), 1).shape).toEqual([0, 3]);
    expect(kron(zeros([0]), ones([3])).shape).toEqual([0]);
    expect(addbmm(ones([2, 2]), zeros([0, 2, 3]), zeros([0, 3, 2])).toArray()).toEqual([
      [1, 1],
      [1, 1],
    ]);
  });

  it('pass NaN and infinities on, but for an input that beta leaves out', () => {
    expect(numbers(einsum('i,i->', tensor([Number.NaN, 1]), ones([2])))).toEqual([Number.NaN]);
    expect(numbers(outer(tensor([Number.POSITIVE_INFINITY, 1]), tensor([1, 0])))).toEqual([
      Number.POSITIVE_INFINITY,
      Number.NaN,
      1,
      0,
    ]);
    expect(addmm(tensor(Number.NaN), ones([1, 2]), ones([2, 1]), { beta: 0 }).item()).toBe(2);
  });

  it('are written in place, whatever reads them', () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const y = x.mul(2).addmv_(eye(2), tensor([10, 20]), { beta: 3 });
    expect(y.toArray()).toEqual([16, 32]);
    y.sum().backward();
    expect(x.grad!.toArray()).toEqual([6, 6]);
    expect(() => ones([2]).addmm_(ones([2, 3]), ones([3, 2]))).toThrow(
      'addmm_: the input [2] does not hold a result of shape [2, 2]',
    );
    expect(() => zeros([2]).addmv_(ones([2, 3]), ones([2]))).toThrow(ShapeError);
  });

  it('einsum of one operand is a view of it, where nothing is summed', () => {
    const x = zeros([2, 2]);
    einsum('ii->i', x).add_(1);
    expect(x.toArray()).toEqual([
      [1, 0],
      [0, 1],
    ]);
    expect(
      einsum('ij,j->ij', x, ones([2]))
        .add_(1)
        .toArray(),
    ).toEqual([
      [2, 1],
      [1, 2],
    ]);
  });

  it.each([
    [() => einsum('ij,jk', ones([2, 3])), ValueError, 'einsum: the equation is of 2 operands, got 1'],
    [() => einsum('ij->ik', ones([2, 3])), ValueError, "einsum: 'k' of the output appears in no operand"],
    [() => einsum('ij->ii', ones([2, 3])), ValueError, "einsum: 'i' appears more than once in the output"],
    [
      () => einsum('i1', ones([2, 3])),
      ValueError,
      "einsum: expected letters, '...', ',' and '->' in the equation, got '1'",
    ],
    [() => einsum('i->j->i', ones([2])), ValueError, "einsum: '->' appears more than once in 'i->j->i'"],
    [() => einsum('...i...', ones([2])), ValueError, "einsum: '...' appears more than once in '...i...'"],
    [() => einsum('ij', ones([2])), ShapeError, 'einsum: expected 2 dimensions of operand 0 (ij), got shape [2]'],
    [() => einsum('i', ones([2, 3])), ShapeError, 'einsum: expected 1 dimensions of operand 0 (i), got shape [2, 3]'],
    [
      () => einsum('ii', ones([2, 3])),
      ShapeError,
      "einsum: 'i' is repeated for dims of operand 0 that differ in size: [2, 3]",
    ],
    [() => einsum('i,i', ones([2]), ones([3])), ShapeError, "einsum: 'i' has size 3 in operand 1, and 2 before"],
    [
      () => einsum(ones([2]), [52]),
      ValueError,
      "einsum: list 0 must be an array of numbers from 0 to 51 and '...', got an array of 1",
    ],
    [
      () => einsum('i,i', ones([2]), ones([2]).double()),
      DTypeError,
      'einsum: operands must have one dtype, got float32 and float64; convert with .to()',
    ],
    [
      () => einsum(3 as never, []),
      ValueError,
      'einsum: expected an equation as a text, or a tensor and its list, got 3',
    ],
    [
      () => tensordot(ones([2]), ones([2]), 2),
      ShapeError,
      'tensordot: expected at least 2 dimensions of both, got [2] and [2]',
    ],
    [() => tensordot(ones([2]), ones([3]), 1), ShapeError, 'tensordot: dim 0 of [2] and dim 0 of [3] differ in size'],
    [
      () => tensordot(ones([2]), ones([2]), [[0], []]),
      ShapeError,
      'tensordot: expected as many dims of both, each once, got [0] and []',
    ],
    [() => inner(ones([2]), ones([3])), ShapeError, 'inner: the last dims of [2] and [3] differ in size'],
    [() => outer(ones([2]), ones([2, 2])), ShapeError, 'outer: expected two vectors, got shape [2, 2]'],
    [() => vdot(ones([2]), ones([3])), ShapeError, 'vdot: sizes differ: [2] x [3]'],
    [() => cross(ones([2]), ones([2])), ShapeError, 'cross: expected a dim of 3 elements, got [2] and [2]'],
    [
      () => cross(ones([3, 2]), ones([3, 2]), 1),
      ShapeError,
      'cross: expected dim 1 of 3 elements, got [3, 2] and [3, 2]',
    ],
    [
      () => addmm(ones([3]), ones([2, 3]), ones([3, 2])),
      ShapeError,
      'addmm: the input [3] does not broadcast to [2, 2]',
    ],
    [
      () => addmm(int([1]), int([[1]]), int([[1]]), { alpha: 0.5 }),
      DTypeError,
      'addmm: alpha must be an integer for int32 operands, got 0.5; use .float()',
    ],
    [
      () => baddbmm(ones([1]), ones([2, 2, 3]), ones([3, 3, 2])),
      ShapeError,
      'baddbmm: batch sizes differ: [2, 2, 3] x [3, 3, 2]',
    ],
    [
      () => addbmm(ones([1]), ones([2, 3]), ones([3, 3, 2])),
      ShapeError,
      'addbmm: the first batch must have 3 dimensions, got [2, 3]',
    ],
  ])('refuses what it cannot take: %#', (call, error, message) => {
    expect(call).toThrow(error);
    expect(call).toThrow(message);
  });
});

describe('linear algebra', () => {
  const { linalg } = nabla;
  const singular = tensor([
    [1, 2],
    [2, 4],
  ]);
  const batch = nabla.stack([eye(2), singular]);

  it('refuses singular and indefinite matrices, by their place', () => {
    for (const [name, call] of [
      ['inv', (x: Tensor) => linalg.inv(x)],
      ['inverse', (x: Tensor) => x.inverse()],
      ['solve', (x: Tensor) => linalg.solve(x, ones([2, 1]))],
      ['matrixPower', (x: Tensor) => x.matrixPower(-1)],
    ] as const) {
      expect(() => call(singular)).toThrow(`${name}: the matrix is singular`);
      expect(() => call(batch)).toThrow(`${name}: matrix 1 of the batch is singular`);
    }
    expect(() => linalg.cholesky(singular.neg())).toThrow('cholesky: the matrix is not positive definite (at pivot 0)');
    expect(() => linalg.svd(tensor([[Number.NaN]]))).toThrow(
      'svd: the matrices have elements that are NaN or infinite',
    );
  });

  it('refuses them in replays of captured functions too', () => {
    const step = capture((x: Tensor) => linalg.inv(x));
    expect(step(eye(2)).toArray()).toEqual([
      [1, 0],
      [0, 1],
    ]);
    expect(step(eye(2).mul(2)).toArray()).toEqual([
      [0.5, 0],
      [0, 0.5],
    ]);
    expect(() => step(singular)).toThrow('inv: a matrix is singular');
  });

  it('knows what singular matrices have', () => {
    expect(linalg.det(singular).abs().item()).toBe(0);
    expect(singular.slogdet().logabsdet.item()).toBe(Number.NEGATIVE_INFINITY);
    expect(linalg.matrixRank(singular).item()).toBe(1);
    const x = singular.double().requiresGrad_();
    linalg.det(x).backward();
    expectClose(x.grad!, [4, -2, -2, 1], 1e-12);
  });

  it.each([
    [3, 3],
    [5, 3],
    [3, 5],
    [1, 4],
    [0, 3],
    [20, 17],
  ])('%d x %d: U diag(S) Vh, Q R and P L U are A, with orthonormal columns', (m, n) => {
    const a = waves([2, m, n], 1);
    const near = (x: Tensor, y: Tensor) => expectClose(x.sub(y), Array<number>(x.numel()).fill(0), 1e-12);
    const unitary = (q: Tensor) =>
      near(q.mT.matmul(q), eye(q.shape.at(-1)!, { dtype: 'float64' }).expand([2, q.shape.at(-1)!, q.shape.at(-1)!]));
    const { U, S, Vh } = linalg.svd(a, false);
    near(U.mul(S.unsqueeze(-2)).matmul(Vh), a);
    const full = linalg.svd(a);
    for (const q of [U, Vh.mT, full.U, full.Vh.mT, linalg.qr(a).Q, linalg.qr(a, 'complete').Q]) unitary(q);
    near(linalg.qr(a).Q.matmul(linalg.qr(a).R), a);
    near(linalg.qr(a, 'complete').Q.matmul(linalg.qr(a, 'complete').R), a);
    const { P, L, U: upper } = linalg.lu(a);
    near(P.matmul(L).matmul(upper), a);
    const { LU, pivots } = linalg.luFactor(waves([2, n, n], 1));
    near(waves([2, n, n], 1).matmul(linalg.luSolve(LU, pivots, waves([n, 2], 3))), waves([n, 2], 3).expand([2, n, 2]));
    near(
      waves([2, n, n], 1).mT.matmul(linalg.luSolve(LU, pivots, waves([n, 2], 3), { adjoint: true })),
      waves([n, 2], 3).expand([2, n, 2]),
    );
    const symmetric = a.matmul(a.mT);
    const { eigenvalues, eigenvectors } = linalg.eigh(symmetric);
    unitary(eigenvectors);
    near(eigenvectors.mul(eigenvalues.unsqueeze(-2)).matmul(eigenvectors.mT), symmetric);
  });

  it('takes no pivots that are no rows, captured or not', () => {
    const { LU, pivots } = linalg.luFactor(
      tensor([
        [1, 1, 0],
        [2, 4, 1],
        [0, 3, 5],
      ]),
    );
    const solve = (p: Tensor) => linalg.luSolve(LU, p, ones([3, 1]));
    const captured = capture(solve);
    expect(captured(pivots).toArray()).toEqual(solve(pivots).toArray());
    for (const bad of [
      [0, 2, 3],
      [2, 4, 3],
      [2, -1, 3],
    ]) {
      const p = tensor(bad, { dtype: 'int32' });
      expect(() => solve(p)).toThrow(`luSolve: pivots must be between 1 and 3, as luFactor gives them, got ${p}`);
      expect(() => captured(p)).toThrow('luSolve: pivots must be between 1 and 3');
    }
    expect(captured(pivots).toArray()).toEqual(solve(pivots).toArray());
  });

  it('completes bases of matrices of lower rank, and of none', () => {
    for (const a of [zeros([3, 2]).double(), singular.double(), ones([4, 4]).double()]) {
      const { U, S, Vh } = linalg.svd(a);
      expectClose(U.mT.matmul(U), numbers(eye(a.shape[0]!)), 1e-14);
      expectClose(U.slice(1, 0, S.numel()).mul(S).matmul(Vh), numbers(a), 1e-13);
      expectClose(a.matmul(linalg.pinv(a)).matmul(a), numbers(a), 1e-13);
    }
  });

  it('has gradients of vectors, where signs are of no account', () => {
    const x = waves([3, 2], 1).requiresGrad_();
    const y = MATRICES.definite(waves([3, 3], 1)).requiresGrad_();
    const fns = [
      (a: Tensor) => linalg.svd(a!, false).U.square(),
      (a: Tensor) => linalg.svd(a!, false).Vh.square(),
      (a: Tensor) => linalg.svd(a!.mT, false).U.square(),
    ];
    for (const f of fns) expect(gradcheck((a) => f(a!), [x]) && gradgradcheck((a) => f(a!), [x])).toBe(true);
    const vectors = (a?: Tensor) => linalg.eigh(a!.add(a!.mT)).eigenvectors.square();
    expect(gradcheck(vectors, [y]) && gradgradcheck(vectors, [y])).toBe(true);
    const products = (v?: Tensor, tau?: Tensor) => linalg.householderProduct(v!, tau!);
    const given = [waves([4, 3], 1).requiresGrad_(), waves([2], 2).requiresGrad_()];
    expect(gradcheck(products, given) && gradgradcheck(products, given)).toBe(true);
  });

  it('fits lines, with the shortest of several answers', () => {
    const a = tensor([
      [1, 0],
      [1, 1],
      [1, 2],
    ]).double();
    const { solution, residuals, rank } = linalg.lstsq(a, tensor([[1], [3], [6]]).double());
    expectClose(solution, [5 / 6, 2.5], 1e-13);
    expectClose(residuals, [1 / 6], 1e-13);
    expect(rank.item()).toBe(2);
    expectClose(linalg.lstsq(ones([1, 2]).double(), ones([1, 1]).double()).solution, [0.5, 0.5], 1e-14);
    const fit = (x?: Tensor, y?: Tensor) => linalg.lstsq(x!, y!).solution;
    expect(gradcheck(fit, [waves([4, 2], 1).requiresGrad_(), waves([4, 2], 2).requiresGrad_()])).toBe(true);
  });

  it('takes very large and very small numbers, and matrix exponentials of any size', () => {
    const a = waves([3, 3], 1);
    for (const scale of [1e-200, 1e200]) {
      expectClose(linalg.svdvals(a.mul(scale)).div(scale), numbers(linalg.svdvals(a)), 1e-13);
      expectClose(linalg.qr(a.mul(scale)).Q, numbers(linalg.qr(a).Q), 1e-13);
    }
    expectClose(
      linalg.matrixExp(
        tensor([
          [-1000, 0],
          [0, 1],
        ]).double(),
      ),
      [0, 0, 0, Math.E],
      1e-12,
    );
    const turn = tensor([
      [0, 100],
      [-100, 0],
    ]).double();
    expectClose(linalg.matrixExp(turn), [Math.cos(100), Math.sin(100), -Math.sin(100), Math.cos(100)], 1e-11);
  });

  it.each([
    [() => linalg.inv(ones([2, 3])), ShapeError, 'inv: expected square matrices, got shape [2, 3]'],
    [() => linalg.inv(ones([2])), ShapeError, 'inv: expected matrices, (…, m, n), got shape [2]'],
    [
      () => linalg.det(eye(2).to('int32')),
      DTypeError,
      'det: expected a float tensor, got int32; convert with .float()',
    ],
    [() => linalg.solve(eye(2), ones([3, 1])), ShapeError, 'solve: A [2, 2] and B [3, 1] do not fit'],
    [
      () => linalg.solve(eye(2), ones([2, 1]).double()),
      DTypeError,
      'solve: operands must have one dtype, got float32 and float64; convert with .to()',
    ],
    [
      () => linalg.solveTriangular(eye(2), ones([3, 1]), { upper: true }),
      ShapeError,
      'solveTriangular: A [2, 2] and B [3, 1] do not fit',
    ],
    [
      () => linalg.matrixNorm(eye(2), 3 as never),
      ValueError,
      "matrixNorm: ord must be 'fro', 'nuc', 1, -1, 2, -2, Infinity or -Infinity, got 3",
    ],
    [
      () => linalg.norm(ones([2, 2, 2]), 2),
      ShapeError,
      'norm: an order of 2 takes one dim or two, got [] of [2, 2, 2]',
    ],
    [() => linalg.multiDot([eye(2)]), ShapeError, 'multiDot: expected two tensors or more, got 1'],
    [() => linalg.tensorinv(ones([2, 3])), ShapeError, 'tensorinv: expected as many elements of [2, 3] and []'],
    [
      () => linalg.matrixExp(tensor([[Number.POSITIVE_INFINITY]])),
      ValueError,
      'matrixExp: expected finite matrices with sums of columns up to 8388608',
    ],
  ])('refuses what it cannot take: %#', (call, error, message) => {
    expect(call).toThrow(error);
    expect(call).toThrow(message);
  });
});

describe('options that PyTorch has of decompositions', () => {
  const pair = eye(3).expand([2, 3, 3]);

  it('a tolerance for each matrix', () => {
    expect(nabla.linalg.matrixRank(pair, { atol: tensor([0.5, 2]) }).toArray()).toEqual([3, 0]);
    expect(nabla.linalg.matrixRank(pair, { rtol: tensor(1.5) }).toArray()).toEqual([0, 0]);
    const inverses = nabla.linalg.pinv(pair, { atol: tensor([0.5, 2]), hermitian: true });
    expect(inverses.sum([1, 2]).toArray()).toEqual([3, 0]);
    expect(() => nabla.linalg.pinv(pair, { rtol: -1 })).toThrow(
      'pinv: rtol must be at least 0, or a Tensor, or null, got -1',
    );
  });

  it('lu exchanges rows, and says so of the other', () => {
    const a = tensor([
      [1, 2],
      [3, 4],
    ]);
    expect(nabla.linalg.lu(a, { pivot: true }).U.toArray()).toEqual(nabla.linalg.lu(a).U.toArray());
    expect(() => nabla.linalg.luFactor(a, { pivot: false as true })).toThrow(
      'luFactor: pivot must be true, as PyTorch',
    );
  });

  it('vander takes a 0-d tensor for a vector of one', () => {
    expect(nabla.linalg.vander(tensor(3), { N: 3 }).toArray()).toEqual([[1, 3, 9]]);
  });
});
