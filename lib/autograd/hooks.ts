import { define } from '../arguments/define.js';
import type { FunctionOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { recording } from '../backend/recording.js';
import type { Storage } from '../backend/storage.js';
import { untracked } from '../backend/storage.js';
import { sameShape } from '../backend/view.js';
import { describe } from '../describe.js';
import { AutogradError, CaptureError, DTypeError, ShapeError, ValueError } from '../errors.js';
import { convert } from '../tensor/basics.js';
import { addOf } from '../tensor/formula.js';
import * as kinds from '../tensor/kinds.js';
import { type Single, single } from '../tensor/parameters.js';
import { show } from '../tensor/shape.js';
import { isTensor, leafHooksOf, nodeOf, peekGrad, shapeOf, storageOf, type Tensor } from '../tensor/tensor.js';

// Functions of the user's within a backward pass. What these have seen belongs to them too: the pass may not reuse its memory.

/** What a hook makes of a gradient: another one instead, or nothing, to leave it as it is. */
export type TensorHook = (grad: Tensor) => Tensor | null | undefined;

/** Called with a leaf, after its gradient was accumulated. */
export type LeafHook = (leaf: Tensor) => void;

/** Takes a hook away again. */
export interface HookHandle {
  /** Removes the hook; again does nothing. */
  remove(): void;
}

/** The hooks of a gradient, in the order in which they were registered. */
export interface Hooks {
  /** Each is given what the one before it made. */
  readonly before: TensorHook[];
  /** Of leaves. */
  readonly after: LeafHook[];
}

/** The pass under way, and the memory that functions of the user's have seen in it: null as long as there are none. */
interface Pass {
  shown: Set<Storage> | null;
}

let current: Pass | null = null;

/** Runs a pass; `end` is told how to ask what functions of the user's have seen. */
export function withShown(pass: () => void, end: (isShown: (memory: Storage) => boolean) => void): void {
  const outer = current;
  const own: Pass = { shown: null };
  current = own;
  try {
    pass();
  } finally {
    current = outer;
  }
  end((memory) => own.shown?.has(memory) ?? false);
}

export const isShown = (x: Tensor): boolean => current?.shown?.has(storageOf(x)) ?? false;

/** Calls a function of the user's with tensors of a pass. What it returns is the user's too. */
export function callShown<T>(tensors: readonly (Tensor | null)[], fn: () => T): T {
  const show = (x: unknown) => {
    if (current === null || !isTensor(x)) return;
    current.shown ??= new Set();
    current.shown.add(storageOf(x));
  };
  tensors.forEach(show);
  const result = untracked(fn);
  if (Array.isArray(result)) result.forEach(show);
  else show(result);
  return result;
}

/** What hooks make of a gradient. */
export function applyHooks(hooks: readonly TensorHook[], grad: Tensor): Tensor {
  refuseInCapture('backward');
  let changed = grad;
  for (const hook of [...hooks]) {
    const given = changed;
    const result: unknown = callShown([given], () => hook(given));
    if (result === undefined || result === null) continue;
    changed = checkedResult(result, given);
  }
  return changed;
}

function checkedResult(result: unknown, given: Tensor): Tensor {
  if (!isTensor(result)) {
    throw new ValueError(`registerHook: the hook must return a gradient, or nothing, got ${describe(result)}`);
  }
  if (!sameShape(shapeOf(result), shapeOf(given))) {
    throw new ShapeError(
      `registerHook: the hook was given a gradient of shape ${show(shapeOf(given))} and returned one of shape ${show(shapeOf(result))}`,
    );
  }
  if (result.dtype !== given.dtype) {
    throw new DTypeError(
      `registerHook: the hook was given a ${given.dtype} gradient and returned a ${result.dtype} one`,
    );
  }
  return result;
}

/** How many hooks leaves were ever given. */
let registered = 0;

/** Tells a function under capture that a pass runs, which another hook on a leaf would make another pass. */
export function assumeSameHooks(): void {
  if (recording === null) return;
  const known = registered;
  recording.assume(() => registered === known);
}

/** Hooks need JavaScript, which replays do not run. */
function refuseInCapture(name: string): void {
  recording?.refuse(
    new CaptureError(
      `${name}: a captured function does not call hooks when it is replayed; compute what the hook does in the function, ` +
        'or call the plain function',
    ),
  );
}

/** Where the hooks of a tensor's gradient are kept: with what made it, or with the leaf. */
function hooksOf(name: string, x: Tensor): Hooks {
  refuseInCapture(name);
  if (!x.requiresGrad) {
    throw new AutogradError(
      `${name}: the tensor does not require a gradient, so none will come; set requiresGrad first`,
    );
  }
  const node = nodeOf(x);
  if (node === null) {
    registered++;
    return leafHooksOf(x, true)!;
  }
  node.hooks ??= { before: [], after: [] };
  return node.hooks;
}

function register<H>(list: H[], hook: H): HookHandle {
  list.push(hook);
  let isThere = true;
  return {
    remove: () => {
      if (isThere) list.splice(list.indexOf(hook), 1);
      isThere = false;
    },
  };
}

const hooking = signature('input, hook, /', { input: kinds.tensor, hook: kinds.callback<TensorHook>() });
const following = signature('input, hook, /', { input: kinds.tensor, hook: kinds.callback<LeafHook>() });

/**
 * Calls `hook` with the gradient of this tensor in each backward pass, when it is complete; a tensor that it returns takes the
 * gradient's place. Hooks run in the order in which they were registered.
 *
 * @returns a handle whose `remove()` takes the hook away
 * @throws AutogradError if the tensor does not require a gradient; CaptureError within a captured function
 * @example
 * ```ts
 * const x = tensor([1, 2], { requiresGrad: true });
 * const handle = x.registerHook((grad) => grad.mul(10));
 * x.mul(3).sum().backward();
 * x.grad; // tensor([30., 30.])
 * handle.remove();
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.register_hook.html
 */
export const registerHook: FunctionOf<HookHandle, typeof hooking> = define('registerHook', hooking, (x, hook) =>
  register(hooksOf('registerHook', x).before, hook),
);

/**
 * Calls `hook` with this leaf after each backward pass has accumulated its `grad`: to step an optimizer at once, for instance.
 *
 * @returns a handle whose `remove()` takes the hook away
 * @throws AutogradError for the result of an operation, or what requires no gradient; CaptureError within a captured function
 * @example
 * ```ts
 * const x = tensor([1, 2], { requiresGrad: true });
 * x.registerPostAccumulateGradHook((leaf) => console.log(leaf.grad));
 * x.sum().backward(); // prints tensor([1., 1.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.register_post_accumulate_grad_hook.html
 */
export const registerPostAccumulateGradHook: FunctionOf<HookHandle, typeof following> = define(
  'registerPostAccumulateGradHook',
  following,
  (x, hook) => {
    const name = 'registerPostAccumulateGradHook';
    const hooks = hooksOf(name, x);
    if (!x.isLeaf) {
      throw new AutogradError(`${name}: an operation made this tensor, which accumulates nothing; use registerHook`);
    }
    return register(hooks.after, hook);
  },
);

/** The hooks that keep gradients of tensors that are no leaves, and where these are. */
const retaining = new WeakMap<Tensor, { readonly hook: TensorHook; hooks: Hooks }>();

/** @internal Has `retainGrad` keep the gradient of what `x` is now, where an in-place form gave it another node. */
export function followRetained(x: Tensor): void {
  const retained = retaining.get(x);
  if (retained === undefined) return;
  const { before } = retained.hooks;
  before.splice(before.indexOf(retained.hook), 1);
  retained.hooks = hooksOf('retainGrad', x);
  retained.hooks.before.push(retained.hook);
}

/**
 * Keeps the gradient of the result of an operation in its `grad`, where otherwise only leaves have one.
 *
 * @throws AutogradError if the tensor does not require a gradient; CaptureError within a captured function
 * @example
 * ```ts
 * const x = tensor([1, 2], { requiresGrad: true });
 * const y = x.mul(3);
 * y.retainGrad();
 * y.sum().backward();
 * y.grad; // tensor([1., 1.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.retain_grad.html
 */
export const retainGrad: Single<void> = define('retainGrad', single, (x) => {
  const hooks = hooksOf('retainGrad', x);
  if (x.isLeaf || retaining.has(x)) return;
  const keep: TensorHook = (grad) => {
    const before = peekGrad(x);
    x.grad = before === null ? convert(grad, grad.dtype) : addOf(before, grad);
    return null;
  };
  retaining.set(x, { hook: keep, hooks });
  hooks.before.push(keep);
});
