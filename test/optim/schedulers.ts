import { optim } from 'nabla';
import recorded from '../fixtures/lr-scheduler.json' with { type: 'json' };

// What PyTorch recorded of schedulers in test/fixtures/lr-scheduler.json, and how they are made here.

type Options = Readonly<Record<string, unknown>>;

export interface SchedulerCase {
  readonly optimizer: 'SGD' | 'Adam';
  readonly name: string;
  readonly options: Options;
  /** After construction and after each round: the rate and the momentum (or first beta) of both groups. */
  readonly rows: readonly (readonly (readonly [number, number])[])[];
}

export const { metrics, cases } = recorded as unknown as {
  metrics: readonly number[];
  cases: readonly SchedulerCase[];
};

const functions: Readonly<Record<string, (x: number) => number>> = {
  inverse: (epoch) => 1 / (epoch + 1),
  wave: (epoch) => 0.9 + 0.2 * (epoch % 3),
};

const camelCase = (name: string): string => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** An option of PyTorch as ours: functions by their names, schedulers by theirs. */
function optionOf(name: string, value: unknown, optimizer: object): unknown {
  if (name === 'schedulers') return (value as [string, Options][]).map(([name, of]) => build(name, of, optimizer));
  if (name !== 'lr_lambda' && name !== 'scale_fn') return value;
  return Array.isArray(value) ? value.map((one) => functions[one]!) : functions[value as string]!;
}

export function build(name: string, options: Options, optimizer: object): optim.lrScheduler.Scheduler {
  const named = Object.fromEntries(
    Object.entries(options).map(([key, value]) => [camelCase(key), optionOf(key, value, optimizer)]),
  );
  const { schedulers, ...rest } = named;
  const make = Reflect.get(optim.lrScheduler, name) as new (...args: unknown[]) => optim.lrScheduler.Scheduler;
  return name === 'ChainedScheduler' ? new make(schedulers, rest) : new make(optimizer, named);
}
