/** The driver for ONNX Runtime: onnxruntime.ts PACKAGES THREADS. */
import { seeds, uniform } from '../drivers/inputs.js';
import { serve, type Task } from '../drivers/serve.js';
import type { InferenceWork, Work } from '../harness/work.js';
import { load } from './library.js';
import { onnxClassifier } from './onnx-model.js';

interface Values {
  readonly data: Float32Array;
}

interface OnnxRuntime {
  readonly Tensor: new (type: 'float32', data: Float32Array, shape: readonly number[]) => Values;
  readonly InferenceSession: {
    create(model: Uint8Array, options: { intraOpNumThreads: number }): Promise<Session>;
  };
}

interface Session {
  run(inputs: { readonly x: Values }): Promise<{ readonly y: Values }>;
}

const { library: ort, version, loadSeconds } = load<OnnxRuntime>('onnxruntime-node');
const intraOpNumThreads = Number(process.argv[3]);

function inference({ layers, batch }: InferenceWork): Task {
  const session = ort.InferenceSession.create(onnxClassifier(layers, batch), { intraOpNumThreads });
  const values = uniform(batch * layers[0]!, seeds.x, 0, 1);
  const run = async () => {
    const x = new ort.Tensor('float32', values, [batch, layers[0]!]);
    return (await (await session).run({ x })).y.data;
  };
  return { run, first: async () => [...(await run())] };
}

const tasks = (work: Work) => (work.kind === 'inference' ? inference(work) : null);
await serve({ name: 'onnxruntime', version, loadSeconds }, tasks);
