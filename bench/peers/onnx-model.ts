import { seeds, uniform } from '../drivers/inputs.js';

/**
 * A classifier, Linear layers with ReLU between them, as an ONNX file: the messages of onnx.proto with nothing but the fields that are needed.
 *
 * @see https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
export function onnxClassifier(layers: readonly number[], batch: number): Uint8Array {
  const last = layers.length - 2;
  const linears = layers.slice(1).map((outputs, i) => linear(layers[i]!, outputs, i, i === last));
  const graph = [
    ...linears.flatMap(({ nodes }) => nodes.map((node) => message(1, node))),
    text(2, 'classifier'),
    ...linears.flatMap(({ weights }) => weights.map((tensor) => message(5, tensor))),
    message(11, valueInfo('x', [batch, layers[0]!])),
    message(12, valueInfo('y', [batch, layers.at(-1)!])),
  ];
  return Uint8Array.from([integer(1, IR_VERSION), message(7, graph), message(8, [integer(2, OPERATOR_SET)])].flat());
}

const IR_VERSION = 8;
const OPERATOR_SET = 13;
const FLOAT = 1;
const INT_ATTRIBUTE = 2;

type Bytes = readonly number[];

/** Layer i reads `x` or what layer i - 1 wrote. */
function linear(inputs: number, outputs: number, i: number, isLast: boolean): { nodes: Bytes[][]; weights: Bytes[][] } {
  const bound = 1 / Math.sqrt(inputs);
  const [weight, bias, sum] = [`weight${i}`, `bias${i}`, isLast ? 'y' : `sum${i}`];
  const transposed = message(5, [text(1, 'transB'), integer(3, 1), integer(20, INT_ATTRIBUTE)]);
  const product = [...node('Gemm', [i === 0 ? 'x' : `layer${i - 1}`, weight, bias], sum), transposed];
  return {
    nodes: isLast ? [product] : [product, node('Relu', [sum], `layer${i}`)],
    weights: [
      floats(weight, [outputs, inputs], uniform(outputs * inputs, seeds.weight + i, -bound, bound)),
      floats(bias, [outputs], uniform(outputs, seeds.bias + i, -bound, bound)),
    ],
  };
}

const node = (operator: string, inputs: readonly string[], output: string): Bytes[] => [
  ...inputs.map((name) => text(1, name)),
  text(2, output),
  text(4, operator),
];

const floats = (name: string, shape: readonly number[], values: Float32Array): Bytes[] => [
  ...shape.map((size) => integer(1, size)),
  integer(2, FLOAT),
  text(8, name),
  bytes(9, [...new Uint8Array(values.buffer)]),
];

const valueInfo = (name: string, shape: readonly number[]): Bytes[] => {
  const dimensions = shape.map((size) => message(1, [integer(1, size)]));
  return [text(1, name), message(2, [message(1, [integer(1, FLOAT), message(2, dimensions)])])];
};

/** Fields as protocol buffers have them: number and type in one, then the value. */
const integer = (field: number, value: number): Bytes => [...varint(field * 8), ...varint(value)];
const bytes = (field: number, value: Bytes): Bytes => [...varint(field * 8 + 2), ...varint(value.length)].concat(value);
const text = (field: number, value: string): Bytes => bytes(field, [...Buffer.from(value)]);
const message = (field: number, fields: readonly Bytes[]): Bytes => bytes(field, fields.flat());

/** Seven bits at a time, the lowest first; the eighth bit says that more follow. */
const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
