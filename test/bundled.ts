import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
// The core is looked for from the folder above that of the code: beside lib/ and dist/.
const folder = join(root, 'build');

/**
 * A program of TypeScript, the library's sources in it, as one file that node runs by itself: a process that loads some five hundred files through a
 * transform takes two seconds to begin.
 */
export async function bundled(program: URL): Promise<string> {
  const input = fileURLToPath(program);
  const bundle = await rolldown({
    input,
    platform: 'node',
    tsconfig: join(root, 'tsconfig.json'),
    external: /^(?!nabla)[\w@]/,
    treeshake: { moduleSideEffects: () => true },
    logLevel: 'silent',
  });
  const { output } = await bundle.generate({ format: 'esm', keepNames: true, codeSplitting: false });
  await bundle.close();
  await mkdir(folder, { recursive: true });
  const file = join(
    folder,
    `${relative(root, input)
      .replaceAll(/[/\\]/g, '-')
      .replace(/\.m?ts$/, '.mjs')}`,
  );
  // Other suites may bundle, or run, the same program.
  await writeFile(`${file}.${process.pid}`, output[0].code);
  await rename(`${file}.${process.pid}`, file);
  return file;
}
