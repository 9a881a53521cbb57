import type * as nabla from '../../lib/index.js';

export type Library = typeof nabla;
export type Tensor = nabla.Tensor;
export type Module = nabla.nn.Module;
export type Optimizer = nabla.optim.Optimizer<object, object>;

/** nabla on the backend that `NABLA_BACKEND` names, which is read once, on first import. */
export async function loadLibrary(backend?: string): Promise<Library> {
  if (backend !== undefined) process.env.NABLA_BACKEND = backend;
  return import('../../lib/index.js');
}
