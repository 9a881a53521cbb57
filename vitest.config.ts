import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The whole suite runs on each backend: `--project js` for one of them. */
const onBackend = (name: 'native' | 'js') => ({
  extends: true as const,
  test: { name, env: { NABLA_BACKEND: name } },
});

export default defineConfig({
  resolve: {
    alias: [
      { find: /^nabla$/, replacement: source('./lib/index.ts') },
      { find: /^nabla\/(data|io)$/, replacement: source('./lib/$1/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    // A process per file: the thread pool and its settings belong to the process.
    pool: 'forks',
    testTimeout: 60_000,
    projects: [onBackend('native'), onBackend('js')],
  },
});
