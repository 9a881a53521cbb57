import { noGrad } from '../autograd/mode.js';
import type { Module } from '../nn/module.js';
import { type AnyOptimizer, ratedGroupsOf, setRate } from '../optim/lr-scheduler/scheduler.js';
import { rateOf } from '../optim/parameters.js';
import { defaultGenerator, type Generator } from '../tensor/generator.js';
import { dropGrad, gradState, isTensor, leaveGradCaptured, type Tensor } from '../tensor/tensor.js';
import { modesOf } from './modes.js';

const all =
  (...undo: readonly (() => void)[]) =>
  () => {
    for (const one of undo) one();
  };

/** What puts a tensor's values back, where they are now. */
function valuesOf(x: Tensor): () => void {
  const before = x.detach().clone();
  return () => noGrad(() => x.copy_(before));
}

/** What puts a gradient back, or its absence. */
function gradientOf(x: Tensor): () => void {
  const before = gradState(x);
  if (before === 'captured') return () => leaveGradCaptured(x);
  const copy = before?.detach().clone() ?? null;
  return () => {
    if (copy === null) dropGrad(x);
    else x.grad = copy;
  };
}

/** What puts the state of a parameter back, in the tensors that it has. */
function stateOf(state: Record<string, unknown>): () => void {
  const entries = Object.entries(state);
  const values = entries.map(([, value]) => (isTensor(value) ? valuesOf(value) : () => {}));
  return () => {
    for (const name of Object.keys(state))
      if (!entries.some(([known]) => known === name)) Reflect.deleteProperty(state, name);
    Object.assign(state, Object.fromEntries(entries));
    all(...values)();
  };
}

/** What puts an optimizer back: rates, and states of parameters. */
function optimizerOf(optimizer: AnyOptimizer): () => void {
  const groups = ratedGroupsOf(optimizer);
  const rates = groups.map(({ lr }) => rateOf(lr));
  const states = [...optimizer.state].map(
    ([parameter, state]) => [parameter, stateOf(state as Record<string, unknown>)] as const,
  );
  const known = new Map(states);
  return () => {
    for (const [i, group] of groups.entries()) setRate(group, rates[i]!);
    for (const parameter of [...optimizer.state.keys()]) if (!known.has(parameter)) optimizer.state.delete(parameter);
    all(...known.values())();
  };
}

function generatorOf(generator: Generator): () => void {
  const before = generator.getState();
  return () => generator.setState(before);
}

/**
 * Notes how a model, its optimizer and the streams of random numbers stand; what it returns puts everything back, in the memory that it has, so that
 * captured functions that know of it go on.
 */
export function standing(model: Module, optimizer: AnyOptimizer, generator: Generator | null): () => void {
  const parameters = [...new Set([...model.parameters(), ...optimizer.paramGroups.flatMap(({ params }) => params)])];
  return all(
    ...[...parameters, ...model.buffers()].map(valuesOf),
    ...parameters.map(gradientOf),
    optimizerOf(optimizer),
    ...[defaultGenerator, ...(generator === null ? [] : [generator])].map(generatorOf),
    modesOf(model),
  );
}
