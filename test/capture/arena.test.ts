import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { allocate, type Instruction, type Storage, type View } from '../../lib/backend/index.js';
import { placeTemporaries } from '../../lib/capture/arena.js';
import * as e from '../../lib/expr/index.js';

const program = e.compile({ name: 'neg', compute: 'float32', inputs: ['element'], params: 0 }, [
  e.neg(e.input(0, 'element')),
]);

/** Instructions that read and write memory of such sizes, in units of 64 bytes. */
const lists = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 30 }).chain((sizes) => {
  const one = fc.nat(sizes.length - 1);
  return fc.record({ sizes: fc.constant(sizes), uses: fc.array(fc.tuple(one, one), { minLength: 1, maxLength: 40 }) });
});

interface Lifetime {
  readonly size: number;
  readonly first: number;
  readonly last: number;
  offset: number;
}

/** The largest first, each at the lowest offset where it meets none of those that live at the same time: every pair is looked at. */
function searched(storages: readonly Storage[], uses: readonly (readonly [number, number])[]): Map<Storage, Lifetime> {
  const found = new Map<Storage, Lifetime>();
  for (const i of new Set(uses.flat())) {
    const at = uses.flatMap((use, k) => (use.includes(i) ? [k] : []));
    found.set(storages[i]!, { size: storages[i]!.byteLength, first: at[0]!, last: at.at(-1)!, offset: -1 });
  }
  const placed: Lifetime[] = [];
  for (const one of [...found.values()].sort((a, b) => b.size - a.size)) {
    const meets = (offset: number) =>
      placed.some((other) => other.first <= one.last && one.first <= other.last && overlap(offset, one.size, other));
    one.offset = 0;
    while (meets(one.offset)) one.offset += 64;
    placed.push(one);
  }
  return found;
}

const overlap = (offset: number, size: number, other: Lifetime): boolean =>
  offset < other.offset + other.size && other.offset < offset + size;

it('places temporaries where a search for the lowest free offset does', () => {
  const property = fc.property(lists, ({ sizes, uses }) => {
    const storages = sizes.map((size) => allocate('bool', 64 * size));
    const view = (i: number): View => ({
      storage: storages[i]!,
      offset: 0,
      shape: [16],
      strides: [1],
      dtype: 'float32',
    });
    const instructions = uses.map(([read, written]): Instruction => {
      return { op: 'map', program, params: [], inputs: [view(read)], outputs: [view(written)] };
    });
    const { offsets, bytes } = placeTemporaries(instructions, () => true);
    const expected = searched(storages, uses);
    expect(offsets).toEqual(new Map([...expected].map(([storage, { offset }]) => [storage, offset])));
    expect(bytes).toBe(Math.max(...[...expected.values()].map(({ offset, size }) => offset + size)));
  });
  fc.assert(property, { seed: 20261126, numRuns: 300 });
});

it('places nothing where there are no temporaries', () => {
  expect(placeTemporaries([], () => true)).toEqual({ offsets: new Map(), bytes: 0 });
});
