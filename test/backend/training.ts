import {
  allocate,
  backend,
  type Executable,
  type Instruction,
  type Loop,
  type Storage,
  sizeOf,
  type View,
} from '../../lib/backend/index.js';
import { mul, rowSum, sub } from '../../lib/expr/index.js';
import { noise, operand, valuesOf } from './operands.js';
import { programOf, singleOp } from './programs.js';

/** Linear regression by gradient descent on batches of 4 out of 32 rows; the batches and the loss are ports. */
export function training(steps: number, control: Int32Array = new Int32Array(2)) {
  const [rows, width, batch] = [32, 3, 4];
  const view = (storage: Storage, shape: number[]) => {
    return {
      storage,
      offset: 0,
      shape,
      strides: [...shape.keys()].map((i) => sizeOf(shape.slice(i + 1))),
      dtype: 'float32',
    } as const;
  };
  const x = view(allocate('float32', batch * width), [batch, width]);
  const y = view(allocate('float32', batch), [batch, 1]);
  const weights = operand('float32', [width, 1], [0]);
  const [prediction, error, loss] = [
    [batch, 1],
    [batch, 1],
    [1, 1],
  ].map((shape) => operand('float32', shape, [0]));
  const gradient = operand('float32', [width, 1], [0]);
  const squares = programOf('float32', 1, (e) => rowSum(mul(e!, e!)));
  const update = programOf('float32', 2, (w, g) => sub(w!, mul(0.01, g!)));
  const xT: View = { ...x, shape: [width, batch], strides: [1, width] };
  const instructions: Instruction[] = [
    { op: 'matmul', a: x, b: weights, outputs: [prediction!], epilogue: null },
    { op: 'map', program: singleOp('sub', 'float32'), params: [], inputs: [prediction!, y], outputs: [error!] },
    { op: 'fold', program: squares, params: [], inputs: [error!], outputs: [loss!], shape: [batch, 1], axes: [0, 1] },
    { op: 'matmul', a: xT, b: error!, outputs: [gradient], epilogue: null },
    { op: 'map', program: update, params: [], inputs: [weights, gradient], outputs: [weights] },
  ];
  const inputs = operand('float32', [rows, width], noise(rows * width), 'offset');
  const targets = operand(
    'float32',
    [rows, 1],
    valuesOf(inputs).filter((_, i) => i % width === 1),
  );
  const order: View = {
    storage: allocate('int32', steps * batch + 1),
    offset: 1,
    shape: [steps * batch],
    strides: [1],
    dtype: 'int32',
  };
  order.storage.array('int32').forEach((_, i, array) => {
    array[i] = (i * 7) % rows;
  });
  const loop: Loop = {
    steps,
    ports: [
      { ...x, storage: allocate('float32', batch * width) },
      { ...y, storage: allocate('float32', batch) },
    ],
    feeds: [
      { port: 0, rows: inputs },
      { port: 1, rows: targets },
    ],
    order,
    batchSize: batch,
    watched: loss!,
    history: allocate('float64', steps),
    numbers: null,
    control,
  };
  return { executable: backend.link(instructions, [x.storage, y.storage]), loop, weights };
}

/** The same on this thread, run by run. */
export function runHere({ executable, loop }: { executable: Executable; loop: Loop }): number[] {
  const order = loop.order.storage.array('int32').subarray(loop.order.offset);
  const feeds = loop.feeds.map(({ port, rows }) => ({
    batch: loop.ports[port]!.storage.array('float32'),
    values: valuesOf(rows),
    width: rows.shape[1]!,
  }));
  return Array.from({ length: loop.steps }, (_, step) => {
    for (const { batch, values, width } of feeds) {
      const chosen = [...order.subarray(step * loop.batchSize, (step + 1) * loop.batchSize)];
      batch.set(chosen.flatMap((row) => values.slice(row * width, (row + 1) * width)));
    }
    executable.run(loop.ports);
    return valuesOf(loop.watched)[0]!;
  });
}
