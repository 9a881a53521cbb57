import { describe, expect, it } from 'vitest';
// Opens the backend: there is no memory before.
import { backend } from '../../lib/backend/index.js';
import { loadAddon } from '../../lib/backend/native/load.js';
import { allocate, release, trackAllocations } from '../../lib/backend/storage.js';

const LARGE = 1 << 15;

/** A core that is built to watch over memory has none that is shared, so that it sees where each piece ends. */
function isShared(): boolean {
  if (backend.name !== 'native') return true;
  const loaded = loadAddon();
  return !('addon' in loaded && loaded.addon.checked);
}

describe('allocate', () => {
  it('pads to 64 bytes, aligned to 64 where the address is known', () => {
    for (const length of [0, 1, 16, 17, 1000, LARGE]) {
      const storage = allocate('float32', length);
      expect(storage.byteLength).toBe(Math.max(64, Math.ceil((length * 4) / 64) * 64));
      expect(storage.address % 64).toBe(0);
      expect(storage.byteOffset + storage.byteLength).toBeLessThanOrEqual(storage.buffer.byteLength);
    }
  });

  it('gives small storages disjoint parts of a shared buffer', () => {
    const storages = Array.from({ length: 100 }, () => allocate('float32', 10));
    storages.forEach((storage, i) => {
      storage.array('float32').fill(i);
    });
    storages.forEach((storage, i) => {
      expect(storage.array('float32').every((x) => x === i)).toBe(true);
    });
    const buffers = new Set(storages.map((storage) => storage.buffer)).size;
    if (isShared()) expect(buffers).toBeLessThan(3);
    else expect(buffers).toBe(100);
  });

  it('sees the same bytes in any type', () => {
    const storage = allocate('int32', 2);
    storage.array('int32').set([0, 0x3ff00000]);
    expect(storage.array('float64')[0]).toBe(1);
    expect(storage.array('bool')[7]).toBe(0x3f);
    expect(storage.array('float64')).toBe(storage.array('float64'));
  });
});

describe('release', () => {
  it('gives the bytes of a large storage to the next of its size, in a new object', () => {
    const first = allocate('float32', LARGE);
    release(first);
    const second = allocate('float32', LARGE);
    expect(second).not.toBe(first);
    expect(second.buffer).toBe(first.buffer);
    expect(allocate('float32', LARGE).buffer).not.toBe(first.buffer);
  });

  it('does so once, whoever has them then', () => {
    const first = allocate('float32', LARGE);
    release(first);
    release(first);
    const second = allocate('float32', LARGE);
    release(first);
    const third = allocate('float32', LARGE);
    expect(second.buffer).toBe(first.buffer);
    expect(third.buffer).not.toBe(second.buffer);
  });

  it('leaves small storages with their slab', () => {
    const first = allocate('float32', 10);
    release(first);
    const { buffer, byteOffset } = allocate('float32', 10);
    expect(buffer === first.buffer && byteOffset === first.byteOffset).toBe(false);
  });
});

describe('trackAllocations', () => {
  it('lists the large storages that a function allocates, also after it threw', () => {
    const made = trackAllocations(() => {
      allocate('float32', 1);
      allocate('float32', LARGE);
      expect(trackAllocations(() => allocate('float64', LARGE))).toHaveLength(1);
    });
    expect(made.map((storage) => storage.byteLength)).toEqual([LARGE * 4]);
    expect(() =>
      trackAllocations(() => {
        throw new Error('stop');
      }),
    ).toThrow('stop');
    expect(trackAllocations(() => {})).toEqual([]);
  });
});
