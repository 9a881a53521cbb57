import {
  CaptureError,
  capture,
  distributions,
  manualSeed,
  multinomial,
  rand,
  type Tensor,
  tensor,
  ValueError,
} from 'nabla';
import { describe, expect, test } from 'vitest';

// torch.manual_seed(seed); torch.multinomial(torch.tensor(weights, dtype=dtype), samples, replacement); torch.rand(1)
const recorded = [
  [0, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 8, true, 'float32', [9, 8, 6, 9, 7, 8, 3, 5], 0.6976675987243652],
  [1, [0.1, 0, 0.3, 0.6], 6, true, 'float64', [0, 2, 2, 2, 3, 2], 0.6826140880584717],
  [2, [1, 0, 2, 3, 0.5, 4], 5, false, 'float32', [5, 3, 2, 0, 4], 0.39005082845687866],
  [3, [1, 0, 2, 3, 0.5, 4], 3, false, 'float64', [0, 3, 5], 0.14984089136123657],
  [4, [1, 2, 3, 4], 1, true, 'float32', [2], 0.6185790300369263],
  [5, [0, 0, 1], 4, true, 'float32', [2, 2, 2, 2], 0.0332646369934082],
] as const;

const { Categorical } = distributions;

/** Indices, and the float32 uniform that the stream has after them. */
function drawn(seed: number, draw: () => Tensor): [unknown, number] {
  manualSeed(seed);
  return [draw().toArray(), rand([1]).item()];
}

describe('multinomial', () => {
  test.each(recorded)(
    'seed %i: %j, %i samples, replacement %s, %s',
    (seed, weights, samples, replacement, dtype, indices, next) => {
      const x = tensor([...weights], { dtype });
      expect(drawn(seed, () => multinomial(x, samples, replacement))).toEqual([indices, next]);
    },
  );

  test.each([
    [[1, -1], 1, 'finite and not negative, got -1'],
    [[1, Number.NaN], 1, 'got NaN'],
    [[1, Number.POSITIVE_INFINITY], 1, 'got Infinity'],
    [[0, 0], 1, 'sum to zero'],
    [[], 1, 'sum to zero'],
    [[1, 0, 2], 3, 'cannot draw 3 samples without replacement from 2 categories'],
  ])('refuses %j, %i samples', (weights, samples, message) => {
    const refused = () => multinomial(tensor(weights), samples);
    expect(refused).toThrow(ValueError);
    expect(refused).toThrow(message);
  });

  test('of no rows is nothing', () => {
    expect(multinomial(tensor([]).reshape([0, 3]), 2).shape).toEqual([0, 2]);
  });
});

const weights = tensor([
  [0.2, 0.5, 0.3],
  [0, 0.1, 0.9],
]);

describe('a captured function draws what the plain one draws', () => {
  test.each<[string, (x: Tensor) => Tensor, Tensor]>([
    ['one sample', (x) => multinomial(x, 1), weights],
    ['one with replacement', (x) => multinomial(x, 1, true), weights.double()],
    ['two without replacement', (x) => multinomial(x, 2), weights],
    ['many with replacement, in float64', (x) => multinomial(x, 9, true), weights.double()],
    ['of a vector', (x) => multinomial(x.select(0, 0), 3), weights],
    ['Categorical', (x) => new Categorical({ probs: x }).sample(), weights],
    ['Categorical of logits', (x) => new Categorical({ logits: x }).sample(), weights],
    ['many of a Categorical, in float64', (x) => new Categorical({ probs: x }).sample([5]), weights.double()],
  ])('%s', (_, draw, x) => {
    const captured = capture(draw);
    for (const seed of [0, 1, 2]) expect(drawn(seed, () => captured(x))).toEqual(drawn(seed, () => draw(x)));
  });

  test.each([
    [[1, -1, 3], 'multinomial: weights must be finite and not negative'],
    [[0, 0, 0], 'multinomial: cannot draw 2 samples without replacement from fewer categories'],
  ])('and replays look at the weights: %j', (bad, message) => {
    const captured = capture((x: Tensor) => multinomial(x, 2));
    for (let i = 0; i < 3; i++) captured(tensor([1, 2, 3]));
    expect(() => captured(tensor(bad))).toThrow(message);
  });

  test('but for several float32 samples with replacement, whose sums are rounded one by one', () => {
    const captured = capture((x: Tensor) => multinomial(x, 2, true));
    expect(() => captured(weights)).toThrow(CaptureError);
  });
});
