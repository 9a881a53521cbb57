import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** What concerns the native core only, compares it with the other one, or uses neither: once is enough. */
const once = [
  'test/backend/{background,cpu-count,entries,environments,failures,isas,native,seam,terminate}.test.ts',
  'test/conformance/{arrange,compare,decode,run}.test.ts',
  'test/docs/{comments,examples,pytorch-names,references,site}.test.ts',
  'test/data/workers.test.ts',
  'test/training/kills.test.ts',
  'test/{arguments,distributed,io}/**',
  'test/{bench,determinism,fuzz}/**',
  'test/*.test.ts',
];

/**
 * Every other suite has a process of its own. These, in which nothing belongs to a process, follow each other in one, which loads the library once,
 * and compute on one thread: a thread that helps waits long for a processor that another suite has.
 */
const together =
  'test/{arguments,autograd,capture,conformance,data,distributed,distributions,expr,io,nn,optim,programs,tensor,training}/**/!(long).test.ts';

/**
 * These too follow each other in one process, on as many threads as they set themselves; but not what replaces a module for itself, moves the process, or
 * chooses another backend, from which on memory has no address that the native core could use.
 */
const set = 'test/{backend,bench,examples,fuzz,packaging}/**/!(copies|native|select).test.ts';

/** How the package is built, and programs that start processes of their own: they choose a backend themselves. */
const choosing = ['test/{examples,packaging}/**'];

const all = ['test/**/*.test.ts'];

/** The whole suite runs on each backend: `--project 'js*'` for one of them. */
const onBackend = (backend: 'native' | 'js', exclude: readonly string[]) => {
  const common = { env: { NABLA_BACKEND: backend } };
  // Programs on several ranks: npm run test:mpi.
  const excluded = [...configDefaults.exclude, 'test/mpi/**', ...exclude];
  return [
    {
      extends: true as const,
      test: {
        ...common,
        name: backend,
        include: [together],
        exclude: excluded,
        isolate: false,
        setupFiles: 'test/one-thread.ts',
      },
    },
    {
      extends: true as const,
      test: { ...common, name: `${backend}-set`, include: [set], exclude: excluded, isolate: false },
    },
    {
      extends: true as const,
      test: { ...common, name: `${backend}-apart`, include: all, exclude: [...excluded, together, set] },
    },
  ];
};

/** Most of what tests run is run a few times only: to optimise it, as to collect garbage often, takes longer than it saves. Later Nodes have no such option. */
const lateOptimisation = process.version.startsWith('v20.') ? ['--interrupt-budget=1000000'] : [];

export default defineConfig({
  resolve: {
    alias: [
      { find: /^nabla$/, replacement: source('./lib/index.ts') },
      { find: /^nabla\/(data|distributed|io|models|training)$/, replacement: source('./lib/$1/index.ts') },
    ],
  },
  test: {
    // Processes, not threads: the thread pool of the core and its settings belong to the process.
    pool: 'forks',
    testTimeout: 60_000,
    maxWorkers: 2,
    execArgv: [...lateOptimisation, '--max-semi-space-size=64'],
    projects: [...onBackend('native', []), ...onBackend('js', [...once, ...choosing])],
  },
});
