// Data sets for workers.test.ts, imported there and in workers. Plain JavaScript: workers of Node 20 read nothing else.
import { rand, tensor } from 'nabla';
import { getWorkerInfo } from 'nabla/data';

/** Another number in each thread that imports this. */
const thread = Math.floor(Math.random() * 2 ** 40);
let began = null;

export function begin(id) {
  began = id;
}

export class Squares {
  constructor(length) {
    this.length = length;
  }

  get(i) {
    return { x: tensor([i, i * i]), label: tensor(i, { dtype: 'int32' }), odd: i % 2 === 1, name: `item ${i}` };
  }
}

export const pairs = {
  length: 50,
  get: (i) => [tensor([i / 50, 1, Math.sin(i)]), tensor([Math.cos(i)], { dtype: 'float32' })],
};

/** Makes whole batches. */
export const gathering = { length: 7, get: () => 0, gather: (indices) => [tensor([...indices]).mul(2), 'gathered'] };

export const random = { length: 8, get: () => rand([3]) };

export const whereabouts = { length: 6, get: () => [thread, began, getWorkerInfo()] };

export const failing = async (at) => ({
  length: 10,
  get(i) {
    if (i === at) throw new RangeError(`no item ${i} today`);
    return i;
  },
});

export const exiting = { length: 10, get: (i) => (i < 4 ? i : process.exit(3)) };

export const attached = { length: 2, get: () => tensor([1], { requiresGrad: true }) };

export const slow = (milliseconds) => ({
  length: 1000,
  get(i) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
    return [tensor([i, 1, 1]), tensor([1])];
  },
});

/** Each worker gives its share. */
export const stream = (count) => ({
  *[Symbol.iterator]() {
    const { id, numWorkers } = getWorkerInfo() ?? { id: 0, numWorkers: 1 };
    for (let i = id; i < count; i += numWorkers) yield i;
  },
});

export const nothing = 42;
