import { readFileSync } from 'node:fs';
import * as nabla from 'nabla';
import { CaptureError, capture, grad, manualSeed, Tensor } from 'nabla';
import { describe, expect, it } from 'vitest';
import { mapTensors, tensorsIn } from '../../lib/capture/tree.js';
import { Adapter } from '../conformance/adapter.js';
import { CaseValues } from '../conformance/case-values.js';
import { DTYPES, parseCase } from '../conformance/decode.js';
import type { ModulesCase, OpsCase } from '../conformance/format.js';

/** Every recorded case of an operation or a module: captured and replayed, forward and backward, it gives the eager bits. */

const adapter = new Adapter(nabla);
const fixtures = new URL('../fixtures/conformance/', import.meta.url);

function casesOf<C>(area: 'ops' | 'modules'): C[] {
  const lines = readFileSync(new URL(`${area}.jsonl`, fixtures), 'utf8')
    .trim()
    .split('\n');
  return lines.map((line) => parseCase(line) as C);
}

/** Leaves of their own for each call, so that one can be repeated. */
const fresh = (x: Tensor): Tensor => {
  const copy = x.detach().clone();
  return x.requiresGrad ? copy.requiresGrad_() : copy;
};

/** The outputs, the arguments as they are afterwards, and the gradients of all that require one. */
function everything(args: unknown, run: (args: unknown) => unknown, parameters: readonly Tensor[] = []): unknown[] {
  const own = mapTensors(args, fresh);
  const outputs = tensorsIn(run(own)).filter((output) => output !== undefined);
  const roots = outputs.filter((output) => output.requiresGrad);
  const leaves = [...tensorsIn(own), ...parameters].filter((x) => x.requiresGrad && x.isLeaf);
  const seeds = roots.map((output) => output.detach().mul(0.5).add(0.25));
  const gradients =
    roots.length > 0 && leaves.length > 0 ? grad(roots, leaves, { gradOutputs: seeds, allowUnused: true }) : [];
  return [...outputs, ...tensorsIn(own).map((x) => x.detach()), ...gradients];
}

const bytes = (value: unknown): unknown =>
  value instanceof Tensor
    ? { shape: value.shape, dtype: value.dtype, bytes: Buffer.from(value.toTypedArray().buffer).toString('hex') }
    : value;

/** What reads values, which cannot be captured: all others must be. */
const READERS = ['item', 'narrow'];
const refused = new Set<string>();

function expectSame(name: string, fn: () => unknown[]): void {
  const seeded = (call: () => unknown[]) => {
    manualSeed(0);
    return call().map(bytes);
  };
  const eager = seeded(fn);
  const captured = capture(fn, { name });
  try {
    expect(seeded(captured)).toEqual(eager);
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
    refused.add(name);
    return;
  }
  expect(seeded(captured)).toEqual(eager);
  expect(seeded(captured)).toEqual(eager);
  expect(captured.stats).toHaveLength(1);
}

function opsCase(c: OpsCase): () => unknown[] {
  const callee = adapter.callee(c.call);
  const values = new CaseValues(adapter, c.tensors, c.requires_grad);
  const given = { list: values.list(c.args), named: values.named(c.kwargs) };
  return () => everything(given, (args) => callee((args as typeof given).list, (args as typeof given).named));
}

function moduleCase(c: ModulesCase): () => unknown[] {
  const values = new CaseValues(adapter, c.tensors, c.requires_grad);
  const module = adapter.module(c.name, values.list(c.ctor_args), values.named(c.ctor_kwargs));
  module.to(DTYPES[c.dtype] === 'float64' ? 'float64' : 'float32');
  module.loadStateDict({ ...values.tensors(c.params), ...values.tensors(c.buffers) });
  module.train(c.mode === 'train');
  const given = { list: values.list(c.args), named: values.named(c.kwargs) };
  const run = (args: unknown) => {
    const { list, named } = args as typeof given;
    return adapter.forward(module, c.name, list, named);
  };
  return () => everything(given, run, module.parameters());
}

describe('recorded operations', () => {
  it.each(casesOf<OpsCase>('ops').map((c) => [c.name, c.id, c] as const))('%s %s', (name, _, c) => {
    expectSame(name, opsCase(c));
  });
});

describe('recorded modules', () => {
  it.each(casesOf<ModulesCase>('modules').map((c) => [c.name, c.id, c] as const))('%s %s', (name, _, c) => {
    expectSame(name, moduleCase(c));
  });
});

it('refuses only what reads values', () => {
  expect([...refused].sort()).toEqual(READERS);
});
