import { capture, manualSeed, nn, type Tensor, tensor } from 'nabla';
import type { ChainOp, ChainWork, VocabularyOp, VocabularyWork } from '../../harness/work.js';
import { labels, probe, seeds, uniform } from '../inputs.js';
import type { Task } from '../serve.js';
import type { Mode } from './training.js';

const [TABLE, WIDTH, PLACES] = [65536, 64, 4096] as const;
const [WORDS, FEATURES] = [30_000, 256] as const;
const [IMAGES, SIDE] = [32, 28] as const;

/** Work whose results are values that can be looked at; `scale` brings them to the order of 1. */
const making = (run: () => Tensor, scale = 1): Task => ({ run, first: () => probe(run().toTypedArray(), scale) });

const values = (shape: readonly number[], seed: number): Tensor =>
  tensor(
    uniform(
      shape.reduce((a, b) => a * b),
      seed,
    ),
  ).reshape(shape);

const works: Record<VocabularyOp, (size: number) => Task> = {
  topk: (size) => {
    const x = values([size], seeds.x);
    return making(() => x.topk(size / 1000).values);
  },
  sort: (size) => {
    const x = values([size], seeds.x);
    return making(() => x.sort().values);
  },
  cumsum: (size) => {
    const x = values([size], seeds.x);
    return making(() => x.cumsum(0), 1 / Math.sqrt(size));
  },
  indexRows: (size) => {
    const [x, rows] = [values([TABLE, WIDTH], seeds.x), tensor(labels(size, seeds.y, TABLE))];
    return making(() => x.index([rows]));
  },
  scatterAdd: (size) => {
    const [x, source] = [values([PLACES], seeds.x), values([size], seeds.y)];
    const places = tensor(labels(size, seeds.weight, PLACES));
    return making(() => x.scatterAdd(0, places, source));
  },
  embedding: (size) => {
    const layer = new nn.Embedding(WORDS, FEATURES);
    layer.weight.data = values([WORDS, FEATURES], seeds.weight);
    const tokens = tensor(labels(size, seeds.x, WORDS));
    const upstream = values([size, FEATURES], seeds.y);
    const run = () => {
      layer.weight.grad = null;
      layer.forward(tokens).backward(upstream);
    };
    return { run, first: () => probedAfter(run, () => [layer.weight.grad!]) };
  },
  batchNorm2d: (size) => {
    const layer = new nn.BatchNorm2d(size);
    const shape = [IMAGES, size, SIDE, SIDE];
    const x = values(shape, seeds.x).requiresGrad_();
    const upstream = values(shape, seeds.y);
    const run = () => {
      for (const one of [x, layer.weight, layer.bias]) one.grad = null;
      layer.forward(x).backward(upstream);
    };
    return { run, first: () => probedAfter(run, () => [x.grad!]) };
  },
  inverse: (size) => {
    const x = values([size, size], seeds.x);
    x.diagonal().add_(Math.sqrt(size));
    return making(() => x.inverse());
  },
  orthogonal: (size) => {
    const x = values([size, size], seeds.x);
    const run = () => {
      manualSeed(0);
      return nn.init.orthogonal_(x);
    };
    // Each library draws numbers of its own: what is alike is the product with itself.
    const first = () => {
      const q = run();
      return probe(q.matmul(q.t()).toTypedArray());
    };
    return { run, first };
  },
};

function probedAfter(run: () => void, results: () => readonly Tensor[]): number[] {
  run();
  return results().flatMap((one) => probe(one.toTypedArray()));
}

export const vocabulary = ({ op, size }: VocabularyWork): Task => works[op](size);

const links: Record<ChainOp, (x: Tensor, by: Tensor) => Tensor> = {
  add: (x, by) => x.add(by),
  relu: (x) => x.relu(),
  tanh: (x) => x.tanh(),
  gelu: (x) => nn.functional.gelu(x),
  softmax: (x) => x.softmax(1),
  layerNorm: (x) => nn.functional.layerNorm(x, [x.size(1)]),
  meanOverColumns: (x) => x.mean(1, { keepdim: true }),
};

export function chain({ op, rows, columns }: ChainWork, mode: Mode): Task {
  const [x, by] = [values([rows, columns], seeds.x), values([rows, columns], seeds.y)];
  const link = links[op];
  const plain = (x: Tensor, by: Tensor) => {
    const first = link(x, by);
    const second = link(first.mul(2).add(x), by);
    return link(second.mul(2).add(x), by);
  };
  const chained = mode === 'captured' ? capture(plain) : plain;
  return making(() => chained(x, by));
}
