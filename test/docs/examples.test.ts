import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format } from 'node:util';
import { manualSeed } from 'nabla';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Example } from './examples.js';
import { takeMet } from './expectations.js';
import { type ExampleModule, modulesOfExamples, writeModules } from './modules.js';

// Every example becomes a module in a folder that looks like this one's `docs`, and is run. `npm run typecheck` checks their types.

const examples = modulesOfExamples();
const home = process.cwd();
const folder = mkdtempSync(join(tmpdir(), 'nabla-docs-'));

beforeAll(() => {
  writeModules(examples, folder);
  process.chdir(folder);
});

afterAll(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true });
});

const count = (of: (example: Example & ExampleModule) => number): number =>
  examples.reduce((sum, { example, source, expectations }) => sum + of({ ...example, source, expectations }), 0);

describe('examples in the documentation', () => {
  it('were found', () => {
    expect(count(({ file }) => Number(file === 'README.md'))).toBeGreaterThan(2);
    expect(count(({ file }) => Number(file.startsWith('docs')))).toBeGreaterThan(15);
    expect(count(({ file }) => Number(file.startsWith('lib')))).toBeGreaterThan(230);
    expect(count(({ expectations }) => expectations.length)).toBeGreaterThan(250);
    expect(count(({ runs }) => Number(!runs))).toBeLessThan(6);
  });

  it.for(examples.filter(({ example }) => example.runs))(
    '$example.file:$example.line',
    async ({ example, path, expectations }) => {
      const printed: string[] = [];
      const log = vi.spyOn(console, 'log').mockImplementation((...args) => void printed.push(`${format(...args)}\n`));
      try {
        manualSeed(0);
        takeMet();
        await import(/* @vite-ignore */ join(folder, path));
      } finally {
        log.mockRestore();
      }
      expect(takeMet()).toEqual(expectations);
      if (example.prints !== null) expect(printed.join('')).toBe(example.prints);
    },
  );
});
