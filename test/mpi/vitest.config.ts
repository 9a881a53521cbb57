import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** Programs on several ranks, one after the other: they share the machine. */
export default defineConfig({
  root: source(''),
  resolve: {
    alias: [
      { find: /^nabla$/, replacement: source('lib/index.ts') },
      { find: /^nabla\/(data|distributed|io|models|training)$/, replacement: source('lib/$1/index.ts') },
    ],
  },
  test: {
    include: ['test/mpi/*.test.ts'],
    globalSetup: 'test/mpi/setup.ts',
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 120_000,
  },
});
