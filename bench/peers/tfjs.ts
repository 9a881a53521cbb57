/** The driver for TensorFlow.js: tfjs.ts PACKAGES cpu|wasm. */
import { join } from 'node:path';
import { labels, probe, seeds, uniform } from '../drivers/inputs.js';
import { serve, type Task } from '../drivers/serve.js';
import type { LossName, LossWork, MapOp, MapWork, MatmulWork, RowOp, RowsWork, Work } from '../harness/work.js';
import { folderOf, load } from './library.js';
import { network } from './tfjs-network.js';
import type { Tensor, Tfjs } from './tfjs-types.js';

const { library: tf, version, loadSeconds } = load<Tfjs>('@tensorflow/tfjs');
const backend = process.argv[3]!;
if (backend === 'wasm') {
  const { library } = load<{ setWasmPaths(folder: string): void }>('@tensorflow/tfjs-backend-wasm');
  library.setWasmPaths(join(folderOf('@tensorflow/tfjs-backend-wasm'), 'dist/'));
}
if (!(await tf.setBackend(backend))) throw new Error(`tfjs has no backend ${backend}`);
await tf.ready();

/** Work that makes a new tensor, which has to be given back. */
const making = (make: () => Tensor): Task => ({
  run: () => tf.tidy(make).dispose(),
  first: () => {
    const result = tf.tidy(make);
    const values = result.dataSync();
    result.dispose();
    return probe(values);
  },
});

function matmul({ m, k, n, transposeA, transposeB }: MatmulWork): Task {
  const a = tf.tensor(uniform(m * k, seeds.x), transposeA ? [k, m] : [m, k]);
  const b = tf.tensor(uniform(k * n, seeds.y), transposeB ? [n, k] : [k, n]);
  return making(() => tf.matMul(a, b, transposeA, transposeB));
}

const maps: Record<MapOp, (x: Tensor, y: Tensor) => Tensor> = {
  add: (x, y) => tf.add(x, y),
  relu: (x) => tf.relu(x),
  sigmoid: (x) => tf.sigmoid(x),
  tanh: (x) => tf.tanh(x),
  exp: (x) => tf.exp(x),
  gelu: (x) => tf.mul(tf.mul(x, 0.5), tf.add(1, tf.erf(tf.mul(x, Math.SQRT1_2)))),
};

function map({ op, size }: MapWork): Task {
  const [x, y] = [tf.tensor(uniform(size, seeds.x), [size]), tf.tensor(uniform(size, seeds.y), [size])];
  return making(() => maps[op](x, y));
}

const rowOperations: Record<RowOp, (x: Tensor) => Tensor> = {
  sum: (x) => tf.sum(x),
  meanOverRows: (x) => tf.mean(x, 0),
  meanOverColumns: (x) => tf.mean(x, 1),
  softmax: (x) => tf.softmax(x, 1),
  layerNorm: (x) => {
    const { mean, variance } = tf.moments(x, 1, true);
    return tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5)));
  },
};

function rows({ op, rows, columns }: RowsWork): Task {
  const x = tf.tensor(uniform(rows * columns, seeds.x), [rows, columns]);
  return making(() => rowOperations[op](x));
}

const losses: Record<LossName, (x: Tensor, y: Tensor) => Tensor> = {
  l1: (x, y) => tf.losses.absoluteDifference(y, x),
  mse: (x, y) => tf.losses.meanSquaredError(y, x),
  smoothL1: (x, y) => tf.losses.huberLoss(y, x),
  bceWithLogits: (x, y) => tf.losses.sigmoidCrossEntropy(y, x),
  crossEntropy: (x, y) => tf.losses.softmaxCrossEntropy(y, x),
};

function loss({ loss: name, rows, columns }: LossWork): Task {
  const x = tf.tensor(uniform(rows * columns, seeds.x, -2, 2), [rows, columns]);
  const y =
    name === 'crossEntropy'
      ? tf.oneHot(tf.tensor(labels(rows, seeds.y, columns), [rows], 'int32'), columns)
      : tf.tensor(uniform(rows * columns, seeds.y, name === 'bceWithLogits' ? 0 : -1, 1), [rows, columns]);
  const differentiate = tf.valueAndGrad((input) => losses[name](input, y));
  const run = () => {
    const { value, grad } = differentiate(x);
    value.dispose();
    grad.dispose();
  };
  const first = () => {
    const { value, grad } = differentiate(x);
    const terms = name === 'crossEntropy' ? rows : rows * columns;
    const result = [...value.dataSync(), ...probe(grad.dataSync(), terms)];
    value.dispose();
    grad.dispose();
    return result;
  };
  // Added one by one in float32, a million terms and more leave their trace.
  const inaccurate = backend === 'wasm' && rows * columns >= 2 ** 20;
  return { run, first, ...(inaccurate && { note: 'the sum of so many terms is off by a percent or more' }) };
}

function momentum(size: number): Task {
  const weight = tf.variable(tf.tensor(uniform(size, seeds.x), [size]), true, 'weight');
  const gradients = { weight: tf.tensor(uniform(size, seeds.y), [size]) };
  const optimizer = tf.train.momentum(1e-3, 0.9);
  const run = () => optimizer.applyGradients(gradients);
  const first = () => {
    run();
    run();
    return probe(weight.dataSync());
  };
  return { run, first };
}

function taskFor(work: Work): Task | null {
  switch (work.kind) {
    case 'matmul':
      return matmul(work);
    case 'map':
      return map(work);
    case 'rows':
      return rows(work);
    case 'loss':
      return loss(work);
    case 'training':
      return network(tf, work);
    case 'momentum':
      return momentum(work.size);
    default:
      return null;
  }
}

/** Not every backend has a kernel for every operation; which, shows when it is called. */
function tasks(work: Work): Task | null {
  const task = afresh(work);
  try {
    task?.run();
    return task && afresh(work);
  } catch (error) {
    if (error instanceof Error && /not registered|not supported|not yet implemented/i.test(error.message)) return null;
    throw error;
  }
}

/** Gives back the operands of the last task. */
function afresh(work: Work): Task | null {
  tf.engine().endScope();
  tf.disposeVariables();
  tf.engine().startScope();
  return taskFor(work);
}

tf.engine().startScope();
await serve({ name: `tfjs ${backend}`, version, loadSeconds }, tasks);
