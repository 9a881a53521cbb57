// Makes dist/: a few modules of all that is in lib/, with maps of their lines and declarations. The entry points share a core, so that there is one Tensor.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type Plugin, rolldown } from 'rolldown';
import { arrowsAsFunctions, ascii, privateNames, withPrivateNames } from './quick.js';
import { importOnce, slim } from './slim.js';

const path = (relative: string) => fileURLToPath(new URL(`../${relative}`, import.meta.url));

interface Manifest {
  readonly bin: Record<string, string>;
  readonly exports: Record<string, string | { readonly types: string; readonly default: string }>;
}
const manifest: Manifest = JSON.parse(readFileSync(path('package.json'), 'utf8'));

/** `{ 'data/index': '…/lib/data/index.ts' }` and so on: what package.json exports, and its commands. */
const entries = Object.fromEntries(
  [...Object.values(manifest.exports), ...Object.values(manifest.bin)].flatMap((target) => {
    const file = typeof target === 'object' ? target.default : target;
    const name = /^\.\/dist\/(.*)\.js$/.exec(file)?.[1];
    return name ? [[name, path(`lib/${name}.ts`)]] : [];
  }),
);

/** Leaves out the rows of binaries that were not made: bundlers want what a literal names. */
const onlyMadeBinaries: Plugin = {
  name: 'only binaries that were made',
  transform: {
    filter: { id: /lib\/binaries\.ts$/ },
    handler: (code) => ({
      code: code.replace(/^ *\['([\w./-]+\.node)', .*$/gm, (row, name: string) =>
        existsSync(path(`prebuilds/${name}`)) ? row : '',
      ),
      // Every line stays where it is.
      map: null,
    }),
  },
};

const privateNamesOf = new Map<string, readonly string[]>();

const quickToLoad: Plugin = {
  name: 'quick to load',
  renderChunk(code, { fileName }) {
    privateNamesOf.set(fileName, privateNames(code));
  },
  // Every line stays where it is.
  generateBundle(_, files) {
    for (const file of Object.values(files)) {
      if (file.type !== 'chunk') continue;
      file.code = arrowsAsFunctions(ascii(withPrivateNames(file.code, privateNamesOf.get(file.fileName)!)));
    }
  },
};

/** The entry points that reach a module. */
function entriesAbove(id: string, importersOf: (id: string) => readonly string[]): ReadonlySet<string> {
  const seen = new Set([id]);
  for (const module of seen) for (const importer of importersOf(module)) seen.add(importer);
  return new Set(Object.values(entries).filter((entry) => seen.has(entry)));
}

const main = path('lib/index.ts');

await rm(path('dist'), { recursive: true, force: true });
const bundle = await rolldown({
  input: entries,
  platform: 'node',
  plugins: [onlyMadeBinaries, quickToLoad],
  // Methods are installed by importing a module. A function, because true would have package.json decide, which speaks of dist/.
  treeshake: { moduleSideEffects: () => true },
});
await bundle.write({
  dir: path('dist'),
  format: 'esm',
  sourcemap: true,
  // Their names are printed: `Linear(...)`, `ShapeError`.
  keepNames: true,
  chunkFileNames: '[name].js',
  comments: { jsdoc: false, legal: true },
  // What nobody sees gets short: names inside functions. Those of functions and the lines they stand on are in stack traces.
  minify: { compress: false, mangle: { toplevel: false, keepNames: true }, codegen: { removeWhitespace: false } },
  codeSplitting: {
    groups: [
      {
        // What the main entry point reaches, or more than one: what is left is of `data` or `io` alone, and loads with them.
        debugName: 'core',
        name: (id, context) => {
          const above = entriesAbove(id, (module) => context.getModuleInfo(module)?.importers ?? []);
          return above.has(main) || above.size > 1 ? 'core' : null;
        },
      },
    ],
  },
});
await bundle.close();
execFileSync('npx', ['tsc', '-p', path('tsconfig.build.json')], { stdio: 'inherit' });
for (const name of await readdir(path('dist'), { recursive: true })) {
  if (!name.endsWith('.d.ts')) continue;
  const file = path(`dist/${name}`);
  const text = await readFile(file, 'utf8');
  // Typed arrays have no arguments before TypeScript 5.7. Tabs, because a tenth of the declarations is spaces.
  const smaller = importOnce(text)
    .replace(/\b(\w+Array)<ArrayBuffer(Like)?>/g, '$1')
    .replace(/^(?: {4})+/gm, (spaces) => '\t'.repeat(spaces.length / 4));
  await writeFile(file, smaller);
}
await slim(
  path('dist'),
  Object.values(manifest.exports).flatMap((target) => (typeof target === 'object' ? [path(target.types)] : [])),
);
// For those who build the core from the package's sources.
await cp(path('node_modules/node-api-headers/include'), path('dist/headers'), { recursive: true });
await cp(path('node_modules/node-api-headers/LICENSE'), path('dist/headers/LICENSE'));
