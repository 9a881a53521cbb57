import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { types } from 'node:util';
import { ValueError } from '../../errors.js';
import { microOpNames } from '../micro-ops.js';
import { MAX_DIMS } from '../view.js';
import type { Addon } from './addon.js';

/** The same from `lib/` and from `dist/`. */
const packageRoot = fileURLToPath(new URL('../../..', import.meta.url));

/** The addon, or in one line why there is none and what to do about it. Throws if the environment asks for an ISA that can't be had. */
export function loadAddon(): { readonly addon: Addon } | { readonly reason: string } {
  try {
    const addon = requireAddon();
    const reason = explainMismatch(addon);
    return reason === undefined ? { addon } : { reason };
  } catch (error) {
    if (!types.isNativeError(error)) throw error;
    if ('code' in error && error.code === 'ERR_NABLA_ISA') throw new ValueError(error.message);
    const detail = error.message.split('\n', 1)[0];
    return { reason: `the native core did not load (${detail}): in a clone, npm run build:native builds it` };
  }
}

function requireAddon(): Addon {
  const load: (root: string) => Addon = createRequire(import.meta.url)('node-gyp-build');
  return load(packageRoot);
}

/** The layout of instructions that `encoder.ts` writes. */
const LAYOUT = 3;

/** A binary of another version would take instructions for something else. */
export function explainMismatch(addon: Pick<Addon, 'layout' | 'maxDims' | 'microOps'>): string | undefined {
  const difference =
    differingNumber('layout', addon.layout, LAYOUT) ??
    differingNumber('axes of a nest', addon.maxDims, MAX_DIMS + 1) ??
    differingOperation(addon.microOps);
  return difference && `the native core is of another version (${difference}): npm run build:native renews it`;
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
