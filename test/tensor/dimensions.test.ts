import { describe, expect, test } from 'vitest';
import { MAX_DIMS } from '../../lib/backend/view.js';
import {
  arange,
  capture,
  cat,
  empty,
  full,
  gather,
  indexSelect,
  matmul,
  nn,
  ones,
  rand,
  randint,
  ShapeError,
  scatter,
  scatterAdd,
  stack,
  type Tensor,
  tensor,
  zeros,
} from '../../lib/index.js';

const axes = [...new Array(MAX_DIMS).keys()];
const most = axes.map(() => 2);
const tooMany = [...most, 1];
const nested = (depth: number): never => (depth === 0 ? 1 : [nested(depth - 1)]) as never;

describe('more dimensions than a tensor can have are refused', () => {
  const itself: unknown[] = [];
  itself.push(itself);
  const makers: [string, () => unknown][] = [
    ['zeros', () => zeros(tooMany)],
    ['zeros', () => zeros([0, ...tooMany])],
    ['full', () => full(tooMany, 1)],
    ['empty', () => empty(tooMany)],
    ['rand', () => rand(tooMany)],
    ['randint', () => randint(0, 2, tooMany)],
    ['tensor', () => tensor(nested(MAX_DIMS + 1))],
    ['tensor', () => tensor(nested(5_000))],
    ['tensor', () => tensor(itself as never)],
    ['view', () => ones(most).view(tooMany)],
    ['reshape', () => ones(most).reshape([...most, -1])],
    ['expand', () => ones(most).expand([2, ...most])],
    ['broadcastTo', () => ones(most).broadcastTo([0, ...most])],
    ['unsqueeze', () => ones(most).unsqueeze(-1)],
    ['unsqueeze', () => zeros(most.with(0, 0)).unsqueeze(0)],
    ['unflatten', () => ones(most).unflatten(0, [1, 2])],
    ['stack', () => stack([ones(most), ones(most)])],
  ];
  test.each(makers)('%s', (name, make) => {
    expect(make).toThrow(ShapeError);
    expect(make).toThrow(new RegExp(`^${name}: a tensor has at most ${MAX_DIMS} dimensions, got \\d+`));
  });
});

type Index = readonly number[];

const indices: readonly Index[] = [...new Array(2 ** MAX_DIMS).keys()].map((n) => axes.map((axis) => (n >> axis) & 1));

/** Elements numbered in order, and the same with axes so exchanged that no two can be walked as one. */
const whole = () => arange(2 ** MAX_DIMS, { dtype: 'float32' }).view(most);
const wholeAt = (index: Index) => index.reduce((n, i) => 2 * n + i, 0);
const order = axes.map((axis) => (axis * 5 + 1) % MAX_DIMS);
const turned = (x: Tensor = whole()) => x.permute(order);
const turnedAt = (index: Index) => wholeAt(axes.map((axis) => index[order.indexOf(axis)]!));

/** Reads a result. */
function reader(x: Tensor): (index: Index) => number {
  const [values, { shape }] = [x.toTypedArray(), x];
  return (index) => values[index.reduce((at, i, axis) => at * shape[axis]! + i, 0)]!;
}

const differences = (x: Tensor, expected: (index: Index) => number) => {
  const read = reader(x);
  return indices.filter((index) => read(index) !== expected(index));
};

describe('at the limit operations are right', () => {
  test('elementwise over operands of different order, plain, in place and captured', () => {
    const [a, b] = [whole(), turned()];
    const expected = (index: Index) => 2 * wholeAt(index) + turnedAt(index);
    expect(differences(a.mul(2).add(b), expected)).toEqual([]);
    expect(differences(a.clone().mul_(2).add_(b), expected)).toEqual([]);
    const captured = capture((x: Tensor, y: Tensor) => x.mul(2).add(y));
    for (let i = 0; i < 3; i++) expect(differences(captured(a, b), expected)).toEqual([]);
  });

  test('operands that are broadcast along every other dimension', () => {
    const half = 2 ** (MAX_DIMS / 2);
    const [a, b] = [arange(half).view(axes.map((i) => 1 + (i % 2))), arange(half).view(axes.map((i) => 2 - (i % 2)))];
    const numbered = (index: Index, parity: number) => wholeAt(index.filter((_, axis) => axis % 2 === parity));
    expect(differences(a.mul(b), (index) => numbered(index, 1) * numbered(index, 0))).toEqual([]);
  });

  test.each([
    [[0]],
    [[MAX_DIMS - 1]],
    [axes.filter((axis) => axis % 2 === 0)],
    [axes.filter((axis) => axis % 2 === 1)],
    [axes],
  ])('folds over %j', (dims) => {
    const sums = new Map<string, number>();
    const keyOf = (index: Index) => index.map((i, axis) => (dims.includes(axis) ? 0 : i)).join();
    for (const index of indices) sums.set(keyOf(index), (sums.get(keyOf(index)) ?? 0) + turnedAt(index));
    const captured = capture((x: Tensor) => x.sum(dims, { keepdim: true }));
    for (const sum of [turned().sum(dims, { keepdim: true }), captured(turned()), captured(turned())]) {
      const read = reader(sum);
      for (const [key, value] of sums) expect(read(key.split(',').map(Number))).toBe(value);
    }
  });

  test('softmax with its gradient, and layer norm', () => {
    const rows = (x: Tensor) => x.transpose(3, MAX_DIMS - 1).reshape([-1, 2]);
    const x = turned().div(1000).detach().requiresGrad_();
    x.softmax(3).mul(whole()).sum().backward();
    const flat = rows(x.detach()).requiresGrad_();
    flat.softmax(1).mul(rows(whole())).sum().backward();
    expect(rows(x.grad!).sub(flat.grad!).abs().max().item()).toBeLessThan(1e-4);
    const normalized = nn.functional.layerNorm(x.detach(), [2, 2]);
    expect(normalized.sum([-1, -2]).abs().max().item()).toBeLessThan(1e-5);
  });

  test('products of batches that are broadcast', () => {
    const b = whole().narrow(0, 1, 1).narrow(2, 0, 1).narrow(4, 1, 1);
    const fixed = (index: Index) => index.with(0, 1).with(2, 0).with(4, 1);
    const expected = (index: Index) => {
      const terms = [0, 1].map((k) => turnedAt(index.with(-1, k)) * wholeAt(fixed(index).with(-2, k)));
      return Math.fround(terms[0]! + terms[1]!);
    };
    expect(differences(matmul(turned(), b), expected)).toEqual([]);
  });

  test('gather, scatter, indexSelect, narrow and cat', () => {
    const x = turned();
    const index = randint(0, 2, most);
    const at = reader(index);
    expect(differences(gather(x, 5, index), (i) => turnedAt(i.with(5, at(i))))).toEqual([]);
    const put = (i: Index) => {
      const writers = [1, 0].filter((k) => at(i.with(2, k)) === i[2]);
      return writers.length === 0 ? turnedAt(i) : wholeAt(i.with(2, writers[0]!));
    };
    expect(differences(scatter(x, 2, index, whole()), put)).toEqual([]);
    const count = (i: Index) => [0, 1].filter((k) => at(i.with(2, k)) === i[2]).length;
    expect(differences(scatterAdd(zeros(most), 2, index, ones(most)), count)).toEqual([]);
    const last = MAX_DIMS - 1;
    const flipped = (i: Index) => turnedAt(i.with(last, 1 - i[last]!));
    expect(differences(indexSelect(x, last, tensor([1, 0], { dtype: 'int32' })), flipped)).toEqual([]);
    expect(differences(cat([x.narrow(last, 1, 1), x.narrow(last, 0, 1)], last), flipped)).toEqual([]);
  });

  test('stack up to the limit, unsqueeze, random numbers, values, printing', () => {
    const x = turned();
    expect(differences(stack([x.select(4, 0), x.select(4, 1)], 4), turnedAt)).toEqual([]);
    expect(
      x
        .select(0, 1)
        .unsqueeze(0)
        .eq(x.narrow(0, 1, 1))
        .all()
        .item(),
    ).toBe(true);
    expect(rand(most).lt(1).all().item()).toBe(true);
    expect(turned(ones(most)).uniform_().lt(1).all().item()).toBe(true);
    expect(differences(tensor(x.toArray()), turnedAt)).toEqual([]);
    expect(String(x.int())).toMatch(new RegExp(`^tensor\\(\\[{${MAX_DIMS}}`));
  });

  test('tensors of no elements', () => {
    const x = zeros(most.with(3, 0), { requiresGrad: true });
    expect(x.clone().sum([0, 2]).shape).toEqual(axes.slice(2).map((axis) => (axis === 3 ? 0 : 2)));
    x.permute(order).mul(2).sum().backward();
    expect(x.grad!.shape).toEqual(x.shape);
  });

  test('a list of more sizes than a shape can have splits', () => {
    const sizes = new Array(MAX_DIMS + 4).fill(1);
    const parts = arange(sizes.length).split(sizes);
    expect(parts.map((part) => part.item())).toEqual([...sizes.keys()]);
  });
});
