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

const most = new Array<number>(MAX_DIMS).fill(2);
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
    ['expand', () => ones(most).broadcastTo([0, ...most])],
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

/** Elements by their indices, with no two axes that can be walked as one. */
const whole = () => arange(2 ** MAX_DIMS, { dtype: 'float32' }).view(most);
const turned = (x: Tensor = whole()) => x.permute([...most.keys()].map((axis) => (axis * 3 + 1) % MAX_DIMS));

const valueAt = (x: Tensor, index: readonly number[]): number => index.reduce((y, i) => y.select(0, i), x).item();
const indices = [...new Array(2 ** MAX_DIMS).keys()].map((n) => most.map((_, axis) => (n >> axis) & 1));

describe('at the limit operations are right', () => {
  test('elementwise over operands of different order, plain, in place and captured', () => {
    const [a, b] = [whole(), turned()];
    const sum = a.mul(2).add(b);
    for (const index of indices) expect(valueAt(sum, index)).toBe(2 * valueAt(a, index) + valueAt(b, index));
    expect(a.clone().mul_(2).add_(b).eq(sum).all().item()).toBe(true);
    const captured = capture((x: Tensor, y: Tensor) => x.mul(2).add(y));
    for (let i = 0; i < 3; i++) expect(captured(a, b).eq(sum).all().item()).toBe(true);
  });

  test('operands that are broadcast along every other dimension', () => {
    const [odd, even] = [most.map((_, i) => 1 + (i % 2)), most.map((_, i) => 2 - (i % 2))];
    const [a, b] = [arange(16).view(odd), arange(16).view(even)];
    const product = a.mul(b);
    for (const index of indices) {
      const [left, right] = [index.map((i, axis) => i * (axis % 2)), index.map((i, axis) => i * (1 - (axis % 2)))];
      expect(valueAt(product, index)).toBe(valueAt(a, left) * valueAt(b, right));
    }
  });

  test.each([[[0]], [[7]], [[0, 2, 4, 6]], [[1, 3, 5, 7]], [[0, 1, 2, 3, 4, 5, 6, 7]], [[]]])(
    'folds over %j',
    (dims) => {
      const x = turned();
      const sums = x.sum(dims, { keepdim: true });
      const expected = new Map<string, number>();
      const folded = dims.length === 0 ? [...most.keys()] : dims;
      for (const index of indices) {
        const key = index.map((i, axis) => (folded.includes(axis) ? 0 : i)).join();
        expected.set(key, (expected.get(key) ?? 0) + valueAt(x, index));
      }
      for (const [key, value] of expected) expect(valueAt(sums, key.split(',').map(Number))).toBe(value);
      const captured = capture((y: Tensor) => y.sum(dims, { keepdim: true }));
      for (let i = 0; i < 3; i++) expect(captured(x).eq(sums).all().item()).toBe(true);
    },
  );

  test('softmax, its gradient, and layer norm', () => {
    const x = turned().div(100).detach().requiresGrad_();
    x.softmax(3).mul(whole()).sum().backward();
    const flat = x.detach().transpose(3, 7).reshape([-1, 2]).requiresGrad_();
    flat
      .softmax(1)
      .mul(whole().transpose(3, 7).reshape([-1, 2]))
      .sum()
      .backward();
    expect(x.grad!.transpose(3, 7).reshape([-1, 2]).sub(flat.grad!).abs().max().item()).toBeLessThan(1e-5);
    const normalized = nn.functional.layerNorm(x.detach(), [2, 2]);
    expect(normalized.sum([6, 7]).abs().max().item()).toBeLessThan(1e-5);
  });

  test('products of batches that are broadcast', () => {
    const [a, b] = [turned(), whole().narrow(0, 1, 1).narrow(2, 0, 1).narrow(4, 1, 1)];
    const product = matmul(a, b);
    expect(product.shape).toEqual(most);
    for (const index of indices.filter((index) => index[6] === 0 && index[7] === 0)) {
      const batch = index.slice(0, 6);
      const matrix = (x: Tensor) => batch.reduce((y, i) => y.select(0, y.shape[0] === 1 ? 0 : i), x);
      expect(matrix(product).toArray()).toEqual(matrix(a).mm(matrix(b)).toArray());
    }
  });

  test('gather, scatter, indexSelect, narrow and cat', () => {
    const x = turned();
    const index = randint(0, 2, most);
    const picked = gather(x, 5, index);
    const put = scatter(x, 2, index, whole());
    const added = scatterAdd(zeros(most), 2, index, ones(most));
    for (const at of indices) {
      expect(valueAt(picked, at)).toBe(valueAt(x, at.with(5, valueAt(index, at))));
      expect([valueAt(whole(), at.with(2, 0)), valueAt(whole(), at.with(2, 1)), valueAt(x, at)]).toContain(
        valueAt(put, at),
      );
    }
    expect(added.sum().item()).toBe(2 ** MAX_DIMS);
    const flipped = indexSelect(x, 7, tensor([1, 0], { dtype: 'int32' }));
    const parts = cat([x.narrow(7, 1, 1), x.narrow(7, 0, 1)], 7);
    expect(flipped.eq(parts).all().item()).toBe(true);
  });

  test('stack up to the limit, unsqueeze, random numbers, printing, values', () => {
    const x = turned();
    const halves = [x.select(4, 0), x.select(4, 1)];
    expect(stack(halves, 4).eq(x).all().item()).toBe(true);
    expect(
      x
        .select(0, 1)
        .unsqueeze(0)
        .eq(x.narrow(0, 1, 1))
        .all()
        .item(),
    ).toBe(true);
    expect(rand(most).lt(1).all().item()).toBe(true);
    expect(turned(zeros(most)).uniform_().lt(1).all().item()).toBe(true);
    expect(tensor(x.toArray()).eq(x).all().item()).toBe(true);
    expect(String(x.int())).toMatch(/^tensor\(\[{8}/);
  });

  test('a list of more sizes than a shape can have splits', () => {
    expect(
      arange(12)
        .split(new Array(12).fill(1))
        .map((part) => part.item()),
    ).toEqual([...Array(12).keys()]);
  });
});
