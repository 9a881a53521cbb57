import { nn, type Tensor, tensor } from 'nabla';
import type { InPlaceWork, MapOp, MapWork, MatmulWork, RecordedWork, RowOp, RowsWork } from '../../harness/work.js';
import { probe, seeds, uniform } from '../inputs.js';
import type { Task } from '../serve.js';

/** Work that makes a new tensor. */
const making = (run: () => Tensor): Task => ({ run, first: () => probe(run().toTypedArray()) });

export function matmul({ m, k, n, transposeA, transposeB }: MatmulWork): Task {
  const a = matrix(m, k, transposeA, seeds.x);
  const b = matrix(k, n, transposeB, seeds.y);
  return making(() => a.matmul(b));
}

/** A matrix [rows, columns], stored transposed if asked for. */
function matrix(rows: number, columns: number, transposed: boolean, seed: number): Tensor {
  const values = tensor(uniform(rows * columns, seed));
  return transposed ? values.reshape([columns, rows]).t() : values.reshape([rows, columns]);
}

const maps: Record<MapOp, (x: Tensor, y: Tensor) => Tensor> = {
  add: (x, y) => x.add(y),
  relu: (x) => x.relu(),
  sigmoid: (x) => x.sigmoid(),
  tanh: (x) => x.tanh(),
  exp: (x) => x.exp(),
  gelu: (x) => nn.functional.gelu(x),
};

export function map({ op, size }: MapWork): Task {
  const [x, y] = [tensor(uniform(size, seeds.x)), tensor(uniform(size, seeds.y))];
  return making(() => maps[op](x, y));
}

export function recorded({ op, size }: RecordedWork): Task {
  const operand = (seed: number) => tensor(uniform(size, seed)).requiresGrad_();
  const [x, y] = [operand(seeds.x), operand(seeds.y)];
  return making(() => maps[op](x, y));
}

const inPlace: Record<InPlaceWork['op'], (x: Tensor, y: Tensor) => Tensor> = {
  add: (x, y) => x.add_(y),
  relu: (x) => x.relu_(),
  sigmoid: (x) => x.sigmoid_(),
  tanh: (x) => x.tanh_(),
};

export function overwrite({ op, size }: InPlaceWork): Task {
  const [x, y] = [tensor(uniform(size, seeds.x)), tensor(uniform(size, seeds.y))];
  return making(() => inPlace[op](x, y));
}

const rowOperations: Record<RowOp, (x: Tensor) => Tensor> = {
  sum: (x) => x.sum(),
  meanOverRows: (x) => x.mean(0),
  meanOverColumns: (x) => x.mean(1),
  softmax: (x) => x.softmax(1),
  layerNorm: (x) => nn.functional.layerNorm(x, [x.size(1)]),
};

export function rows({ op, rows, columns }: RowsWork): Task {
  const x = tensor(uniform(rows * columns, seeds.x)).reshape([rows, columns]);
  return making(() => rowOperations[op](x));
}
