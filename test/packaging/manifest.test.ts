import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = new URL('../../', import.meta.url);
const path = (relative: string): string => fileURLToPath(new URL(relative, root));

interface Manifest {
  readonly exports: Record<string, string | { readonly types: string; readonly default: string }>;
  readonly files: readonly string[];
  readonly gypfile: boolean;
  readonly scripts: Record<string, string>;
  readonly sideEffects: boolean;
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

  it('says rightly that no module is imported for its effects alone', () => {
    expect(manifest.sideEffects).toBe(false);
    const modules = readdirSync(path('dist'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.js'),
    );
    expect(modules).toContain('core.js');
    for (const name of modules) {
      const code = readFileSync(path(`dist/${name}`), 'utf8');
      const fromIt = (module: string) => new RegExp(`^(import|export) .* from "${module}"`, 'm');
      for (const [, module] of code.matchAll(/^import "(\..*(?<!rolldown-runtime\.js))";$/gm))
        expect(code).toMatch(fromIt(module!));
    }
  });

  it('has no dependencies', () => {
    expect(manifest).not.toHaveProperty('dependencies');
  });

  it('ships the sources that build the core where there is no binary', () => {
    expect(manifest.files).toEqual(expect.arrayContaining(['dist', 'prebuilds', 'native', 'CMakeLists.txt']));
    expect(existsSync(path('dist/headers/node_api.h'))).toBe(true);
    const sources = readFileSync(path('CMakeLists.txt'), 'utf8').matchAll(/^\s+(native\/\S+\.cc)$/gm);
    for (const [, source] of sources) expect(existsSync(path(source!))).toBe(true);
  });
});
