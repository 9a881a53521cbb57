import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = new URL('../', import.meta.url);
const path = (relative: string): string => fileURLToPath(new URL(relative, root));

interface Manifest {
  readonly exports: Record<string, string | { readonly types: string; readonly default: string }>;
  readonly files: readonly string[];
  readonly gypfile: boolean;
  readonly scripts: Record<string, string>;
  readonly sideEffects: readonly string[];
}
const manifest: Manifest = JSON.parse(readFileSync(path('package.json'), 'utf8'));

/** What `scripts/check-tarball.sh` does not see; that one installs and runs the package. */
describe('package.json', () => {
  it('runs nothing when it is installed', () => {
    expect(Object.keys(manifest.scripts).filter((name) => /^(pre|post)?install$|^prepare$/.test(name))).toEqual([]);
    // Without this, npm would call node-gyp because there is a binding.gyp.
    expect(manifest.gypfile).toBe(false);
  });

  it('has no build script, because npm would run prebuild before it', () => {
    expect(manifest.scripts).toHaveProperty('prebuild');
    expect(manifest.scripts).not.toHaveProperty('build');
  });

  it('exports what has a source', () => {
    for (const target of Object.values(manifest.exports)) {
      if (typeof target === 'string') continue;
      expect(target.types).toBe(target.default.replace(/\.js$/, '.d.ts'));
      expect(existsSync(path(target.default.replace('./dist/', 'lib/').replace(/\.js$/, '.ts')))).toBe(true);
    }
  });

  it('names modules with side effects that exist', () => {
    for (const file of manifest.sideEffects) {
      expect(existsSync(path(file.replace('./dist/', 'lib/').replace(/\.js$/, '.ts')))).toBe(true);
    }
  });

  it('ships the sources that build the core where there is no binary', () => {
    expect(manifest.files).toEqual(expect.arrayContaining(['prebuilds', 'native', 'CMakeLists.txt', 'binding.gyp']));
    const sources = readFileSync(path('CMakeLists.txt'), 'utf8').matchAll(/^\s+(native\/\S+\.cc)$/gm);
    for (const [, source] of sources) expect(existsSync(path(source!))).toBe(true);
  });
});
