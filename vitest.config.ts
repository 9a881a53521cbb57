import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** What concerns the native core only, compares it with the other one, or uses neither: once is enough. */
const once = [
  'test/backend/{background,cpu-count,environments,failures,isas,native,seam,terminate}.test.ts',
  'test/conformance/{arrange,compare,decode,run}.test.ts',
  'test/docs/{comments,references}.test.ts',
  'test/{bench,determinism,fuzz}/**',
  'test/*.test.ts',
];

/** The whole suite runs on each backend: `--project js` for one of them. */
const onBackend = (name: 'native' | 'js', exclude: readonly string[]) => ({
  extends: true as const,
  test: { name, env: { NABLA_BACKEND: name }, exclude: [...configDefaults.exclude, ...exclude] },
});

export default defineConfig({
  resolve: {
    alias: [
      { find: /^nabla$/, replacement: source('./lib/index.ts') },
      { find: /^nabla\/(data|io|training)$/, replacement: source('./lib/$1/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    // A process per file: the thread pool and its settings belong to the process.
    pool: 'forks',
    testTimeout: 60_000,
    projects: [onBackend('native', []), onBackend('js', once)],
  },
});
