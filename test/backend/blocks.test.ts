import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { full, type Tensor } from '../../lib/index.js';
import { backend } from '../../lib/backend/index.js';
import { loadAddon } from '../../lib/backend/native/load.js';
import { allocate, release, type Storage } from '../../lib/backend/storage.js';
import { storageOf } from '../../lib/tensor/tensor.js';
import { bundled } from '../bundled.js';

const LARGE = 1 << 15;

function lendsAgain(): boolean {
  if (backend.name !== 'native') return false;
  const loaded = loadAddon();
  return 'addon' in loaded && !loaded.addon.checked;
}

/** More than is lent between two looks at what was collected, several times. */
const makeAndForget = (count = 4000): Set<number> =>
  new Set(Array.from({ length: count }, (_, i) => storageOf(full([LARGE], i)).address));

describe.runIf(lendsAgain())('memory of large results', () => {
  it('is used again when they were collected', () => {
    expect(makeAndForget().size).toBeLessThan(1500);
  });

  it('stays theirs while anything refers to them: a tensor, a view, a gradient, an array, a part', () => {
    const kept: Tensor[] = Array.from({ length: 30 }, (_, i) => full([LARGE], i));
    const views = kept.map((x) => x.add(0.5).slice(0, 1, 3));
    const leaf = full([LARGE], 2).requiresGrad_();
    const squared = leaf.mul(leaf);
    const array = allocate('float32', LARGE).array('float32').fill(7);
    const part = wholeOf(9).from(4 * 100);
    makeAndForget();
    kept.forEach((x, i) => {
      expect(x.eq(i).all().item()).toBe(true);
    });
    views.forEach((x, i) => {
      expect(x.toArray()).toEqual([i + 0.5, i + 0.5]);
    });
    squared.sum().backward();
    makeAndForget();
    expect(leaf.grad!.eq(4).all().item()).toBe(true);
    expect(array.every((x) => x === 7)).toBe(true);
    expect(part.array('float32').every((x) => x === 9)).toBe(true);
  });

  it('that was released is not lent again when the first owner is collected', () => {
    let first: Storage | null = allocate('float32', LARGE);
    const { address } = first;
    makeAndForget();
    release(first);
    const second = allocate('float32', LARGE);
    expect(second.address).toBe(address);
    second.array('float32').fill(3);
    first = null;
    const others = makeAndForget();
    expect(others.has(address)).toBe(false);
    expect(second.array('float32').every((x) => x === 3)).toBe(true);
  });

  it('is shared by lengths that differ a little', () => {
    const first = allocate('float32', LARGE);
    release(first);
    expect(allocate('float32', LARGE - 100).address).toBe(first.address);
  });

  it('goes back to V8 when nobody has needed it between two full collections', async () => {
    const path = await bundled(new URL('blocks-app.ts', import.meta.url));
    const { held, afterwards, lengths } = JSON.parse(
      execFileSync(process.execPath, ['--expose-gc', path], { encoding: 'utf8' }),
    );
    expect(held).toBeGreaterThan(200);
    expect(afterwards).toBeLessThan(60);
    expect(lengths).toBeLessThan(400);
  });
});

function wholeOf(value: number): Storage {
  const storage = allocate('float32', LARGE);
  storage.array('float32').fill(value);
  return storage;
}
