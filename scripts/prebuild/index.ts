// Builds all binaries of the package with one cross compiler, checks what each asks of the system it is for, and writes prebuilds/manifest.json:
// npm run prebuild:all, or npm run prebuild:all -- linux-x64 for those whose name begins so; the others that are there are checked again.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkBinary, type Needs } from './checks.js';
import { type Target, targets } from './targets.js';
import { fetchZig } from './zig.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const wanted = process.argv.slice(2);

interface Binary extends Needs {
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
}

const folderOf = (target: Target) => join(root, 'build/prebuild', target.zig);

function build(target: Target): string {
  const zig = fetchZig(join(root, 'node_modules/.cache/nabla'));
  const folder = folderOf(target);
  const options = [
    `-DCMAKE_TOOLCHAIN_FILE=${join(root, 'scripts/prebuild/toolchain.cmake')}`,
    `-DZIG=${zig}`,
    `-DNABLA_TARGET=${target.zig}`,
    `-DCMAKE_LIBRARY_OUTPUT_DIRECTORY=${folder}/made`,
    '-DNABLA_WERROR=ON',
  ];
  run('cmake', '-S', root, '-B', folder, ...options);
  run('cmake', '--build', folder, '--parallel', String(availableParallelism()));
  return join(folder, 'made/nabla.node');
}

/** Nothing that the command prints is of interest, but where it fails. */
function run(command: string, ...args: string[]): void {
  try {
    execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 28 });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    console.error(`${stdout}${stderr}`);
    throw new Error(`${command} ${args[0]} failed (its output is above)`);
  }
}

/** No code of an instruction set may be where all processors run it. */
function checkSymbols(target: Target): void {
  const reader = 'npx tsx scripts/prebuild/mach-o-symbols.ts';
  const env = { ...process.env, ...(target.name.startsWith('darwin-') && { NM: reader }) };
  execFileSync('bash', ['scripts/check-symbols.sh', folderOf(target)], {
    cwd: root,
    env,
    stdio: ['ignore', 'ignore', 2],
  });
}

function make(target: Target): Binary {
  const file = join(root, 'prebuilds', target.name);
  if (wanted.length > 0 && !wanted.some((start) => target.name.startsWith(start))) {
    if (!existsSync(file)) throw new Error('not asked for');
    return describe(target, file);
  }
  rmSync(file, { force: true });
  const made = build(target);
  checkSymbols(target);
  const binary = describe(target, made);
  mkdirSync(dirname(file), { recursive: true });
  copyFileSync(made, file);
  return binary;
}

function describe({ name }: Target, file: string): Binary {
  const bytes = readFileSync(file);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { name, size: bytes.length, sha256, ...checkBinary(name, file) };
}

const binaries: Binary[] = [];
const notBuilt: { name: string; reason: string }[] = [];
for (const target of targets) {
  try {
    const binary = make(target);
    binaries.push(binary);
    const needs = [...binary.libraries, ...binary.versions].join(' ');
    console.log(`${binary.name}  ${binary.size} bytes  sha256 ${binary.sha256}\n    needs ${needs}`);
  } catch (error) {
    const reason = (error as Error).message;
    notBuilt.push({ name: target.name, reason });
    console.log(`${target.name}  NOT BUILT: ${reason}`);
  }
}
mkdirSync(join(root, 'prebuilds'), { recursive: true });
writeFileSync(join(root, 'prebuilds/manifest.json'), `${JSON.stringify({ binaries, notBuilt }, null, 2)}\n`);
console.log(`${binaries.length} of ${targets.length} binaries, listed in prebuilds/manifest.json`);
if (notBuilt.some(({ reason }) => reason !== 'not asked for')) process.exitCode = 1;
