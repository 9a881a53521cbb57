import { define } from '../arguments/define.js';
import type { OptionsOf } from '../arguments/forms.js';
import { type Kind, kind } from '../arguments/kind.js';
import { signature } from '../arguments/signature.js';
import { unknownName } from '../arguments/unknown-name.js';
import { synchronous } from '../autograd/mode.js';
import { sameShape } from '../backend/view.js';
import { describe } from '../describe.js';
import { ShapeError, ValueError } from '../errors.js';
import { hasNames } from '../realm.js';
import * as kinds from '../tensor/kinds.js';
import { show } from '../tensor/shape.js';
import { isTensor, shapeOf, type Tensor } from '../tensor/tensor.js';
import { isModule, MEMBERS, type Module } from './module.js';
import { join } from './names.js';

type Tensors = Readonly<Record<string, Tensor>>;

const isNames = (value: unknown): value is Tensors =>
  hasNames(value) && !isTensor(value) && !Array.isArray(value) && !isModule(value);

const calling = signature('module, parameterAndBufferDicts, args, *, tieWeights, strict', {
  module: kind('a Module', isModule) as Kind<Module>,
  parameterAndBufferDicts: kind(
    'tensors by name, or an array of such objects',
    (value): value is Tensors | readonly Tensors[] => isNames(value) || (Array.isArray(value) && value.every(isNames)),
  ),
  /** What `forward` is called with, in an array; anything else is its only argument. Default: [], nothing. */
  args: kind('anything', (value): value is unknown => value !== undefined).default([]),
  /** Whether what is shared within the module is replaced everywhere, under whichever of its names. Default: true. */
  tieWeights: kinds.boolean.default(true),
  /** Whether all parameters and buffers must be given. Default: false. */
  strict: kinds.boolean.default(false),
});

export interface FunctionalCallOptions extends OptionsOf<typeof calling> {}

const op = 'functionalCall';

/** A parameter or buffer, where it is a property. */
interface Place {
  readonly path: string;
  readonly owner: Module;
  readonly property: string;
  readonly value: Tensor;
}

/** All parameters and buffers, under each of their paths. */
function* placesOf(module: Module, path = ''): Iterable<Place> {
  const own = new Set<unknown>([...module.parameters(false), ...module.buffers(false)]);
  for (const [property, name, value] of module[MEMBERS]()) {
    if (isModule(value)) yield* placesOf(value, join(path, name));
    else if (own.has(value)) yield { path: join(path, name), owner: module, property, value: value as Tensor };
  }
}

/** Puts a tensor where a parameter or buffer is, and gives what puts that back. */
function replace({ owner, property }: Place, value: Tensor): () => void {
  const before = Object.getOwnPropertyDescriptor(owner, property)!;
  Object.defineProperty(owner, property, { ...before, value });
  return () => {
    Object.defineProperty(owner, property, before);
  };
}

function merged(dicts: Tensors | readonly Tensors[]): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  for (const dict of Array.isArray(dicts) ? (dicts as readonly Tensors[]) : [dicts as Tensors]) {
    for (const [name, value] of Object.entries(dict)) {
      if (!isTensor(value)) throw new ValueError(`${op}: '${name}' must be a Tensor, got ${describe(value)}`);
      if (tensors.has(name)) throw new ValueError(`${op}: '${name}' is given twice`);
      tensors.set(name, value);
    }
  }
  return tensors;
}

/** What is to be where. */
function replacements(
  places: readonly Place[],
  tensors: ReadonlyMap<string, Tensor>,
  tieWeights: boolean,
  strict: boolean,
): [Place, Tensor][] {
  const byPath = new Map(places.map((place) => [place.path, place]));
  const paths = [...byPath.keys()];
  const byValue = new Map<Tensor, Tensor>();
  for (const [name, tensor] of tensors) {
    const place = byPath.get(name);
    if (place === undefined) throw new ValueError(`${op}: ${unknownName('parameter or buffer', name, paths)}`);
    if (!sameShape(shapeOf(place.value), shapeOf(tensor))) {
      throw new ShapeError(
        `${op}: '${name}' has shape ${show(shapeOf(place.value))}, got a tensor of shape ${show(shapeOf(tensor))}`,
      );
    }
    const other = byValue.get(place.value);
    if (tieWeights && other !== undefined && other !== tensor) {
      throw new ValueError(
        `${op}: '${name}' is shared under another name, for which another tensor is given; pass { tieWeights: false }`,
      );
    }
    byValue.set(place.value, tensor);
  }
  const found = places.flatMap((place): [Place, Tensor][] => {
    const tensor = tensors.get(place.path) ?? (tieWeights ? byValue.get(place.value) : undefined);
    return tensor === undefined ? [] : [[place, tensor]];
  });
  if (strict && found.length < places.length) {
    const given = new Set(found.map(([place]) => place));
    const missing = places.filter((place) => !given.has(place)).map(({ path }) => `'${path}'`);
    throw new ValueError(`${op}: missing ${missing.join(', ')}`);
  }
  return found;
}

/**
 * Calls a module with other tensors in the place of its parameters and buffers, for this call alone: what `module.forward(...args)` gives with these.
 * So gradients flow to tensors that were computed, as the parameters after a step in meta-learning are.
 *
 * @param parameterAndBufferDicts tensors by the names of `namedParameters` and `namedBuffers`; those that are not named stay as they are
 * @returns what `forward` gives
 * @throws ValueError for names that the module does not have, and for two tensors in one place; ShapeError for a tensor of another shape
 * @example
 * ```ts
 * const model = new nn.Linear(2, 1);
 * const x = ones([1, 2]);
 * func.functionalCall(model, { weight: tensor([[2, 3]]), bias: zeros([1]) }, [x]); // tensor([[5.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.func.functional_call.html
 */
export const functionalCall = define(op, calling, (module, dicts, args, tieWeights, strict) => {
  const tensors = merged(dicts);
  const restore: (() => void)[] = [];
  try {
    for (const [place, tensor] of replacements([...placesOf(module)], tensors, tieWeights, strict)) {
      restore.push(replace(place, tensor));
    }
    return synchronous(op, module.forward(...((Array.isArray(args) ? args : [args]) as never[])));
  } finally {
    for (const undo of restore) undo();
  }
}) as <Inputs extends readonly unknown[], Output>(
  module: Module<Inputs, Output>,
  parameterAndBufferDicts: Tensors | readonly Tensors[],
  args?: Inputs | Inputs[0] | FunctionalCallOptions,
  options?: FunctionalCallOptions,
) => Output;
