import { labels, seeds, uniform } from '../drivers/inputs.js';
import type { Task } from '../drivers/serve.js';
import type { TrainingWork } from '../harness/work.js';
import type { Tensor, Tfjs } from './tfjs-types.js';

interface Linear {
  readonly weight: Tensor;
  readonly bias: Tensor;
}

/** A step of training with TensorFlow.js. */
export function network(tf: Tfjs, { network, layers, batch }: TrainingWork): Task {
  const program = network === 'program';
  const linears = layers.slice(1).map((outputs, i) => linear(tf, layers[i]!, outputs, i, program));
  const [inputs, outputs] = [layers[0]!, layers.at(-1)!];
  const x = tf.tensor(uniform(batch * inputs, seeds.x), [batch, inputs]);
  const y = program
    ? tf.tensor(uniform(batch * outputs, seeds.y, 0, 1), [batch, outputs])
    : tf.oneHot(tf.tensor(labels(batch, seeds.y, outputs), [batch], 'int32'), outputs);
  const sgd = tf.train.sgd(program ? 0.1 : 0.01);
  const loss = program
    ? () => tf.losses.meanSquaredError(y, forward(tf, linears, x, true))
    : () => tf.losses.softmaxCrossEntropy(y, forward(tf, linears, x, false));
  const first = () => {
    const value = sgd.minimize(loss, true);
    const [number] = value.dataSync();
    value.dispose();
    return number!;
  };
  return { run: () => sgd.minimize(loss, true).dispose(), first: () => [first(), first(), first()] };
}

/** Weights are stored [outputs, inputs], as the other libraries have them. */
function linear(tf: Tfjs, inputs: number, outputs: number, i: number, program: boolean): Linear {
  const bound = 1 / Math.sqrt(inputs);
  const values = uniform(outputs * inputs, seeds.weight + i, -bound, bound);
  const bias = program ? tf.scalar(5.5) : tf.tensor(uniform(outputs, seeds.bias + i, -bound, bound), [outputs]);
  return { weight: tf.variable(tf.tensor(values, [outputs, inputs])), bias: tf.variable(bias) };
}

function forward(tf: Tfjs, linears: readonly Linear[], x: Tensor, program: boolean): Tensor {
  return linears.reduce((input, { weight, bias }, i) => {
    const output = tf.add(tf.matMul(input, weight, false, true), bias);
    if (program) return tf.sigmoid(output);
    return i < linears.length - 1 ? tf.relu(output) : output;
  }, x);
}
