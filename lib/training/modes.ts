import { ValueError } from '../errors.js';
import type { Module } from '../nn/module.js';
import type { AnyOptimizer } from '../optim/lr-scheduler/scheduler.js';

/** What puts the modes of a model and all within it back, where they are now. */
export function modesOf(model: Module): () => void {
  const modes = model.modules().map((module) => [module, module.training] as const);
  return () => {
    for (const [module, mode] of modes) module.training = mode;
  };
}

/**
 * The modes that a model is trained in. Where the model itself is in training mode, parts in evaluation mode are so on purpose: they stay. A model
 * that is in evaluation mode as a whole is one that was measured, or answered, and not switched back.
 */
export class LearningModes {
  readonly #model: Module;
  #set: () => void;

  constructor(model: Module) {
    this.#model = model;
    this.#set = () => model.train();
  }

  /** Sets them, or notes them where whoever was told of an epoch has chosen others. */
  set(): void {
    if (this.#model.training) this.#set = modesOf(this.#model);
    else this.#set();
  }
}

/** Refuses an optimizer of another model. What is trained beside a model that is frozen, or has no parameters, may be all there is. */
export function requireOwn(op: string, model: Module, optimizer: AnyOptimizer): void {
  const learned = model.parameters().filter(({ requiresGrad }) => requiresGrad);
  const changed = new Set(optimizer.paramGroups.flatMap(({ params }) => params as readonly object[]));
  if (learned.length === 0 || learned.some((parameter) => changed.has(parameter))) return;
  throw new ValueError(
    `${op}: the optimizer has none of the model's parameters, so that nothing of the model would be learned; make it with model.parameters(), or some of them, or freeze the model with requiresGrad_(false)`,
  );
}
