import { createContext, runInContext } from 'node:vm';
import type { Adapter, Scheduler } from '../adapter.js';
import type { Named } from '../arrange.js';
import { checkValues } from '../compare.js';
import type { Encoded, LrSchedCase, NamedValues } from '../format.js';
import type { Optimizer } from '../library.js';

const ALLOWED = { atol: 0, rtol: 1e-12 };

/** Thirty rounds of an optimizer step and a scheduler step: the rate of every group, right after construction and after each. */
export function runLrSched(c: LrSchedCase, adapter: Adapter): void {
  const groups = c.optimizer.group_lrs.map((lr) => ({
    params: [adapter.nabla.zeros([1], { requiresGrad: true })],
    lr,
  }));
  const optimizer = adapter.optimizer(c.optimizer.name, groups, named(c.optimizer.kwargs));
  const scheduler = build(c.scheduler.name, c.scheduler.kwargs, optimizer, adapter);
  c.expected_lr.forEach((expected, round) => {
    if (round > 0) advance(optimizer, scheduler, c.metrics?.[round - 1]);
    const when = `after round ${round}`;
    const { paramGroups } = optimizer;
    checkValues(`rate ${when}`, paramGroups.map(rate), expected, ALLOWED);
    const momentum = c.expected_momentum?.[round];
    if (momentum) checkValues(`momentum ${when}`, paramGroups.map(firstMomentum), momentum, ALLOWED);
  });
}

function advance(optimizer: Optimizer, scheduler: Scheduler, metric: number | undefined): void {
  optimizer.step();
  if (metric === undefined) scheduler.step();
  else scheduler.step(metric);
}

const rate = (group: object): number => Number(Reflect.get(group, 'lr'));

/** `momentum` of SGD, the first beta of Adam. */
function firstMomentum(group: object): number {
  const betas: unknown = Reflect.get(group, 'betas');
  return Number(Array.isArray(betas) ? betas[0] : Reflect.get(group, 'momentum'));
}

function build(name: string, kwargs: NamedValues, optimizer: Optimizer, adapter: Adapter): Scheduler {
  const inner = Array.isArray(kwargs.schedulers) ? kwargs.schedulers : undefined;
  const schedulers = inner?.map(
    (spec: { name: string; kwargs: NamedValues }) => build(spec.name, spec.kwargs, optimizer, adapter).made,
  );
  const options = { ...named(kwargs), ...(schedulers && { schedulers }) };
  return adapter.scheduler(name, name === 'ChainedScheduler' ? [] : [optimizer], options);
}

/** The arguments as they are, but an expression in `epoch` as the function it stands for. */
function named(kwargs: NamedValues): Named {
  const lambda = (value: Encoded): unknown => (Array.isArray(value) ? value.map(lambda) : asFunction(String(value)));
  return Object.fromEntries(
    Object.entries(kwargs).map(([key, value]) => [key, key === 'lr_lambda' ? lambda(value) : value]),
  );
}

function asFunction(expression: string): (epoch: number) => number {
  const context = createContext({ epoch: 0 });
  return (epoch) => {
    context.epoch = epoch;
    return Number(runInContext(expression, context));
  };
}
