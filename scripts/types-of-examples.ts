// Checks the types of all examples in the documentation, in one program with what tsconfig.json has: part of `npm run typecheck`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../test/docs/exports.js';
import { modulesOfExamples, writeModules } from '../test/docs/modules.js';

const examples = modulesOfExamples();

/** The compiler's messages, at the places the examples come from. */
const withPlaces = (messages: string): string =>
  messages.replaceAll(/(?:[^\s(]*\/)?(docs\/example-\d+\.mts)\((\d+),\d+\)/g, (_, path: string, line: string) => {
    const { file, line: start } = examples.find((known) => known.path === path)!.example;
    return `${file}:${start + Number(line) - 2}`;
  });

const folder = mkdtempSync(join(tmpdir(), 'nabla-types-of-examples-'));
try {
  writeModules(examples, folder);
  const config = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: { typeRoots: [join(root, 'node_modules/@types')] },
    include: ['docs'],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const args = [compiler, '-p', folder, '--pretty', 'false'];
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  process.stdout.write(withPlaces(stdout));
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true });
}
