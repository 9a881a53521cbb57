import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Binaries, findBinaries, isShipped, packageOf, SOURCES } from '../../binaries.js';
import { ValueError } from '../../errors.js';
import { messageOf } from '../../realm.js';
import { dtypeNames } from '../dtype.js';
import { signatures } from '../instructions.js';
import { foldNames, microOpNames } from '../micro-ops.js';
import { MAX_DIMS, MAX_OPERANDS } from '../view.js';
import type { Addon } from './addon.js';

/** A file that could have been the core, and in a line why it is not. */
export interface Failure {
  readonly file: string;
  readonly reason: string;
}

/** The addon, or what was tried and what to do about it. Throws if the environment asks for an ISA that can't be had. */
export function loadAddon(): { readonly addon: Addon; readonly file: string } | { readonly reason: string } {
  const { name, candidates, sources } = findBinaries();
  const failures: Failure[] = [];
  for (const file of new Set(candidates)) {
    const result = tryToLoad(file);
    if (typeof result !== 'string') return { addon: result, file };
    failures.push({ file, reason: result });
  }
  return { reason: explain(name, failures, sources) };
}

/** For every file that may be the core why it is not, or undefined where it is. */
export const examineCandidates = (): readonly { readonly file: string; readonly reason: string | undefined }[] =>
  [...new Set(findBinaries().candidates)].map((file) => {
    const result = tryToLoad(file);
    return { file, reason: typeof result === 'string' ? result : undefined };
  });

function tryToLoad(file: string): Addon | string {
  if (!existsSync(file)) return file.startsWith('@') ? 'not installed' : 'not there';
  try {
    const { exports } = open(file);
    return explainMismatch(exports) ?? exports;
  } catch (error) {
    const message = messageOf(error);
    if ((error as { code?: unknown } | null)?.code === 'ERR_NABLA_ISA') throw new ValueError(message);
    return message.split('\n', 1)[0]!.replace(`${file}: `, '');
  }
}

/** What `require` does with such a file, which bundlers would make something else of. */
function open(file: string): { readonly exports: Addon } {
  const module = { exports: {} as Addon };
  process.dlopen(module, file);
  return module;
}

function explain(name: string, failures: readonly Failure[], sources: Binaries['sources']): string {
  const where = `Node ${process.versions.node}, ${process.platform} ${process.arch}`;
  const tried = failures.map(({ file, reason }) => `\n  ${file}: ${reason}`).join('');
  const missing = isShipped(name) && failures.some(({ file }) => file === `${packageOf(name)}/nabla.node`);
  return `no native core could be loaded (${where}). Looked for:${tried}\n${wayOut(name, missing, sources)}`;
}

/** @param missing whether there is a package with the binary, which is not installed */
function wayOut(name: string, missing: boolean, sources: Binaries['sources']): string {
  if (sources === undefined)
    return `Copy nabla.node of the package ${packageOf(name)} beside the bundle (or prebuilds/${name} of nabla, if it has that, as nabla.node)`;
  const [folder, build] = [JSON.stringify(sources.folder), JSON.stringify(join(sources.folder, 'build'))];
  const unpack = sources.packed ? `cmake -E chdir ${folder} cmake -E tar xzf ${SOURCES} && ` : '';
  const install = sources.packed && missing ? `Install the package ${packageOf(name)}, of the same version. ` : '';
  return `${install}To build it (with CMake, and g++ or clang): ${unpack}cmake -S ${folder} -B ${build} && cmake --build ${build}`;
}

/** Of what `encoder.ts` writes. */
const LAYOUT = 4;

/** What both sides of the seam must agree on: limits, and what stands for what by its number. */
export const limits = {
  layout: LAYOUT,
  // An instruction may need a unit axis beside those of a tensor.
  maxDims: MAX_DIMS + 1,
  maxOperands: MAX_OPERANDS,
} as const satisfies Partial<Addon>;

export const names = {
  instructions: signatures,
  microOps: microOpNames,
  folds: foldNames,
  dtypes: dtypeNames,
} as const satisfies Partial<Addon>;

type FunctionName = { [K in keyof Addon]: Addon[K] extends (...args: never[]) => unknown ? K : never }[keyof Addon];

/** What is called there. */
const functions: Readonly<Record<FunctionName, true>> = {
  run: true,
  define: true,
  link: true,
  replay: true,
  start: true,
  addressOf: true,
  makeWeakList: true,
  addWeakly: true,
  weakValues: true,
  watch: true,
  collected: true,
  getNumThreads: true,
  setNumThreads: true,
  join: true,
  sharedBuffer: true,
  exchangeTimes: true,
  leave: true,
};

type Compared = Pick<Addon, keyof typeof limits | keyof typeof names | FunctionName>;

/** A binary of another version would take instructions for something else. */
export function explainMismatch(addon: Compared): string | undefined {
  for (const name of Object.keys(functions) as FunctionName[]) {
    if (typeof addon[name] !== 'function') return otherVersion(`${name} is missing there`);
  }
  for (const what of ['layout', 'maxDims', 'maxOperands'] as const) {
    if (addon[what] !== limits[what]) return otherVersion(`${what} ${addon[what]} there, ${limits[what]} here`);
  }
  for (const what of ['instructions', 'microOps', 'folds', 'dtypes'] as const) {
    const [there = [], here] = [addon[what], names[what]];
    const at = Array.from({ length: Math.max(there.length, here.length) }, (_, i) => i).find(
      (i) => there[i] !== here[i],
    );
    if (at !== undefined)
      return otherVersion(`${what}: number ${at} is ${there[at] ?? 'missing'} there, ${here[at] ?? 'unknown'} here`);
  }
  return undefined;
}

const otherVersion = (difference: string): string => `it is of another version (${difference})`;
