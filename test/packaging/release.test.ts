import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  bundledFaults,
  changelogFaults,
  installationFaults,
  licenceFaults,
  MOST_BYTES,
} from '../../scripts/release/package.js';

const root = resolve(import.meta.dirname, '../..');
const run = promisify(execFile);

const packed = (...paths: string[]) => ({ size: 500, unpackedSize: 1000, files: paths.map((path) => ({ path })) });

describe('before a release', () => {
  it('the changelog has the version, a day and something to say', () => {
    const good =
      '# Changelog\n\n## [1.2.0] - 2026-01-31\n\n### Added\n\n- Something.\n\n## [1.1.0] - 2026-01-01\n\n- Other.\n';
    expect(changelogFaults(good, '1.2.0')).toEqual([]);
    expect(changelogFaults(good, '1.3.0')).toEqual(['CHANGELOG.md has no heading ## [1.3.0] - YYYY-MM-DD']);
    expect(changelogFaults('## [1.2.0]\n\n- Something.\n', '1.2.0')).toEqual([expect.stringContaining('has no day')]);
    expect(changelogFaults('## [1.2.0] - 2026-01-31\n\n## [1.1.0] - 2026-01-01\n\n- Other.\n', '1.2.0')).toEqual([
      'CHANGELOG.md says nothing of 1.2.0',
    ]);
    expect(changelogFaults('## [Unreleased]: 1.2.0\n\n- Something.\n', '1.2.0')).toHaveLength(1);
  });

  it('what is installed is not too large', () => {
    expect(installationFaults('@nabla/linux-x64-glibc', MOST_BYTES)).toEqual([]);
    expect(installationFaults('@nabla/linux-x64-glibc', MOST_BYTES + 1)).toEqual([
      'nabla with @nabla/linux-x64-glibc: 5000001 bytes installed; at most 5000000',
    ]);
  });

  it('all code of others has a licence that lets it be used', () => {
    const own = packed('LICENSE', 'dist/headers/LICENSE');
    expect(licenceFaults(own, [{ name: 'a', licence: 'MIT' }])).toEqual([]);
    expect(
      licenceFaults(own, [
        { name: 'a', licence: 'GPL-3.0' },
        { name: 'b', licence: undefined },
      ]),
    ).toEqual(['a has the licence GPL-3.0', 'b has the licence none']);
    expect(licenceFaults(packed('LICENSE'), [])).toEqual(['dist/headers/LICENSE is not in the package']);
  });

  it('no code of others was bundled', () => {
    expect(bundledFaults([{ name: 'core.js.map', sources: ['../lib/index.ts', '../../lib/io/index.ts'] }])).toEqual([]);
    expect(bundledFaults([{ name: 'core.js.map', sources: ['../node_modules/x/lib/x.js'] }])).toEqual([
      'core.js.map has code of ../node_modules/x/lib/x.js',
    ]);
  });

  it('checks are run by name, and a table says what was not', async () => {
    const check = (...names: string[]) =>
      run(process.execPath, ['--import', 'tsx', 'scripts/release/index.ts', ...names], { cwd: root }).catch(
        (error: { stdout: string; stderr: string; code: number }) => error,
      );
    const some = await check('licences');
    expect(some).toMatchObject({ code: 1 });
    expect(some.stdout).toMatch(/^licences +passed/m);
    expect(some.stdout).toMatch(/^0 failed, \d+ not run\. Nothing was published\.$/m);
    expect((await check('publish')).stderr).toMatch(/^no check is called publish; there are: clean tree, /);
  });
});
