import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { ForksPoolWorker, type PoolOptions } from 'vitest/node';
import base from '../../vitest.config.js';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const emulatedNode = path('node.sh');
const esbuild = `@esbuild/${process.platform}-${process.arch}/bin/esbuild`;

/** A process for tests that runs Node for AArch64. Vitest itself, which turns TypeScript into JavaScript, stays outside. */
class EmulatedProcess extends ForksPoolWorker {
  override start(): Promise<void> {
    const host = process.execPath;
    process.execPath = emulatedNode;
    const started = super.start();
    process.execPath = host;
    return started;
  }
}

/** The tests of the native core on NEON, in an emulator; prepare.sh makes what they need. */
export default defineConfig({
  root: path('../..'),
  resolve: base.resolve ?? {},
  test: {
    name: 'neon',
    include: ['test/backend/{seam,native,matmul,random,replay}.test.ts', 'scripts/neon/*.test.ts'],
    pool: { name: 'emulated', createPoolWorker: (options: PoolOptions) => new EmulatedProcess(options) },
    maxWorkers: 2,
    testTimeout: 300_000,
    setupFiles: [path('setup.ts')],
    env: {
      NABLA_BACKEND: 'native',
      NABLA_PREBUILD: path('../../build/neon'),
      HOST_NODE: process.execPath,
      EMULATED_NODE: emulatedNode,
      // For tsx, in the processes that tests start: the package for AArch64 is not installed.
      ESBUILD_BINARY_PATH: createRequire(import.meta.url).resolve(esbuild),
    },
  },
});
