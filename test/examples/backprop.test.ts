import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { NestedArray, nn, Tensor } from 'nabla';
import { describe, expect, it } from 'vitest';
import * as moduleForm from '../../examples/backprop-module.js';
import * as sequentialForm from '../../examples/backprop-sequential.js';

/** What PyTorch computed for one of the two programs. */
interface Recorded {
  readonly initial: Readonly<Record<string, NestedArray>>;
  readonly loss: readonly number[];
  readonly final: Readonly<Record<string, NestedArray>>;
  readonly x0: readonly number[];
  readonly y0: readonly number[];
  readonly printed: readonly string[];
}

interface Example<Run extends { readonly model: nn.Module; readonly x: Tensor; readonly y: Tensor }> {
  setup(): Run;
  train(run: Run): number[];
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const fixture = new URL('../fixtures/seed-demo.json', import.meta.url);
const recorded = JSON.parse(readFileSync(fixture, 'utf8')) as { readonly demo1: Recorded; readonly demo2: Recorded };

const flat = (values: NestedArray): number[] => [values].flat(8).map(Number);

function expectClose(actual: NestedArray, expected: NestedArray, tolerance = 1e-6): void {
  const [a, b] = [flat(actual), flat(expected)];
  expect(a).toHaveLength(b.length);
  a.forEach((value, i) => {
    expect(Math.abs(value - b[i]!)).toBeLessThanOrEqual(tolerance);
  });
}

function expectState(model: nn.Module, expected: Readonly<Record<string, NestedArray>>): void {
  const state = model.stateDict();
  expect(Object.keys(state)).toEqual(Object.keys(expected));
  for (const [name, values] of Object.entries(expected)) expectClose(state[name]!.toArray(), values);
}

function check<Run extends { readonly model: nn.Module; readonly x: Tensor; readonly y: Tensor }>(
  example: Example<Run>,
  expected: Recorded,
): void {
  const run = example.setup();
  expectClose(run.x.select(0, 0).toArray(), [...expected.x0]);
  expectClose(run.y.select(0, 0).toArray(), [...expected.y0]);
  expectState(run.model, expected.initial);
  expectClose(example.train(run), [...expected.loss]);
  expectState(run.model, expected.final);
}

/** Runs the program as a user would, on the backend that this suite is for. */
const output = (program: string): string =>
  execFileSync(process.execPath, ['--import', 'tsx', `examples/${program}`], { cwd: root, encoding: 'utf8' });

describe('backprop-module', () => {
  it('computes what PyTorch computes', () => check(moduleForm, recorded.demo1));
  it('prints what PyTorch prints', () => {
    expect(output('backprop-module.ts')).toBe(`${recorded.demo1.printed.join('\n')}\n`);
  });
});

describe('backprop-sequential', () => {
  it('computes what PyTorch computes', () => check(sequentialForm, recorded.demo2));
  it('prints what PyTorch prints', () => {
    expect(output('backprop-sequential.ts')).toBe(`${recorded.demo2.printed.join('\n')}\n`);
  });
});
