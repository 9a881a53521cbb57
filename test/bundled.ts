import { rename } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
// The core is looked for from the folder above that of the code: beside lib/ and dist/.
const folder = join(root, 'build');

/** Programs of TypeScript, the library's sources in them, as files that node runs by themselves. */
export const bundling = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  keepNames: true,
  // Methods are installed by importing a module.
  ignoreAnnotations: true,
  tsconfig: join(root, 'tsconfig.json'),
  logLevel: 'error',
} as const satisfies BuildOptions;

/** One such file: a process that loads some five hundred files through a transform takes two seconds to begin. */
export async function bundled(program: URL): Promise<string> {
  const input = fileURLToPath(program);
  const file = join(folder, `${relative(root, input).replaceAll(/[/\\]/g, '-').replace(/\.ts$/, '.mjs')}`);
  // Other suites may bundle, or run, the same program.
  const own = `${file}.${process.pid}`;
  await build({ ...bundling, entryPoints: [input], outfile: own, packages: 'external' });
  await rename(own, file);
  return file;
}
