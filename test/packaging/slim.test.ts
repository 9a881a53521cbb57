import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode, encode } from '@jridgewell/sourcemap-codec';
import { describe, expect, it } from 'vitest';
import { packageOf } from '../../lib/binaries.js';
import { importOnce, slim, slimMap } from '../../scripts/slim.js';

describe('maps', () => {
  it('say where each line comes from, and nothing else', () => {
    const mappings = encode([
      [
        [0, 1, 4, 2, 0],
        [9, 1, 4, 11],
      ],
      [],
      [[3], [4, 0, 7, 5]],
      [[1, 0, 8, 5]],
    ]);
    const map = { version: 3, sources: ['a.ts', 'b.ts'], sourcesContent: ['a', 'b'], names: ['x'], mappings };
    const slimmed = slimMap(map, 'f({\n\n  a: 1,\n});');
    expect(slimmed).toEqual({ version: 3, sources: ['a.ts', 'b.ts'], names: [], mappings: slimmed.mappings });
    expect(decode(slimmed.mappings)).toEqual([[[0, 1, 4, 0]], [], [[0, 0, 7, 0]], []]);
  });
});

describe('declarations', () => {
  it('import once what they name in full', () => {
    const text = `declare const a: import("./k.js").Kind<import("./t.js").T>; /** Of a Kind. */ declare const b: import("./k.js").Kind<1>;\n`;
    const once = `import type { Kind } from './k.js';\nimport type { T } from './t.js';\ndeclare const a: Kind<T>; /** Of a Kind. */ declare const b: Kind<1>;\n`;
    expect(importOnce(text)).toBe(once);
  });

  it.each([
    `import { Kind } from './other.js';\ndeclare const a: import("./k.js").Kind;\n`,
    `declare const a: import("./k.js").Kind, b: import("./l.js").Kind;\n`,
    `declare const a: typeof import("node:util").inspect;\n`,
  ])('keep a name that something else has: %s', (text) => expect(importOnce(text)).toBe(text));

  it('are left out where no entry point reaches them', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nabla-slim-'));
    try {
      await mkdir(join(folder, 'inner'));
      const files = {
        'index.d.ts': `export * from './named.js';\nimport './effect.js';\n`,
        'named.d.ts': `export declare const x: import('./inner/type.js').T;\n`,
        'effect.d.ts': `declare module './augmented.js' {}\n`,
        'augmented.d.ts': '',
        'inner/type.d.ts': `export type T = typeof import("node:fs");\n`,
        'inner/alone.d.ts': `export * from '../index.js';\n`,
        'index.js': '',
        'index.js.map': JSON.stringify({ sources: [], mappings: '', sourcesContent: ['long'] }),
      };
      for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
      await slim(folder, [join(folder, 'index.d.ts')]);
      expect(readdirSync(folder, { recursive: true }).sort()).toEqual(
        [...Object.keys(files).filter((name) => name !== 'inner/alone.d.ts'), 'inner'].sort(),
      );
      expect(readFileSync(join(folder, 'index.js.map'), 'utf8')).not.toContain('long');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

it('packages of binaries are called by platform, processor and C library', () => {
  expect(['linux-arm64/nabla.musl.node', 'linux-x64/nabla.glibc.node', 'win32-x64/nabla.node'].map(packageOf)).toEqual([
    '@nabla/linux-arm64-musl',
    '@nabla/linux-x64-glibc',
    '@nabla/win32-x64',
  ]);
});
