import { capture, gradcheck, manualSeed, nn, ones, randn, stack, type Tensor, tensor, zeros } from 'nabla';
import { describe, expect, it } from 'vitest';

const { embeddingBag } = nn.functional;

const ints = (values: number[] | number[][]): Tensor => tensor(values, { dtype: 'int32' });
const table = (): Tensor => {
  manualSeed(5);
  return randn([7, 3], { dtype: 'float64' });
};

const LIST = [1, 4, 4, 0, 6, 2, 1];
const OFFSETS = [0, 2, 2, 5];

/** By the definition: bag after bag. */
function expected(
  weight: Tensor,
  mode: string,
  bags: number[][],
  padding: number | null,
  weights: number[][] | null,
): Tensor {
  return stack(
    bags.map((bag, b) => {
      const kept = bag.flatMap((row, i) =>
        row === padding ? [] : [{ row, by: weights === null ? 1 : weights[b]![i]! }],
      );
      if (kept.length === 0) return zeros([3], { dtype: 'float64' });
      const rows = stack(kept.map(({ row, by }) => weight.select(0, row).mul(by)));
      return mode === 'sum' ? rows.sum(0) : mode === 'mean' ? rows.mean(0) : rows.amax(0);
    }),
  );
}

function expectClose(actual: Tensor, wanted: Tensor): void {
  expect(actual.shape).toEqual(wanted.shape);
  expect(actual.sub(wanted).abs().max().item()).toBeLessThan(1e-14);
}

describe.each(['sum', 'mean', 'max'] as const)('bags by %s', (mode) => {
  const bags = [[1, 4], [], [4, 0, 6], [2, 1]];

  it('follow their definition, with an empty bag', () => {
    const weight = table();
    expectClose(embeddingBag(ints(LIST), weight, ints(OFFSETS), { mode }), expected(weight, mode, bags, null, null));
    const last = { mode, includeLastOffset: true };
    expectClose(
      embeddingBag(ints(LIST), weight, ints([...OFFSETS, 7]), last),
      expected(weight, mode, bags, null, null),
    );
    const early = [[1, 4], [], [4, 0, 6]];
    expectClose(embeddingBag(ints(LIST), weight, ints(OFFSETS), last), expected(weight, mode, early, null, null));
    const rows = [
      [1, 4, 4],
      [0, 6, 2],
    ];
    expectClose(embeddingBag(ints(rows), weight, { mode }), expected(weight, mode, rows, null, null));
  });

  it('leave out a row', () => {
    const weight = table();
    const options = { mode, paddingIdx: -3 };
    expectClose(embeddingBag(ints(LIST), weight, ints(OFFSETS), options), expected(weight, mode, bags, 4, null));
    const rows = [
      [4, 4],
      [0, 4],
    ];
    expectClose(embeddingBag(ints(rows), weight, options), expected(weight, mode, rows, 4, null));
  });

  it('have gradients, and are captured', () => {
    const weight = table().requiresGrad_();
    expect(gradcheck((w) => embeddingBag(ints(LIST), w, ints(OFFSETS), { mode, paddingIdx: 1 }), weight)).toBe(true);
    const fn = (input: Tensor, offsets: Tensor) => embeddingBag(input, weight.detach(), offsets, { mode });
    const captured = capture(fn);
    for (const offsets of [OFFSETS, [0, 1, 4, 4]]) {
      const args = [ints(LIST), ints(offsets)] as const;
      expect(captured(...args).toArray()).toEqual(fn(...args).toArray());
    }
  });
});

describe('embeddingBag', () => {
  /** What PyTorch gives, but for NaN, which it forgets where another element follows. */
  it.each([
    { what: 'of 0', rows: [[0], [-1]], bag: [0], largest: 0, grad: [[1], [0]] },
    { what: 'of equal rows', rows: [[0], [0], [0]], bag: [1, 2], largest: 0, grad: [[0], [1], [0]] },
    { what: 'of a row that comes twice', rows: [[3], [1]], bag: [1, 0, 0], largest: 3, grad: [[1], [0]] },
    { what: 'of -Infinity', rows: [[-Infinity], [-Infinity]], bag: [1, 0], largest: -Infinity, grad: [[0], [1]] },
    { what: 'of NaN', rows: [[1], [NaN], [NaN]], bag: [0, 2, 1], largest: NaN, grad: [[0], [0], [1]] },
    { what: 'beside padding', rows: [[0], [0], [5]], bag: [2, 1, 1], largest: 0, grad: [[0], [1], [0]], paddingIdx: 2 },
  ])('gives the gradient of a maximum $what to one row', ({ rows, bag, largest, grad, paddingIdx }) => {
    const weight = tensor(rows, { requiresGrad: true });
    const out = embeddingBag(ints([bag]), weight, { mode: 'max', paddingIdx });
    out.sum().backward();
    expect(out.item()).toEqual(largest);
    expect(weight.grad!.toArray()).toEqual(grad);
  });

  it.each(['sum', 'mean', 'max'] as const)('has a gradient by %s where all bags are empty', (mode) => {
    const weight = ones([3, 2]).requiresGrad_();
    const out = embeddingBag(ints([]), weight, ints([0, 0]), { mode });
    out.sum().backward();
    expect(out.detach().toArray()).toEqual(zeros([2, 2]).toArray());
    expect(weight.grad!.toArray()).toEqual(zeros([3, 2]).toArray());
  });

  it('multiplies rows, with gradients of the factors', () => {
    const [weight, by] = [table().requiresGrad_(), randn([7], { dtype: 'float64', requiresGrad: true })];
    const fn = (w: Tensor, factors: Tensor) =>
      embeddingBag(ints(LIST), w, ints(OFFSETS), { mode: 'sum', perSampleWeights: factors });
    const values = [...by.detach().toTypedArray()];
    const weights = [[values[0]!, values[1]!], [], values.slice(2, 5), values.slice(5)];
    expectClose(
      fn(weight, by).detach(),
      expected(weight.detach(), 'sum', [[1, 4], [], [4, 0, 6], [2, 1]], null, weights),
    );
    expect(gradcheck(fn as (...xs: Tensor[]) => Tensor, [weight, by])).toBe(true);
  });

  it('refuses what does not fit', () => {
    const weight = table();
    const bag =
      (list: Tensor, offsets: Tensor | null, options = {}) =>
      () =>
        embeddingBag(list, weight, offsets, options);
    expect(bag(ints(LIST), null)).toThrow('an input of one dimension needs offsets');
    expect(bag(ints([[1, 2]]), ints([0]))).toThrow('this one has its bags in rows');
    expect(bag(ints(LIST), ints([1, 2]))).toThrow(
      'offsets must begin with 0, not descend, and be at most 7, the length of the input, got tensor([1, 2]',
    );
    expect(bag(ints(LIST), ints([0, 3, 2]))).toThrow('got tensor([0, 3, 2]');
    expect(bag(ints(LIST), ints([0, 8]))).toThrow('got tensor([0, 8]');
    expect(bag(ints([9]), ints([0]))).toThrow('index 9');
    expect(bag(ints(LIST), ints([0]), { mode: 'max', scaleGradByFreq: true })).toThrow(
      "scaleGradByFreq is not for mode 'max'",
    );
    expect(bag(ints(LIST), ints([0]), { perSampleWeights: ones([7]) })).toThrow(
      "perSampleWeights are for mode 'sum', got 'mean'",
    );
    expect(() => new nn.EmbeddingBag(3, 2, { paddingIdx: 3 })).toThrow('paddingIdx 3 is out of range');
  });

  it('refuses offsets in replays too', () => {
    const [list, weight] = [ints(LIST), table()];
    const captured = capture((offsets: Tensor) => embeddingBag(list, weight, offsets));
    const call = (...offsets: number[]) => captured(ints(offsets)).toArray();
    expect(call(0, 2, 4)).toEqual(embeddingBag(ints(LIST), table(), ints([0, 2, 4])).toArray());
    for (const bad of [
      [1, 2, 4],
      [0, 3, 2],
      [0, 2, 8],
      [0, -1, 3],
    ]) {
      expect(() => call(...bad)).toThrow('embeddingBag: offsets must begin with 0, not descend, and be at most 7');
    }
    expect(call(0, 0, 7)).toEqual(embeddingBag(ints(LIST), table(), ints([0, 0, 7])).toArray());
  });

  it('is a layer', () => {
    const layer = new nn.EmbeddingBag(10, 3, { mode: 'sum', paddingIdx: 2 });
    expect(layer.toString()).toBe("EmbeddingBag(10, 3, mode='sum', padding_idx=2)");
    expect(layer.weight.select(0, 2).toArray()).toEqual([0, 0, 0]);
    const by = ones([1, 2]);
    expect(layer.forward(ints([[1, 3]]), null, by).toArray()).toEqual(layer.forward(ints([[1, 3]])).toArray());
  });

  it('takes a table that is there already', () => {
    const weight = table();
    const frozen = nn.EmbeddingBag.fromPretrained(weight);
    expect(frozen.weight.requiresGrad).toBe(false);
    expect(frozen.toString()).toBe("EmbeddingBag(7, 3, mode='mean')");
    expect(frozen.forward(ints(LIST), ints(OFFSETS)).toArray()).toEqual(
      embeddingBag(ints(LIST), weight, ints(OFFSETS)).toArray(),
    );
    // It is shared.
    weight.zero_();
    expect(frozen.weight.abs().sum().item()).toBe(0);
    // embeddings, freeze, max_norm, norm_type, scale_grad_by_freq, mode, sparse, include_last_offset, padding_idx
    const layer = nn.EmbeddingBag.fromPretrained(table(), false, 1, 3, true, 'sum', false, true, -1);
    expect(layer.weight.requiresGrad).toBe(true);
    expect(layer.includeLastOffset).toBe(true);
    expect(layer.toString()).toBe(
      "EmbeddingBag(7, 3, max_norm=1.0, norm_type=3.0, scale_grad_by_freq=True, mode='sum', padding_idx=6)",
    );
    expect(() => nn.EmbeddingBag.fromPretrained(zeros([3]))).toThrow(
      /^EmbeddingBag.fromPretrained: the embeddings must be a matrix, got \[3\]/,
    );
  });
});
