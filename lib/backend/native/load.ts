import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { findBinaries } from '../../binaries.js';
import { ValueError } from '../../errors.js';
import { messageOf } from '../../realm.js';
import { microOpNames } from '../micro-ops.js';
import { MAX_DIMS } from '../view.js';
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
  for (const file of candidates) {
    const result = tryToLoad(file);
    if (typeof result !== 'string') return { addon: result, file };
    failures.push({ file, reason: result });
  }
  return { reason: explain(name, failures, sources) };
}

function tryToLoad(file: string): Addon | string {
  if (!existsSync(file)) return 'not there';
  try {
    const addon: Addon = createRequire(file)(file);
    return explainMismatch(addon) ?? addon;
  } catch (error) {
    const message = messageOf(error);
    if ((error as { code?: unknown } | null)?.code === 'ERR_NABLA_ISA') throw new ValueError(message);
    return message.split('\n', 1)[0]!.replace(`${file}: `, '');
  }
}

function explain(name: string, failures: readonly Failure[], sources: string | undefined): string {
  const where = `Node ${process.versions.node}, ${process.platform} ${process.arch}`;
  const tried = failures.map(({ file, reason }) => `\n  ${file}: ${reason}`).join('');
  return `no native core could be loaded (${where}). Looked for:${tried}\n${wayOut(name, sources)}`;
}

function wayOut(name: string, sources: string | undefined): string {
  if (sources === undefined) return `Copy prebuilds/${name} of the package nabla beside the bundle, as nabla.node`;
  const build = JSON.stringify(join(sources, 'build'));
  return `To build it (with CMake, and g++ or clang): cmake -S ${JSON.stringify(sources)} -B ${build} && cmake --build ${build}`;
}

/** The layout of instructions that `encoder.ts` writes. */
const LAYOUT = 3;

/** A binary of another version would take instructions for something else. */
export function explainMismatch(addon: Pick<Addon, 'layout' | 'maxDims' | 'microOps'>): string | undefined {
  const difference =
    differingNumber('layout', addon.layout, LAYOUT) ??
    differingNumber('axes of a nest', addon.maxDims, MAX_DIMS + 1) ??
    differingOperation(addon.microOps);
  return difference && `it is of another version (${difference})`;
}

const differingNumber = (name: string, there: number, here: number): string | undefined =>
  there === here ? undefined : `${name} ${there} there, ${here} here`;

function differingOperation(microOps: readonly string[]): string | undefined {
  const length = Math.max(microOps.length, microOpNames.length);
  for (let i = 0; i < length; i++) {
    if (microOps[i] === microOpNames[i]) continue;
    return `micro-operation ${i} is ${microOps[i] ?? 'missing'} there, ${microOpNames[i] ?? 'unknown'} here`;
  }
  return undefined;
}
