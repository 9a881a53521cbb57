import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { differences, type Recorded } from './agreement.js';
import type { Results } from './program.js';

// Whole training programs, in the idiom of PyTorch's examples and tutorials, against the losses, parameters and outputs that PyTorch 2.13 gets from
// the same seeds. One is a file here, with a record of the same name in fixtures/programs.

const records = new URL('../fixtures/programs/', import.meta.url);

interface Program {
  readonly run: () => Results;
}

describe('training programs', () => {
  it.each(readdirSync(records).map((file) => file.replace('.json', '')))('%s', async (name) => {
    const { run } = (await import(new URL(`${name}.ts`, import.meta.url).href)) as Program;
    const want = JSON.parse(readFileSync(new URL(`${name}.json`, records), 'utf8')) as Recorded;
    expect([...differences(run(), want)]).toEqual([]);
  });
});
