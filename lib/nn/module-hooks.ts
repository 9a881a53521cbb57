import type { OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { CustomFunction, type FunctionContext } from '../autograd/function.js';
import type { HookHandle } from '../autograd/hooks.js';
import { recordsGradients } from '../autograd/mode.js';
import { type DType, isFloat } from '../backend/dtype.js';
import { recording } from '../backend/recording.js';
import { describe } from '../describe.js';
import { AutogradError, CaptureError, ValueError } from '../errors.js';
import { filledOf } from '../tensor/empty.js';
import * as kinds from '../tensor/kinds.js';
import { NamedResults } from '../tensor/results.js';
import type { Shape } from '../tensor/shape.js';
import { isTensor, shapeOf, storageOf, type Tensor } from '../tensor/tensor.js';

// Hooks of modules. A module that has some gets a `forward` of its own, which calls the one that it hides; a module without hooks is as it was.

/** What a backward hook is told: a gradient per tensor, null for what has none. */
export type Gradients = readonly (Tensor | null)[];

/** What a backward hook gives instead of the gradients; nothing, to leave them as they are. */
export type NewGradients = Tensor | Gradients | null | undefined;

/** What `registerForwardPreHook` takes. */
export type ForwardPreHook<M extends WithForward> = (module: M, inputs: Parameters<M['forward']>) => unknown;

/** What `registerForwardHook` takes. */
export type ForwardHook<M extends WithForward> = (
  module: M,
  inputs: Parameters<M['forward']>,
  output: ReturnType<M['forward']>,
) => unknown;

/** What `registerFullBackwardHook` takes. */
export type FullBackwardHook<M> = (module: M, gradInput: Gradients, gradOutput: Gradients) => NewGradients;

/** What `registerFullBackwardPreHook` takes. */
export type FullBackwardPreHook<M> = (module: M, gradOutput: Gradients) => NewGradients;

/** What has hooks. */
export interface WithForward {
  forward(...inputs: never[]): unknown;
}

type Forward = (...inputs: unknown[]) => unknown;
type PreHook = (module: object, inputs: readonly unknown[]) => unknown;
type PostHook = (module: object, inputs: readonly unknown[], output: unknown) => unknown;
type BackwardHook = (module: object, gradInput: Gradients, gradOutput: Gradients) => unknown;
type BackwardPreHook = (module: object, gradOutput: Gradients) => unknown;

interface Entry<H> {
  readonly hook: H;
  readonly always: boolean;
}

interface ModuleHooks {
  readonly forwardPre: Entry<PreHook>[];
  readonly forward: Entry<PostHook>[];
  readonly backwardPre: Entry<BackwardPreHook>[];
  readonly backward: Entry<BackwardHook>[];
  /** A `forward` that was the object's own, rather than its class's. */
  own: PropertyDescriptor | undefined;
}

type Kind = Exclude<keyof ModuleHooks, 'own'>;

const first = {
  /** Whether to call it before the hooks that are there already. Default: false. */
  prepend: kinds.boolean.default(false),
};

/** What a hook of the inputs is registered with. */
export const hooking = signature('hook, *, prepend', {
  hook: kinds.callback<(...args: never[]) => unknown>(),
  ...first,
});

/** What a hook of the outputs is registered with. */
export const forwardHooking = signature('hook, *, prepend, alwaysCall', {
  hook: kinds.callback<(...args: never[]) => unknown>(),
  ...first,
  /** Whether to call it where `forward` throws too, with undefined as output; what it throws itself is dropped then. Default: false. */
  alwaysCall: kinds.boolean.default(false),
});

export interface ModuleHookOptions extends OptionsOf<typeof hooking> {}
export interface ForwardHookOptions extends OptionsOf<typeof forwardHooking> {}

const hooksOf = new WeakMap<object, ModuleHooks>();

/** How many hooks there are, and how many there ever were. */
let present = 0;
let registered = 0;

/** Tells a function under capture that its modules have no hooks: with hooks it is refused, not replayed. */
export function assumeNoModuleHooks(recorder: { assume(holds: () => boolean): void }): void {
  const known = registered;
  recorder.assume(() => present === 0 || registered === known);
}

function refuseInCapture(name: string, module: object): void {
  recording?.refuse(
    new CaptureError(
      `${name}: a captured function does not call hooks of modules (of ${module.constructor.name}) when it is replayed; ` +
        'remove them, compute what they do in forward, or call the plain function',
    ),
  );
}

/** Registers a hook. @internal */
export function hookModule(
  name: string,
  module: object,
  kind: Kind,
  hook: (...args: never[]) => unknown,
  options: { readonly prepend: boolean; readonly always?: boolean },
): HookHandle {
  refuseInCapture(name, module);
  const hooks = hooksOf.get(module) ?? install(module, Object.getOwnPropertyDescriptor(module, 'forward'));
  const list: Entry<unknown>[] = hooks[kind];
  const entry = { hook, always: options.always ?? false };
  if (options.prepend) list.unshift(entry);
  else list.push(entry);
  registered++;
  present++;
  return {
    remove: () => {
      const at = list.indexOf(entry);
      if (at < 0) return;
      list.splice(at, 1);
      present--;
      if (isEmpty(hooks)) uninstall(module, hooks);
    },
  };
}

const isEmpty = ({ forwardPre, forward, backwardPre, backward }: ModuleHooks): boolean =>
  forwardPre.length + forward.length + backwardPre.length + backward.length === 0;

function install(module: object, own: PropertyDescriptor | undefined): ModuleHooks {
  const hooks: ModuleHooks = { forwardPre: [], forward: [], backwardPre: [], backward: [], own };
  hooksOf.set(module, hooks);
  const hidden = () => (hooks.own?.value ?? Reflect.get(Object.getPrototypeOf(module) as object, 'forward')) as Forward;
  const hooked: Forward = (...inputs) => call(module, hooks, hidden(), inputs);
  Object.defineProperty(module, 'forward', {
    configurable: true,
    enumerable: own?.enumerable ?? false,
    get: () => hooked,
    set: (value: Forward) => {
      hooks.own = { value, writable: true, enumerable: true, configurable: true };
    },
  });
  return hooks;
}

function uninstall(module: object, { own }: ModuleHooks): void {
  hooksOf.delete(module);
  Reflect.deleteProperty(module, 'forward');
  if (own !== undefined) Object.defineProperty(module, 'forward', own);
}

/** Gives the copy of a module the same hooks, in lists of its own. @internal */
export function copyHooks(module: object, copy: object): void {
  const hooks = hooksOf.get(module);
  if (hooks === undefined) return;
  Reflect.deleteProperty(copy, 'forward');
  if (hooks.own !== undefined) Object.defineProperty(copy, 'forward', hooks.own);
  const copied = install(copy, hooks.own);
  for (const kind of ['forwardPre', 'forward', 'backwardPre', 'backward'] as const) {
    (copied[kind] as Entry<unknown>[]).push(...hooks[kind]);
    present += hooks[kind].length;
  }
  registered++;
}

/** `forward` with all hooks, in PyTorch's order. */
function call(module: object, hooks: ModuleHooks, forward: Forward, given: readonly unknown[]): unknown {
  refuseInCapture('forward', module);
  const pending = new Set(hooks.forward.filter(({ always }) => always));
  let inputs = given;
  try {
    for (const { hook } of [...hooks.forwardPre]) inputs = newInputs(hook(module, inputs), inputs);
    const needsBackward = hooks.backward.length + hooks.backwardPre.length > 0 && recordsGradients();
    const pass = needsBackward ? new BackwardPass(module, hooks) : null;
    const versions = inputs.map(versionOf);
    let output = forward.apply(module, [...(pass?.enter(inputs) ?? inputs)]);
    if (pass !== null) requireUnchanged(module, inputs, versions);
    for (const entry of [...hooks.forward]) {
      pending.delete(entry);
      output = entry.hook(module, inputs, output) ?? output;
    }
    return pass === null ? output : pass.leave(output);
  } catch (error) {
    for (const { hook } of pending) quietly(() => hook(module, inputs, undefined));
    throw error;
  }
}

function quietly(fn: () => void): void {
  try {
    fn();
  } catch {
    // The error of forward is the one to report.
  }
}

function newInputs(returned: unknown, inputs: readonly unknown[]): readonly unknown[] {
  if (returned === undefined || returned === null) return inputs;
  return Array.isArray(returned) ? returned : [returned];
}

const versionOf = (value: unknown): number => (isTensor(value) ? storageOf(value).version : 0);

function requireUnchanged(module: object, inputs: readonly unknown[], versions: readonly number[]): void {
  const changed = inputs.findIndex((input, i) => versionOf(input) !== versions[i]);
  if (changed < 0) return;
  throw new AutogradError(
    `registerFullBackwardHook: ${module.constructor.name} changed its input ${changed} in place, whose gradient a hook is to see; ` +
      'use the out-of-place form there',
  );
}

/** Tensors as they are, with a node that tells of their gradients. */
class Boundary extends CustomFunction {
  static override forward(ctx: FunctionContext, told: (grads: Gradients) => Gradients, ...tensors: Tensor[]): Tensor[] {
    ctx.setMaterializeGrads(false);
    ctx.told = told;
    return tensors;
  }

  static override backward(ctx: FunctionContext, ...grads: (Tensor | null)[]): (Tensor | null)[] {
    return [null, ...(ctx.told as (grads: Gradients) => Gradients)(grads)];
  }
}

/** The hooks of one call in its backward pass: the gradients of outputs come first, then those of inputs. */
class BackwardPass {
  readonly #module: object;
  readonly #hooks: ModuleHooks;
  #gradOutput: Gradients | null = null;
  /** What the inputs are like that can have gradients; null for others. */
  #inputs: readonly ({ readonly shape: Shape; readonly dtype: DType } | null)[] = [];
  /** The inputs that get gradients, by position. */
  #places: readonly number[] = [];

  constructor(module: object, hooks: ModuleHooks) {
    this.#module = module;
    this.#hooks = hooks;
  }

  enter(inputs: readonly unknown[]): readonly unknown[] {
    this.#inputs = inputs.map((input) =>
      isTensor(input) && isFloat(input.dtype) ? { shape: shapeOf(input), dtype: input.dtype } : null,
    );
    this.#places = inputs.flatMap((input, i) => (isTensor(input) && input.requiresGrad ? [i] : []));
    if (this.#places.length === 0) return inputs;
    const through = Boundary.apply((grads) => this.#toInputs(grads), ...this.#places.map((i) => inputs[i] as Tensor));
    return inputs.map((input, i) => through[this.#places.indexOf(i)] ?? input);
  }

  leave(output: unknown): unknown {
    const through = (tensors: readonly Tensor[]): Tensor[] =>
      tensors.length === 0 ? [] : Boundary.apply((grads) => this.#toOutputs(grads), ...tensors);
    if (isTensor(output)) return through([output])[0];
    if (!Array.isArray(output) && !(output instanceof NamedResults)) {
      throw new ValueError(
        `registerFullBackwardHook: forward of ${this.#module.constructor.name} must return a tensor or an array of tensors, got ${describe(output)}`,
      );
    }
    const parts: readonly unknown[] = [...output];
    const tensors = parts.filter(isTensor);
    const made = through(tensors);
    let next = 0;
    return output.map((part: unknown) => (isTensor(part) ? made[next++] : part));
  }

  #toOutputs(grads: Gradients): Gradients {
    let current = grads;
    for (const { hook } of [...this.#hooks.backwardPre]) {
      current = this.#replaced('registerFullBackwardPreHook', hook(this.#module, current), current);
    }
    this.#gradOutput = current;
    if (this.#places.length === 0) this.#call(this.#inputs.map(() => null));
    return current;
  }

  #toInputs(grads: Gradients): Gradients {
    const zeros = this.#inputs.map((input) => input && filledOf(input.shape, 0, input.dtype));
    const all = zeros.map((zero, i) => grads[this.#places.indexOf(i)] ?? zero);
    const made = this.#call(all);
    return this.#places.map((place) => made[place] ?? null);
  }

  #call(gradInput: Gradients): Gradients {
    const gradOutput = this.#gradOutput;
    // What comes by another way than the output, as in gradients of gradients, is not the module's to tell: so has PyTorch it.
    if (gradOutput === null) return gradInput;
    this.#gradOutput = null;
    let current = gradInput;
    for (const { hook } of [...this.#hooks.backward]) {
      current = this.#replaced('registerFullBackwardHook', hook(this.#module, current, gradOutput), current);
    }
    return current;
  }

  #replaced(name: string, returned: unknown, grads: Gradients): Gradients {
    if (returned === undefined || returned === null) return grads;
    const list: readonly unknown[] = Array.isArray(returned) ? returned : [returned];
    const wrong = list.find((one) => one !== null && !isTensor(one));
    if (wrong !== undefined || list.length !== grads.length) {
      throw new ValueError(
        `${name}: the hook must return ${grads.length} gradients, or nothing, got ${describe(wrong ?? returned)}`,
      );
    }
    return list as Gradients;
  }
}
