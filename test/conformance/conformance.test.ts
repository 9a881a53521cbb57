import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { AREAS, type Area } from './format.js';
import { loadLibrary } from './library.js';
import { type Result, runFolder } from './run.js';

const sample = fileURLToPath(new URL('../fixtures/conformance', import.meta.url));

/** How many cases of each area pass at least: a sample of nothing, or a nabla that supports nothing, is a failure. */
const FLOORS: Readonly<Record<Area, number>> = {
  rng: 50,
  init: 54,
  default_init: 6,
  ops: 678,
  modules: 133,
  optim: 42,
  lr_sched: 22,
  errors: 91,
};

describe('the vendored sample', () => {
  let results: Result[];
  beforeAll(async () => {
    results = await runFolder(sample, await loadLibrary());
  }, 60_000);

  test.each(AREAS)('%s: nabla computes what PyTorch computed', (area) => {
    const inArea = results.filter((result) => result.area === area);
    expect(inArea.filter(({ status }) => status !== 'passed')).toEqual([]);
    expect(inArea.length).toBeGreaterThanOrEqual(FLOORS[area]);
  });
});
