import type { ConvolutionWork, ConvnetWork } from '../harness/work.js';
import { type Case, gflop, type Question } from './question.js';

function convolved(
  [samples, channels, size, outputs, kernel, stride]: readonly [number, number, number, number, number, number],
  backward: boolean,
  quick: boolean,
): Case {
  const work: ConvolutionWork = { kind: 'convolution', samples, channels, size, outputs, kernel, stride, backward };
  const places = Math.floor((size - 1) / stride) + 1;
  const flops = 2 * samples * outputs * places ** 2 * channels * kernel ** 2;
  const step = stride === 1 ? '' : `, stride ${stride}`;
  return {
    label: `${samples} x ${channels} x ${size}² to ${outputs}, ${kernel} x ${kernel}${step}, ${backward ? 'and backward' : 'forward'}`,
    work,
    amount: gflop((backward ? 3 : 1) * flops),
    ...(quick && { quick }),
  };
}

const sizes = [
  [64, 16, 32, 16, 3, 1],
  [64, 32, 16, 32, 3, 1],
  [64, 64, 8, 64, 3, 1],
  [16, 64, 56, 64, 3, 1],
  [16, 256, 14, 256, 3, 1],
  [16, 64, 28, 256, 1, 1],
  [16, 256, 14, 64, 1, 1],
  [64, 16, 32, 32, 3, 2],
] as const;

function network(name: ConvnetWork['network'], label: string, batch: number, pass: ConvnetWork['pass']): Case {
  return {
    label: `${label}, ${pass === 'step' ? `a step of batch ${batch}` : `an answer, batch ${batch}`}`,
    work: { kind: 'convnet', network: name, batch, pass },
    ...(pass === 'step' && { quick: true }),
  };
}

const networks = [
  ['digits', 'MNIST example'],
  ['lenet', 'LeNet-5'],
  ['resnet20', 'ResNet-20'],
] as const;

export const convolution: Question = {
  name: 'convolution',
  title: 'Convolutions, and networks of them',
  cases: [
    ...sizes.flatMap((size, i) => [false, true].map((backward) => convolved(size, backward, i === 2))),
    ...networks.map(([name, label]) => network(name, label, 64, 'step')),
    ...networks.map(([name, label]) => network(name, label, 1, 'answer')),
  ],
};
