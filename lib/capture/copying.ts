import type { ComputeType } from '../backend/dtype.js';
import type { Program } from '../backend/index.js';
import { compile, input } from '../expr/index.js';
import { once } from '../once.js';

/** Programs that copy elements, by the type that they are computed in; `name` is what a profile calls them. */
export function copyPrograms(name: string): Readonly<Record<ComputeType, () => Program>> {
  const copying = (compute: ComputeType) => () =>
    compile({ name, compute, inputs: ['element'], params: 0 }, [input(0, 'element')]);
  return { float32: once(copying('float32')), float64: once(copying('float64')) };
}
