import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format } from 'node:util';
import { manualSeed } from 'nabla';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { collectExamples, type Example } from './examples.js';
import { takeMet } from './expectations.js';
import { root } from './exports.js';
import { type ExampleModule, moduleOf } from './modules.js';

// Every example becomes a module in a folder that looks like this one's `docs`. It is type-checked, and run.

const examples = collectExamples().map((example, i) => ({
  example,
  path: `docs/example-${i}.mts`,
  ...moduleOf(example),
}));
const home = process.cwd();
const folder = mkdtempSync(join(tmpdir(), 'nabla-docs-'));

beforeAll(() => {
  for (const part of ['lib', 'node_modules', 'package.json']) symlinkSync(join(root, part), join(folder, part));
  mkdirSync(join(folder, 'docs'));
  for (const { path, source } of examples) writeFileSync(join(folder, path), source);
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

  // On one backend: types are the same on both.
  if (process.env.NABLA_BACKEND !== 'js') it('have the right types', haveRightTypes, 300_000);

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

function haveRightTypes(): void {
  const config = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: { typeRoots: [join(root, 'node_modules/@types')] },
    include: ['docs'],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', folder, '--pretty', 'false'], {
    encoding: 'utf8',
  });
  expect(withPlaces(stdout)).toBe('');
  expect(status).toBe(0);
}

/** The compiler's messages, at the places the examples come from. */
function withPlaces(messages: string): string {
  return messages.replaceAll(
    /(?:[^\s(]*\/)?(docs\/example-\d+\.mts)\((\d+),\d+\)/g,
    (_, path: string, line: string) => {
      const { file, line: start } = examples.find((known) => known.path === path)!.example;
      return `${file}:${start + Number(line) - 2}`;
    },
  );
}
