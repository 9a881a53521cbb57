import { createHash } from 'node:crypto';
import {
  arange,
  backendName,
  capture,
  grad,
  manualSeed,
  nn,
  ones,
  rand,
  randn,
  setNumThreads,
  type Tensor,
  tensor,
  zeros,
} from 'nabla';
import { afterEach, describe, expect, it } from 'vitest';
import { observeStorage } from '../../lib/backend/storage.js';
import { numbers } from '../recorded.js';

const attend = nn.functional.scaledDotProductAttention;
type Options = Parameters<typeof attend>[3] & object;

const N = backendName() === 'native' ? 2 : 1;
const [L, S, E, V] = [1030, 1025, 3, 2];
/** In plain JavaScript a million scores take a while: there what is different in kind. */
const isNative = backendName() === 'native';

/** Attention as it is written down, with operations of which each holds all scores. */
function composed(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: { attnMask?: Tensor; isCausal?: boolean | undefined; scale?: number | null | undefined },
) {
  const { attnMask, isCausal = false, scale } = options;
  const scores = q.matmul(k.transpose(-2, -1)).mul(scale ?? 1 / Math.sqrt(q.shape.at(-1)!));
  const seen = isCausal
    ? ones([q.shape.at(-2)!, k.shape.at(-2)!])
        .tril()
        .ne(0)
    : attnMask;
  const hidden = (mask: Tensor) => scores.maskedFill(mask.logicalNot(), Number.NEGATIVE_INFINITY);
  const biased = seen === undefined ? scores : seen.dtype === 'bool' ? hidden(seen) : scores.add(seen);
  return biased.softmax(-1).matmul(v);
}

const inputs = (dtype: 'float32' | 'float64' = 'float64', lead: number[] = [N]) =>
  [
    [L, E],
    [S, E],
    [S, V],
  ].map((shape) => randn([...lead, ...shape], { dtype, requiresGrad: true })) as [Tensor, Tensor, Tensor];

const near = (actual: Tensor, expected: Tensor, tolerance = 1e-11) => {
  expect(actual.shape).toEqual(expected.shape);
  expect(actual.sub(expected).abs().max().item()).toBeLessThan(tolerance);
};

const bits = (x: Tensor) => createHash('sha1').update(new Uint8Array(x.toTypedArray().slice().buffer)).digest('hex');

afterEach(() => setNumThreads(1));

describe('scaledDotProductAttention of a million scores and more, in blocks', () => {
  const seen = () => rand([L, S]).gt(0.5);
  const cases: [string, () => Options & { attnMask?: Tensor }][] = [
    ['as it is', () => ({})],
    ['causal', () => ({ isCausal: true })],
    ['scaled', () => ({ scale: -0.3 })],
    ['with a mask of bools', () => ({ attnMask: seen() })],
    ['with a mask for all queries', () => ({ attnMask: rand([S]).gt(0.5) })],
    ['with a bias', () => ({ attnMask: randn([L, S], { dtype: 'float64', requiresGrad: true }) })],
    ['with a bias for all queries', () => ({ attnMask: randn([1, S], { dtype: 'float64', requiresGrad: true }) })],
    ['with a bias per query', () => ({ attnMask: randn([2, L, 1], { dtype: 'float64', requiresGrad: true }) })],
  ];
  const chosen = cases.filter(([name]) => isNative || name === 'causal' || name === 'with a bias');
  it.each(chosen)('%s: values and gradients are those of the formula', (_, make) => {
    manualSeed(1);
    const options = make();
    const [q, k, v] = inputs();
    const wanted = [q, k, v, ...(options.attnMask?.requiresGrad ? [options.attnMask] : [])];
    const y = attend(q, k, v, options);
    const expected = composed(q, k, v, options);
    near(y, expected);
    const g = randn(y.shape, { dtype: 'float64' });
    const expectedGrads = grad(expected, wanted, g);
    for (const [i, own] of grad(y, wanted, g).entries()) near(own!, expectedGrads[i]!);
  });

  it('gives the bits of the whole where no keys are left out', () => {
    manualSeed(2);
    const [q, k, v] = inputs('float32').map((x) => x.detach()) as [Tensor, Tensor, Tensor];
    const few = attend(q.narrow(1, 100, 50), k, v);
    expect(bits(attend(q, k, v).narrow(1, 100, 50).clone())).toBe(bits(few));
  });

  it.runIf(isNative)('shares and repeats heads, and queries may see nothing', () => {
    manualSeed(3);
    const [q] = inputs('float64', [2, 2]);
    const [, k, v] = inputs('float64', [1, 1]);
    const y = attend(q, k, v, { enableGqa: true, attnMask: arange(L).ge(3).unsqueeze(1) });
    expect(numbers(y.narrow(2, 0, 3).detach())).toEqual(Array(2 * 2 * 3 * V).fill(0));
    const whole = composed(q, k, v, {});
    near(y.narrow(2, 3, L - 3), whole.narrow(2, 3, L - 3));
    const [dq, dk, dv] = grad(y.sum(), [q, k, v]);
    expect(dq!.narrow(2, 0, 3).abs().max().item()).toBe(0);
    const [, ek, ev] = grad(whole.narrow(2, 3, L - 3).sum(), [q, k, v]);
    near(dk!, ek!);
    near(dv!, ev!);
  });

  it('leaves no gradient to keys that no query sees', () => {
    manualSeed(4);
    const [q, k, v] = [
      [1030, 2],
      [1100, 2],
      [1100, 2],
    ].map((shape) => randn(shape, { requiresGrad: true }));
    attend(q!, k!, v!, { isCausal: true }).sum().backward();
    for (const x of [k!, v!]) expect(x.grad!.narrow(0, 1030, 70).abs().max().item()).toBe(0);
    expect(v!.grad!.narrow(0, 0, 1030).abs().min().item()).toBeGreaterThan(0);
  });

  it.runIf(isNative)('has gradients of gradients', () => {
    manualSeed(5);
    const second = (f: typeof composed) => {
      manualSeed(6);
      const all = inputs();
      const [dq, dk, dv] = grad(
        f(...all, { isCausal: true })
          .square()
          .sum(),
        all,
        { createGraph: true },
      );
      return grad(dq!.square().sum().add(dk!.pow(3).sum()).add(dv!.sin().sum()), all);
    };
    const expected = second(composed);
    for (const [i, own] of second(attend).entries()) near(own!, expected[i]!, 1e-9);
  });

  it('drops what dropout of the whole would drop, and passes gradients by the same weights', () => {
    const p = 0.4;
    manualSeed(7);
    const [q, k, v] = inputs();
    const generator = manualSeed(8);
    const y = attend(q, k, v, { dropoutP: p });
    const after = generator.getState();
    manualSeed(8);
    const weights = nn.functional.dropout(composed(q, k, tensor(1).double().expand([N, S, S]), {}), p);
    expect(weights.shape).toEqual([N, L, S]);
    expect(generator.getState()).toEqual(after);
    manualSeed(8);
    const scores = q.matmul(k.transpose(-2, -1)).div(Math.sqrt(E));
    const expected = nn.functional.dropout(scores.softmax(-1), p).matmul(v);
    near(y, expected);
    const g = randn(y.shape, { dtype: 'float64' });
    const expectedGrads = grad(expected, [q, k, v], g);
    for (const [i, own] of grad(y, [q, k, v], g).entries()) near(own!, expectedGrads[i]!);
    expect(attend(q, k, v, { dropoutP: 1 }).abs().max().item()).toBe(0);
  });

  it('gives the same bits captured, on any number of threads, and in any batch', () => {
    const steps: [string, (q: Tensor, k: Tensor, v: Tensor) => Tensor][] = [
      ['causal', (q, k, v) => attend(q, k, v, { isCausal: true })],
      ['dropout', (q, k, v) => attend(q, k, v, { dropoutP: 0.3, isCausal: true })],
    ];
    for (const [name, f] of isNative ? steps : steps.slice(1)) {
      const step = (q: Tensor, k: Tensor, v: Tensor) => {
        const leaves = [q, k, v].map((x) => x.detach().requiresGrad_());
        const y = f(leaves[0]!, leaves[1]!, leaves[2]!);
        return [y, ...grad(y.square().sum(), leaves)] as Tensor[];
      };
      manualSeed(9);
      const [q, k, v] = inputs('float32').map((x) => x.detach()) as [Tensor, Tensor, Tensor];
      const run = (g: typeof step, threads: number) => {
        setNumThreads(threads);
        manualSeed(10);
        return [g(q, k, v), g(q, k, v)].flatMap((all) => all.map(bits));
      };
      const plain = run(step, 1);
      if (isNative) expect(run(step, 3), name).toEqual(plain);
      expect(run(capture(step), 1), name).toEqual(plain);
      if (name !== 'causal') continue;
      manualSeed(10);
      const single = step(...([q, k, v].map((x) => x.narrow(0, 1, 1)) as [Tensor, Tensor, Tensor]));
      const pair = step(q, k, v);
      for (const [i, x] of single.entries()) expect(bits(x)).toBe(bits(pair[i]!.narrow(0, 1, 1).clone()));
    }
  });
});

describe('scaledDotProductAttention of 2,048 tokens', () => {
  const length = 2048;
  const heads = 2;
  const matrix = heads * length * length * 4;
  const cases: [string, () => object][] = [
    ['as it is', () => ({})],
    ['causal', () => ({ isCausal: true })],
    ['masked', () => ({ attnMask: zeros([length]).eq(0) })],
    ['with dropout', () => ({ dropoutP: 0.1 })],
  ];
  const step = (options: object) => (q: Tensor, k: Tensor, v: Tensor) => {
    const leaves = [q, k, v].map((x) => x.detach().requiresGrad_());
    const y = attend(leaves[0]!, leaves[1]!, leaves[2]!, options);
    return [y, ...grad(y.sum(), leaves)] as Tensor[];
  };
  const operands = () => [0, 1, 2].map(() => randn([1, heads, length, 16])) as [Tensor, Tensor, Tensor];

  it.runIf(isNative).each(cases)(
    '%s: takes less than a quarter of the matrix of scores, forward and backward',
    (_, make) => {
      const [q, k, v] = operands();
      const f = step(make());
      const captured = capture(f);
      captured(q, k, v);
      expect(captured.stats[0]!.arenaBytes).toBeLessThan(matrix / 4);
      // And without a program, by what the allocator asked V8 for.
      const buffers = new Set<ArrayBuffer>();
      const before = observeStorage({
        allocated: ({ buffer }) => buffers.add(buffer),
        touched: () => {},
        dropped: () => {},
      });
      try {
        f(q, k, v);
      } finally {
        observeStorage(before);
      }
      const bytes = [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0);
      expect(bytes).toBeGreaterThan(0);
      expect(bytes).toBeLessThan(matrix / 4);
    },
  );
});
