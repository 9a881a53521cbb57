/** The driver for js-pytorch, which keeps tensors as nested arrays. It has no SGD, which is written here as its Adam is there. */
import { labels, probe, seeds, uniform } from '../drivers/inputs.js';
import { serve, type Task } from '../drivers/serve.js';
import type { MapWork, MatmulWork, TrainingWork } from '../harness/work.js';
import { load } from './library.js';

type Nested = number | readonly Nested[];

interface Tensor {
  _data: Nested;
  readonly _grad: Tensor;
  readonly data: Nested;
  matmul(other: Tensor): Tensor;
  transpose(dim1: number, dim2: number): Tensor;
  add(other: Tensor): Tensor;
  sub(other: Tensor): Tensor;
  mul(factor: number): Tensor;
  exp(): Tensor;
  backward(): void;
  zero_grad(): void;
}

interface JsPytorch {
  readonly torch: {
    tensor(data: Nested, requiresGrad?: boolean): Tensor;
    readonly nn: {
      readonly ReLU: new () => { forward(x: Tensor): Tensor };
      readonly CrossEntropyLoss: new () => { forward(x: Tensor, y: Tensor): Tensor };
    };
  };
}

const { library, version, loadSeconds } = load<JsPytorch>('js-pytorch');
const { torch } = library;
const relu = new torch.nn.ReLU();

const LEAKS = 'its ReLU is a leaky one';

const making = (run: () => Tensor): Task => ({ run, first: () => probe(flatten(run().data)) });

function matmul({ m, k, n, transposeA, transposeB }: MatmulWork): Task {
  const [x, y] = [uniform(m * k, seeds.x), uniform(k * n, seeds.y)];
  const a = torch.tensor(transposeA ? nest(x, k, m) : nest(x, m, k));
  const b = torch.tensor(transposeB ? nest(y, n, k) : nest(y, k, n));
  const operands = () => [transposeA ? a.transpose(0, 1) : a, transposeB ? b.transpose(0, 1) : b] as const;
  return making(() => {
    const [left, right] = operands();
    return left.matmul(right);
  });
}

function map({ op, size }: MapWork): Task | null {
  if (op !== 'add' && op !== 'relu' && op !== 'exp') return null;
  const x = torch.tensor([...uniform(size, seeds.x)]);
  if (op === 'exp') return making(() => x.exp());
  if (op === 'relu') return { ...making(() => relu.forward(x)), note: LEAKS };
  const y = torch.tensor([...uniform(size, seeds.y)]);
  return making(() => x.add(y));
}

function training({ network, layers, batch }: TrainingWork): Task | null {
  if (network !== 'classifier') return null;
  const linears = layers.slice(1).map((outputs, i) => linear(layers[i]!, outputs, i));
  const x = torch.tensor(nest(uniform(batch * layers[0]!, seeds.x), batch, layers[0]!));
  const y = torch.tensor([...labels(batch, seeds.y, layers.at(-1)!)]);
  const criterion = new torch.nn.CrossEntropyLoss();
  const parameters = linears.flatMap(({ weight, bias }) => [weight, bias]);
  const run = () => {
    for (const parameter of parameters) parameter.zero_grad();
    const output = linears.reduce((input, { weight, bias }, i) => {
      const sum = input.matmul(weight).add(bias);
      return i < linears.length - 1 ? relu.forward(sum) : sum;
    }, x);
    const loss = criterion.forward(output, y);
    loss.backward();
    for (const parameter of parameters) parameter._data = parameter.sub(parameter._grad.mul(0.01))._data;
    return loss;
  };
  const first = () => flatten(run().data)[0]!;
  return { run, first: () => [first(), first(), first()], note: LEAKS };
}

/** Weights are [inputs, outputs] here. */
function linear(inputs: number, outputs: number, i: number): { weight: Tensor; bias: Tensor } {
  const bound = 1 / Math.sqrt(inputs);
  const values = uniform(outputs * inputs, seeds.weight + i, -bound, bound);
  const weight = Array.from({ length: inputs }, (_, row) =>
    Array.from({ length: outputs }, (_, column) => values[column * inputs + row]!),
  );
  const bias = [...uniform(outputs, seeds.bias + i, -bound, bound)];
  return { weight: torch.tensor(weight, true), bias: torch.tensor(bias, true) };
}

const nest = (values: Float32Array, rows: number, columns: number): number[][] =>
  Array.from({ length: rows }, (_, i) => [...values.subarray(i * columns, (i + 1) * columns)]);

const flatten = (data: Nested): number[] => (typeof data === 'number' ? [data] : data.flatMap(flatten));

await serve({ name: 'js-pytorch', version, loadSeconds }, (work) => {
  if (work.kind === 'matmul') return matmul(work);
  if (work.kind === 'map') return map(work);
  return work.kind === 'training' ? training(work) : null;
});
