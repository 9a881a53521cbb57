/**
 * Makes what is published, in build/packages: nabla itself, and for each binary in prebuilds/ a package that holds it alone, which package managers install
 * where it fits. `npm run pack:all`, after `npm run prebuild:all`; fails where an installation is larger than it may be. With `--any-size` it only says so:
 * what the compiler of a machine makes is larger than what is published.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageOf, SOURCES } from '../../lib/binaries.js';
import { targets } from '../prebuild/targets.js';
import { installationFaults, type Packed } from './package.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(root, 'build/packages');

type Manifest = Record<string, unknown> & { readonly version: string; readonly files: readonly string[] };
const manifest: Manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const made = targets.filter(({ name }) => existsSync(join(root, 'prebuilds', name)));

const npm = (cwd: string, ...args: string[]): Packed & { readonly filename: string } => {
  const text = execFileSync('npm', ['pack', '--json', '--ignore-scripts', ...args], { cwd, encoding: 'utf8' });
  // An array, or in newer versions an object by name.
  return Object.values(JSON.parse(text) as Record<string, Packed & { readonly filename: string }>)[0]!;
};

const writeJson = (file: string, value: unknown) => writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);

/** What only those read who build the core themselves. */
const isSource = (path: string): boolean => /^(native|dist\/headers)\/|^CMakeLists\.txt$/.test(path);

/** The package without binaries: its manifest and its loader name the packages that have them. The core's sources are packed. */
function stageMain(): string {
  const stage = join(folder, 'nabla');
  const paths = npm(root, '--dry-run').files.map(({ path }) => path);
  for (const path of paths) {
    if (!path.startsWith('prebuilds/') && !isSource(path)) cpSync(join(root, path), join(stage, path));
  }
  // The same bytes from the same files.
  const how = [
    '--sort=name',
    '--mtime=@0',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '--use-compress-program=gzip -9n',
  ];
  execFileSync('tar', [...how, '-cf', join(stage, SOURCES), '-C', root, ...paths.filter(isSource)]);
  const { devDependencies: _, scripts: __, gypfile: ___, ...own } = manifest;
  writeJson(join(stage, 'package.json'), {
    ...own,
    files: [
      ...manifest.files.filter((name) => name !== 'prebuilds' && !isSource(`${name}/`) && !isSource(name)),
      SOURCES,
    ],
    optionalDependencies: Object.fromEntries(made.map(({ name }) => [packageOf(name), manifest.version])),
  });
  const core = join(stage, 'dist/core.js');
  writeFileSync(core, namePackages(readFileSync(core, 'utf8')));
  return stage;
}

/**
 * Tracers see the file beside this package, where it is nearly always, and do not mind those that are not installed. webpack would: it leaves them alone.
 */
function namePackages(code: string): string {
  let text = code;
  for (const { name } of made) {
    const own = `new URL("../prebuilds/${name}"`;
    if (!text.includes(own))
      throw new Error(`dist/core.js has no ${own}: run npm run build:ts after the binaries are made`);
    text = text.replace(own, `new URL(/* webpackIgnore: true */ "../../${packageOf(name)}/nabla.node"`);
  }
  return text;
}

function stageBinary(name: string): string {
  const own = packageOf(name);
  const stage = join(folder, own);
  mkdirSync(stage, { recursive: true });
  const [platform = '', cpu = ''] = dirname(name).split('-');
  const libc = /\.(glibc|musl)\./.exec(name)?.[1];
  writeJson(join(stage, 'package.json'), {
    name: own,
    version: manifest.version,
    description: `The native core of nabla for ${own.slice('@nabla/'.length)}`,
    license: manifest.license,
    author: manifest.author,
    engines: manifest.engines,
    os: [platform],
    cpu: [cpu],
    ...(libc !== undefined && { libc: [libc] }),
    main: 'nabla.node',
    files: ['nabla.node'],
    // A library of the system is loaded from a file, never from an archive.
    preferUnplugged: true,
  });
  copyFileSync(join(root, 'prebuilds', name), join(stage, 'nabla.node'));
  copyFileSync(join(root, 'LICENSE'), join(stage, 'LICENSE'));
  writeFileSync(
    join(stage, 'README.md'),
    `# ${own}\n\nThe native core of [nabla](https://www.npmjs.com/package/nabla), which installs it where it fits. It is of no use by itself.\n`,
  );
  return stage;
}

if (made.length === 0) throw new Error('there are no binaries: run npm run prebuild, or prebuild:all');
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const pack = (stage: string) => npm(stage, '--pack-destination', folder);
const main = pack(stageMain());
console.log(`${main.filename}: ${main.size} bytes, ${main.unpackedSize} unpacked, ${main.files.length} files`);
const faults: string[] = [];
for (const { name } of targets) {
  if (!made.some((target) => target.name === name)) {
    console.log(`${packageOf(name)}: NOT MADE, prebuilds/${name} is not there`);
    continue;
  }
  const binary = pack(stageBinary(name));
  const installed = main.unpackedSize + binary.unpackedSize;
  console.log(
    `${binary.filename}: ${binary.size} bytes, ${binary.unpackedSize} unpacked; with nabla ${installed} installed`,
  );
  faults.push(...installationFaults(packageOf(name), installed));
}
for (const fault of faults) console.error(fault);
if (faults.length > 0 && !process.argv.includes('--any-size')) process.exitCode = 1;
