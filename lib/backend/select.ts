import { NablaError, ValueError } from '../errors.js';
import type { Backend } from './backend.js';
import { createJsBackend } from './js/js.js';
import type { Addon } from './native/addon.js';
import { loadAddon } from './native/load.js';
import { createNativeBackend } from './native/native.js';
import { setMemory } from './storage.js';

/**
 * The backend that NABLA_BACKEND asks for. Where it asks for none, the native one; if that does not load, the
 * plain TypeScript one with a warning that says why.
 */
export function selectBackend(requested: string | undefined): Backend {
  switch (requested) {
    case 'js':
      return openJsBackend();
    case 'native':
      return openNativeBackend();
    case undefined:
    case '':
      return openNativeBackendOr(openJsBackend);
    default:
      throw new ValueError(`NABLA_BACKEND: expected js or native, got ${requested}`);
  }
}

function openJsBackend(): Backend {
  setMemory({ addressOf: () => 0, checked: false });
  return createJsBackend();
}

/** Storage allocated from here on knows its address; what was allocated before is of no use to the native core. */
export function openNativeBackend(): Backend {
  const result = loadAddon();
  if ('reason' in result) throw new NablaError(result.reason, 'ERR_NABLA_NATIVE');
  return open(result.addon);
}

function openNativeBackendOr(fallback: () => Backend): Backend {
  const result = loadAddon();
  if ('addon' in result) return open(result.addon);
  process.emitWarning(`nabla runs on plain JavaScript, much slower: ${result.reason} (NABLA_BACKEND=js silences this)`);
  return fallback();
}

function open(addon: Addon): Backend {
  setMemory(addon);
  return createNativeBackend(addon);
}
