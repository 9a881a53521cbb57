import { beforeAll, describe, expect, test } from 'vitest';
import type * as Data from '../../lib/data/index.js';
import type * as Nabla from '../../lib/index.js';
import { bytesWithin } from './walk.js';

let nabla: typeof Nabla;
let data: typeof Data;
/** All memory that tensors were given. */
const library = new Set<ArrayBufferLike>();

beforeAll(async () => {
  const allocate = Buffer.allocUnsafeSlow;
  Buffer.allocUnsafeSlow = (size) => {
    const buffer = allocate(size);
    library.add(buffer.buffer);
    return buffer;
  };
  [nabla, data] = [await import('../../lib/index.js'), await import('../../lib/data/index.js')];
});

const memoryOf = (value: unknown) =>
  bytesWithin(value)
    .filter(({ value }) => library.has(ArrayBuffer.isView(value) ? value.buffer : (value as ArrayBuffer)))
    .map(({ path }) => path);

/** Everything a training program holds, used once. */
function program() {
  const { nn, optim, tensor, Generator, capture, randn } = nabla;
  const model = new nn.Sequential(new nn.Linear(3, 4), new nn.ReLU(), new nn.LayerNorm(4), new nn.Linear(4, 2));
  const sgd = new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.9 });
  const step = (x: Nabla.Tensor) => {
    sgd.zeroGrad();
    const loss = model.forward(x).square().mean();
    loss.backward();
    sgd.step();
    return loss;
  };
  const captured = capture(step);
  const x = randn([5, 3]);
  for (let i = 0; i < 3; i++) captured(x);
  step(x);
  const dataset = new data.TensorDataset(randn([6, 3]), randn([6]));
  const loader = new data.DataLoader(dataset, { batchSize: 2, shuffle: true, generator: new Generator(1) });
  const result = x.mul(tensor(2, { requiresGrad: true }));
  return {
    model,
    sgd,
    captured,
    x,
    result,
    loader,
    dataset,
    generator: new Generator(3),
    parameter: model.parameters()[0]!,
  };
}

describe('what a user can reach holds no memory of the library', () => {
  test.each(['x', 'result', 'parameter', 'model', 'sgd', 'generator', 'captured', 'dataset', 'loader'] as const)(
    '%s',
    (name) => {
      expect(memoryOf(program()[name])).toEqual([]);
    },
  );

  test('an error, an expression, and all that is exported', () => {
    const { ones, Expr, elementwise } = nabla;
    let error: unknown;
    try {
      ones([2]).add(ones([3]));
    } catch (thrown) {
      error = thrown;
    }
    let expression: unknown;
    elementwise((a) => {
      expression = a;
      return a;
    });
    expect(expression).toBeInstanceOf(Expr);
    expect(memoryOf([error, expression])).toEqual([]);
    expect(memoryOf(nabla)).toEqual([]);
    expect(memoryOf(data)).toEqual([]);
  });

  test('the walk finds what is hidden in a field, a symbol, a getter, a method, a map and a function', () => {
    nabla.ones([10]);
    const [bytes] = library;
    class Leaky {
      get field() {
        return { inner: new Uint8Array(bytes!, 0, 1) };
      }
      method() {
        return [new Float32Array(bytes!, 0, 1)];
      }
    }
    const leaks = [
      { a: { b: bytes } },
      { [Symbol('s')]: bytes },
      Object.assign(() => {}, { bytes }),
      new Map([[1, bytes]]),
      new Leaky(),
    ];
    for (const leak of leaks) expect(memoryOf(leak)).not.toEqual([]);
    const paths = memoryOf(new Leaky()).join('\n');
    expect(paths).toContain('it.field.inner');
    expect(paths).toContain('it.method().0');
  });
});

describe('a tensor cannot be bent', () => {
  test('its shape and strides are frozen copies', () => {
    const sizes = [2, 3];
    const x = nabla.ones(sizes);
    sizes[0] = 1e8;
    expect(() => Reflect.apply(Array.prototype.push, x.shape, [1])).toThrow(TypeError);
    expect(Reflect.set(x.shape, 0, 1e8)).toBe(false);
    expect(Reflect.set(x.strides, 0, 1e8)).toBe(false);
    expect([x.shape, x.strides, x.sum().item()]).toEqual([[2, 3], [3, 1], 6]);
    expect(Object.isFrozen(nabla.ones([2, 3]).t().shape)).toBe(true);
  });

  test.each(['shape', 'strides', 'offset', 'dtype', 'ndim'])('%s cannot be assigned', (name) => {
    expect(Reflect.set(nabla.ones([2]), name, [1e8])).toBe(false);
  });

  test('arrays that were passed in stay the caller’s', () => {
    const { zeros, ones, arange } = nabla;
    const sizes = [2, 3];
    const made = [
      zeros(sizes),
      ones([1, 3]).expand(sizes),
      arange(6).view(sizes),
      arange(6).reshape(sizes),
      nabla.rand(sizes),
      nabla.full(sizes, 1),
      nabla.empty(sizes),
      nabla.randint(0, 3, sizes),
    ];
    expect(Object.isFrozen(sizes)).toBe(false);
    sizes[1] = 1e8;
    for (const x of made) expect(x.add(1).shape).toEqual([2, 3]);
  });

  test('a gradient’s shape does not follow an array that was passed to the operation', () => {
    const x = nabla.ones([1, 3], { requiresGrad: true });
    const sizes = [2, 3];
    const y = x.expand(sizes);
    sizes[0] = 50;
    y.sum().backward();
    expect(x.grad!.toArray()).toEqual([[2, 2, 2]]);
  });

  test('none is made by new, nor by an object that looks like one', () => {
    const { Tensor, nn, ones } = nabla;
    const make = Tensor as unknown as new (...args: unknown[]) => Nabla.Tensor;
    const forged = { storage: {}, offset: 0, shape: [1e8], strides: [1], dtype: 'float32' };
    for (const args of [[], [ones([2])], [forged], [{}, 0, [1e8], [1], 'float32']]) {
      expect(() => new make(...args)).toThrow(nabla.ValueError);
    }
    expect(() => new nn.Parameter(forged as never)).toThrow(nabla.ValueError);
    expect(() => ones([2]).add(Object.create(Tensor.prototype, { shape: { value: [1e8] } }))).toThrow();
  });

  test('fields defined over those of a tensor change nothing', () => {
    const x = nabla.ones([2, 3]);
    Object.defineProperties(x, { shape: { value: [1e8] }, offset: { value: 1e9 }, strides: { value: [0] } });
    Object.assign(x, { numel: () => 1e9, size: () => [1e9] });
    expect(x.add(1).sum().item()).toBe(12);
    expect(x.narrow(0, 1, 1).toArray()).toEqual([[1, 1, 1]]);
    expect(x.uniform_().lt(1).all().item()).toBe(true);
  });
});
