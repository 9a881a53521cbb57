import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import base from '../../vitest.config.js';

/** What has several threads or environments, for ThreadSanitizer. */
const threads = {
  include: ['test/backend/{background,environments,replay,terminate}.test.ts', 'test/capture/{run,train}.test.ts'],
};

/** What works the core; without the above, what works JavaScript, and what needs limits, instruction sets or bits of its own. */
const memory = {
  include: ['test/backend/*.test.ts', 'test/{tensor,autograd,capture}/**/*.test.ts'],
  exclude: [
    'test/backend/{background,environments}.test.ts',
    'test/backend/{cpu-count,failures,isas,js,loops,native,scalar-math,select}.test.ts',
  ],
};

/** Counts what a process does: it must have done nothing before. */
const long = 'test/capture/long.test.ts';

/** One after the other in a process, because to start one takes seconds; as in the suite itself. */
const following = {
  extends: true as const,
  test: { name: 'sanitized', ...memory, exclude: [...memory.exclude, long], isolate: false },
};
const apart = { extends: true as const, test: { name: 'sanitized-apart', include: [long] } };

/** The suites that `npm run test:sanitized` runs on the core that it has built; index.ts sets the environment. */
export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  resolve: base.resolve ?? {},
  test: {
    name: 'sanitized',
    pool: 'forks',
    testTimeout: 600_000,
    ...(process.env.NABLA_PREBUILD?.endsWith('tsan') ? threads : { projects: [following, apart] }),
  },
});
