// Prints digests of what maps and folds compute, one per program. The argument, if any, says on how many threads.
import { createHash } from 'node:crypto';
import type { ComputeType } from '../../lib/backend/dtype.js';
import { backend, setNumThreads } from '../../lib/backend/index.js';
import { factorKinds } from '../../lib/backend/js/factor.js';
import { scanKinds } from '../../lib/backend/js/scan.js';
import { foldNames, microOpNames, microOps } from '../../lib/backend/micro-ops.js';
import type { Program } from '../../lib/backend/program.js';
import type { View } from '../../lib/backend/view.js';
import { exp, max, mul, rowArgmax, rowArgmin, rowMax, rowMin, rowProd, rowSum, sub } from '../../lib/expr/index.js';
import { factored } from './factors.js';
import { noise, operand, specialValues, valuesOf } from './operands.js';
import { programOf, singleOp } from './programs.js';

const values = [...specialValues, ...noise(10_000), ...noise(10_000, 2).map((x) => x * 40)];
const folds = { sum: rowSum, prod: rowProd, min: rowMin, max: rowMax, argmin: rowArgmin, argmax: rowArgmax };

/** Rows in cache, rows streamed in one part and in several, rows side by side. */
const foldShapes: readonly (readonly [number[], number[]])[] = [
  [[30, 10], [1]],
  [[9, 700], [1]],
  [[2, 5000], [1]],
  [[90_001], [0]],
  [[333, 70], [0]],
  [[40_000, 3], [0]],
  [
    [6, 50, 40],
    [0, 2],
  ],
];

/** Bits, but for NaN's, which carry no meaning. */
function digest(views: readonly View[]): string {
  const hash = createHash('sha256');
  for (const view of views) {
    const values = new Float64Array(valuesOf(view));
    for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i])) values[i] = Number.NaN;
    hash.update(values);
  }
  return hash.digest('hex').slice(0, 16);
}

function digestOfMap(program: Program, compute: ComputeType): string {
  const inputs = program.inputs.map((_, i) => operand(compute, [values.length - i], values.slice(i)));
  const shape = [values.length - 2];
  const out = operand(compute, shape, [0]);
  backend.map(
    program,
    [],
    inputs.map((view) => ({ ...view, shape })),
    [out],
  );
  return digest([out]);
}

const near1 = noise(9973).map((x) => 1 + x / 1000);

function digestOfFolds(program: Program, compute: ComputeType): string {
  return digest(
    foldShapes.map(([shape, axes]) => {
      const kept = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
      const out = operand(compute, program.outputs[0] === 'row' ? kept : shape, [0]);
      const input = operand(compute, shape, near1);
      backend.fold(program, [], [input], [out], shape, axes);
      return out;
    }),
  );
}

if (process.argv[2] !== undefined) setNumThreads(Number(process.argv[2]));

const digests: Record<string, string> = {};
for (const compute of ['float32', 'float64'] as const) {
  for (const op of microOpNames) {
    if (microOps[op].arity > 0 && op !== 'expand')
      digests[`${op} ${compute}`] = digestOfMap(singleOp(op, compute), compute);
  }
  for (const fold of foldNames) {
    digests[`${fold} ${compute}`] = digestOfFolds(
      programOf(compute, 1, (x) => folds[fold](x!)),
      compute,
    );
  }
  const logits = programOf(compute, 1, (x) => {
    const e = exp(sub(x!, rowMax(x!)));
    return mul(e, max(rowSum(e), 1));
  });
  digests[`stages ${compute}`] = digestOfFolds(logits, compute);
}
for (const dtype of ['float32', 'float64'] as const) {
  for (const kind of scanKinds) {
    const scans = ([[90_001], [700, 300], [3, 5000]] as const).flatMap((shape) => {
      const inputs = [noise(9973), noise(9973, 2)].map((values) => operand(dtype, shape, values));
      const outputs = [operand(dtype, shape, [0]), operand('int32', shape, [0])];
      const chooses = kind === 'cummax' || kind === 'cummin';
      const axis = shape.length - 1;
      backend.scan(
        kind,
        kind === 'linear' ? inputs : inputs.slice(0, 1),
        chooses ? outputs : outputs.slice(0, 1),
        axis,
      );
      return outputs;
    });
    digests[`${kind} ${dtype}`] = digest(scans);
  }
}
for (const dtype of ['float32', 'float64', 'int32'] as const) {
  const sorted = ([[90_001], [700, 300], [3000, 20]] as const).flatMap((shape) => {
    const input = operand(dtype, shape, dtype === 'int32' ? noise(9973).map((x) => Math.round(x * 1e4)) : values);
    const outputs = [operand(dtype, shape, [0]), operand('int32', shape, [0])] as const;
    backend.sort(...outputs, input, shape.length - 1, 'descending');
    return outputs;
  });
  digests[`sort ${dtype}`] = digest(sorted);
}
for (const kind of factorKinds) {
  for (const dtype of ['float32', 'float64'] as const) {
    const made = [
      { rows: 70, columns: 50 },
      { rows: 6, columns: 5, batch: [400] },
    ].flatMap((sizes) => factored(backend, { kind, dtype, ...sizes }));
    digests[`${kind} ${dtype}`] = digest(made);
  }
}
process.stdout.write(JSON.stringify(digests));
