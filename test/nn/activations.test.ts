import { readFileSync } from 'node:fs';
import {
  backward,
  capture,
  DTypeError,
  grad,
  gradcheck,
  gradgradcheck,
  manualSeed,
  type NablaError,
  nn,
  rand,
  randn,
  ShapeError,
  type Tensor,
  tensor,
  ValueError,
  zeros,
} from 'nabla';
import { describe, expect, it } from 'vitest';
import { decode, type Encoded, expectClose, numbers } from '../recorded.js';

// Activations against PyTorch's values, and against themselves. A new one needs a row in fixtures/activations.py.

type Argument = number | string | boolean;

interface Case {
  readonly name: string;
  readonly args: readonly Argument[];
  readonly text: string;
  readonly value: Encoded;
  readonly derivative: Encoded;
}

interface Fixture {
  readonly points: Encoded;
  readonly cases: readonly Case[];
  readonly texts: readonly Omit<Case, 'value' | 'derivative'>[];
  readonly states: Readonly<Record<string, readonly string[]>>;
  readonly prelu: readonly {
    readonly shape: number[];
    readonly weightShape: number[];
    readonly shapes: [number[], number[]];
    readonly x: Encoded;
    readonly weight: Encoded;
    readonly upstream: Encoded;
    readonly value: Encoded;
    readonly gx: Encoded;
    readonly gw: Encoded;
  }[];
  readonly glu: readonly {
    readonly shape: number[];
    readonly dim: number;
    readonly outShape: number[];
    readonly x: Encoded;
    readonly upstream: Encoded;
    readonly value: Encoded;
    readonly gx: Encoded;
  }[];
  readonly softmin: { readonly x: Encoded; readonly value: readonly Encoded[] };
  readonly softmax2d: readonly [Encoded, Encoded];
}

const recorded = JSON.parse(readFileSync(new URL('../fixtures/activations.json', import.meta.url), 'utf8')) as Fixture;

const F = nn.functional;
const double = (values: Encoded, shape?: number[]): Tensor => {
  const x = tensor(decode(values), { dtype: 'float64' });
  return shape === undefined ? x : x.reshape(shape);
};

type Layer = nn.Module<[Tensor], Tensor>;

const make = ({ name, args }: Omit<Case, 'value' | 'derivative' | 'text'>): Layer => {
  const type = Reflect.get(nn, name) as new (...args: readonly Argument[]) => Layer;
  return new type(...args).eval() as Layer;
};

const title = ({ name, args }: Pick<Case, 'name' | 'args'>): string => `${name}(${args.join(', ')})`;

describe.each(recorded.cases.map((one): [string, Case] => [title(one), one]))('%s', (_, one) => {
  const points = () => double(recorded.points).requiresGrad_();

  it('has the values and derivatives of PyTorch', () => {
    const x = points();
    const y = make(one).forward(x.clone());
    expectClose(y, one.value);
    y.sum().backward();
    expectClose(x.grad!, one.derivative, 1e-12);
  });

  it('prints and saves as in PyTorch', () => {
    expect(String(make(one))).toBe(one.text);
    expect(Object.keys(make(one).stateDict())).toEqual([]);
  });

  it('has the derivatives of finite differences, of the second order too', () => {
    // Away from all bends.
    const x = tensor([-3.7, -0.71, 0.27, 0.83, 1.9, 7.3], { dtype: 'float64', requiresGrad: true });
    const f = (at: Tensor) => make(one).forward(at.clone());
    expect(gradcheck((at) => f(at!), [x])).toBe(true);
    expect(gradgradcheck((at) => f(at!), [x])).toBe(true);
  });

  it('is the same of strided, empty and 0-d tensors, in float32 nearly', () => {
    const layer = make(one);
    const x = double(recorded.points);
    const whole = numbers(layer.forward(x.clone()));
    const strided = layer.forward(
      tensor([numbers(x), numbers(x)], { dtype: 'float64' })
        .t()
        .select(1, 0),
    );
    expect(numbers(strided)).toEqual(whole);
    expect(layer.forward(zeros([0, 3])).shape).toEqual([0, 3]);
    expect(numbers(layer.forward(x.select(0, 5).clone()))).toEqual([whole[5]!]);
    const single = numbers(layer.forward(x.float()));
    single.forEach((y, i) => {
      const z = whole[i]!;
      if (Number.isFinite(z)) expect(Math.abs(y - z)).toBeLessThanOrEqual(4e-6 * Math.max(1, Math.abs(z)));
      else expect(y).toBe(z);
    });
  });

  it('is the same when captured', () => {
    const layer = make(one);
    const step = (input: Tensor) => {
      const x = input.detach().requiresGrad_();
      const y = layer.forward(x.clone());
      return [y.detach(), grad(y.sum(), [x])[0]!] as const;
    };
    const captured = capture(step);
    const plain = step(double(recorded.points));
    for (let call = 0; call < 3; call++) {
      captured(double(recorded.points)).forEach((result, i) => {
        expect(numbers(result)).toEqual(numbers(plain[i]!));
      });
    }
  });
});

describe('activations', () => {
  it('print as in PyTorch', () => {
    for (const one of recorded.texts) expect(String(make(one))).toBe(one.text);
  });

  it('save the parameters that PyTorch saves', () => {
    for (const [name, keys] of Object.entries(recorded.states)) {
      expect(Object.keys(make({ name, args: [] }).stateDict())).toEqual(keys);
    }
  });

  it('write over their input where that is asked for', () => {
    const inplace: [string, (x: Tensor, inplace: boolean) => Tensor][] = [
      ['relu', (x, inplace) => F.relu(x, { inplace })],
      ['relu6', (x, inplace) => F.relu6(x, { inplace })],
      ['leakyRelu', (x, inplace) => F.leakyRelu(x, { inplace })],
      ['rrelu', (x, inplace) => F.rrelu(x, { inplace })],
      ['threshold', (x, inplace) => F.threshold(x, 0.5, 3, { inplace })],
      ['elu', (x, inplace) => F.elu(x, { inplace })],
      ['celu', (x, inplace) => F.celu(x, { inplace })],
      ['selu', (x, inplace) => F.selu(x, { inplace })],
      ['silu', (x, inplace) => F.silu(x, { inplace })],
      ['mish', (x, inplace) => F.mish(x, { inplace })],
      ['hardtanh', (x, inplace) => F.hardtanh(x, { inplace })],
      ['hardsigmoid', (x, inplace) => F.hardsigmoid(x, { inplace })],
      ['hardswish', (x, inplace) => F.hardswish(x, { inplace })],
    ];
    for (const [name, f] of inplace) {
      const x = tensor([-2, -0.25, 0.25, 2]);
      const copy = x.clone();
      const y = f(copy, true);
      expect(y, name).toBe(copy);
      expect(numbers(y), name).toEqual(numbers(f(x, false)));
      expect(numbers(x), name).toEqual([-2, -0.25, 0.25, 2]);
    }
  });

  it('that are methods of tensors are the functions', () => {
    const x = tensor([-2, 0.25, 3]);
    expect(numbers(x.hardshrink(1))).toEqual(numbers(F.hardshrink(x, 1)));
    expect(numbers(x.prelu(tensor([0.5])))).toEqual([-1, 0.25, 3]);
  });

  it('of integers are float32, or stay integers where they only choose', () => {
    const x = tensor([-2, 1, 9], { dtype: 'int32' });
    for (const y of [F.softsign(x), F.selu(x), F.hardsigmoid(x), F.softshrink(x)]) expect(y.dtype).toBe('float32');
    expect(F.relu6(x).dtype).toBe('int32');
    expect([...F.hardtanh(x).toTypedArray()]).toEqual([-1, 1, 1]);
    expect([...F.threshold(x, 1, 7).toTypedArray()]).toEqual([7, 7, 9]);
  });
});

/** At -Infinity and Infinity, as PyTorch's: what is not taken there has no part in them, though it may be infinite. */
const AT_INFINITIES: [fn: (x: Tensor) => Tensor, slopes: number[]][] = [
  [F.relu, [0, 1]],
  [F.relu6, [0, 0]],
  [F.leakyRelu, [Math.fround(0.01), 1]],
  [F.rrelu, [Math.fround((1 / 8 + 1 / 3) / 2), 1]],
  [F.elu, [0, 1]],
  [F.celu, [0, 1]],
  [F.selu, [0, Math.fround(1.0507009873554805)]],
  [F.hardtanh, [0, 0]],
  [F.hardsigmoid, [0, 0]],
  [F.hardswish, [0, 1]],
  [F.hardshrink, [1, 1]],
  [F.softshrink, [1, 1]],
  [F.softplus, [0, 1]],
  [F.logsigmoid, [1, 0]],
  [F.tanhshrink, [1, 1]],
];

it.each(AT_INFINITIES)('has the slopes of PyTorch at infinities: %o', (fn, slopes) => {
  const x = tensor([-Infinity, Infinity], { requiresGrad: true });
  fn(x).sum().backward();
  expect(x.grad!.toArray()).toEqual(slopes);
});

describe('prelu', () => {
  it.each(
    recorded.prelu.map((one) => [`${JSON.stringify(one.shape)} by ${JSON.stringify(one.weightShape)}`, one] as const),
  )('of %s is that of PyTorch', (_, one) => {
    const x = double(one.x, one.shape).requiresGrad_();
    const weight = double(one.weight, one.weightShape).requiresGrad_();
    const y = F.prelu(x, weight);
    expect(y.shape).toEqual(one.shapes[0]);
    expectClose(y, one.value);
    backward(y, double(one.upstream, one.shapes[0]));
    expectClose(x.grad!, one.gx);
    expect(weight.grad!.shape).toEqual(one.shapes[1]);
    expectClose(weight.grad!, one.gw, 1e-12);
  });

  it.each([
    [Infinity, -2, -2, [1, 0.25]],
    [-Infinity, 2, -Infinity, [0.25, 1]],
    [NaN, 2, NaN, [0.25, 1]],
  ])('has the gradients of PyTorch at %d', (infinite, finite, slope, slopes) => {
    const x = tensor([infinite, finite], { requiresGrad: true });
    const weight = tensor([0.25], { requiresGrad: true });
    F.prelu(x, weight).sum().backward();
    expect(weight.grad!.toArray()).toEqual([slope]);
    expect(x.grad!.toArray()).toEqual(slopes);
  });

  it('learns its slopes', () => {
    const layer = new nn.PReLU(2, 0.5);
    layer
      .forward(
        tensor([
          [-1, -2],
          [3, -4],
        ]),
      )
      .sum()
      .backward();
    expect(numbers(layer.weight.grad!)).toEqual([-1, -6]);
    expect(new nn.PReLU({ dtype: 'float64' }).weight.dtype).toBe('float64');
  });
});

describe('glu', () => {
  it.each(recorded.glu.map((one) => [`${JSON.stringify(one.shape)} along ${one.dim}`, one] as const))(
    'of %s is that of PyTorch',
    (_, one) => {
      const x = double(one.x, one.shape).requiresGrad_();
      const y = F.glu(x, one.dim);
      expect(y.shape).toEqual(one.outShape);
      expectClose(y, one.value);
      backward(y, double(one.upstream, one.outShape));
      expectClose(x.grad!, one.gx, 1e-12);
    },
  );
});

describe('softmin and Softmax2d', () => {
  const x = double(recorded.softmin.x, [2, 3, 2, 2]);

  it('are those of PyTorch', () => {
    recorded.softmin.value.forEach((value, dim) => {
      expectClose(F.softmin(x, dim), value);
      expectClose(new nn.Softmin(dim).forward(x), value);
    });
    expectClose(new nn.Softmax2d().forward(x), recorded.softmax2d[0]);
    expectClose(new nn.Softmax2d().forward(x.select(0, 0)), recorded.softmax2d[1]);
  });

  it('convert first where an element type is asked for', () => {
    expect(F.softmin(tensor([0, 1], { dtype: 'int32' }), 0, { dtype: 'float64' }).dtype).toBe('float64');
  });
});

describe('rrelu in training', () => {
  it('draws a slope per element, between the bounds, that its gradient has too', () => {
    manualSeed(1);
    const x = rand([1000], { dtype: 'float64' }).sub(1.5).requiresGrad_();
    const layer = new nn.RReLU(0.2, 0.4);
    const y = layer.forward(x);
    const slopes = numbers(y.detach().div(x.detach()));
    expect(Math.min(...slopes)).toBeGreaterThanOrEqual(0.2);
    expect(Math.max(...slopes)).toBeLessThanOrEqual(0.4);
    expect(new Set(slopes).size).toBeGreaterThan(990);
    expect(slopes.reduce((sum, a) => sum + a, 0) / 1000).toBeCloseTo(0.3, 2);
    y.sum().backward();
    numbers(x.grad!).forEach((g, i) => {
      expect(g).toBeCloseTo(slopes[i]!, 12);
    });
  });

  it('leaves what is above 0, and repeats itself with a seed', () => {
    const x = randn([100]);
    const draw = (inplace: boolean) => {
      manualSeed(5);
      return F.rrelu(x.clone(), 0.1, 0.3, { training: true, inplace });
    };
    const first = numbers(draw(false));
    expect(numbers(draw(true))).toEqual(first);
    numbers(x).forEach((value, i) => {
      if (value > 0) expect(first[i]).toBe(value);
    });
  });
});

describe('activations refuse', () => {
  const refused: [string, () => unknown, new (message: string) => NablaError, RegExp][] = [
    ['bounds the wrong way round', () => F.hardtanh(zeros([1]), 2, 1), ValueError, /minVal <= maxVal, got 2 and 1/],
    ['equal bounds of a module', () => new nn.Hardtanh(1, 1), ValueError, /minVal < maxVal, got 1 and 1/],
    ['a CELU with alpha 0', () => F.celu(zeros([1]), 0), ValueError, /alpha must not be 0/],
    ['a negative shrinkage', () => F.softshrink(zeros([1]), -1), ValueError, /at least 0, got -1/],
    ['one of a module', () => new nn.Softshrink(-1), ValueError, /Softshrink: lambd must be at least 0/],
    ['an odd half', () => F.glu(zeros([3])), ShapeError, /dim 0 of \[3\]/],
    ['halves of a 0-d tensor', () => F.glu(tensor(1)), ShapeError, /0-d/],
    ['a dim that is not there', () => F.glu(zeros([2]), 1), ShapeError, /dim/],
    ['slopes of another number', () => F.prelu(zeros([2, 3]), zeros([2])), ShapeError, /one slope, or 3/],
    ['slopes of a vector', () => F.prelu(zeros([3]), zeros([3])), ShapeError, /one slope, or 1/],
    ['a matrix of slopes', () => F.prelu(zeros([2, 3]), zeros([1, 3])), ShapeError, /at most one dimension/],
    [
      'slopes of another type',
      () => F.prelu(zeros([2]), zeros([1], { dtype: 'float64' })),
      DTypeError,
      /one element type/,
    ],
    ['slopes the wrong way round', () => F.rrelu(zeros([2]), 0.5, 0.2), ValueError, /lower <= upper, got 0.5 and 0.2/],
    ['an image of two dimensions', () => new nn.Softmax2d().forward(zeros([2, 3])), ShapeError, /3 or 4 dimensions/],
    ['a threshold that is none', () => new nn.Threshold('1' as never, 2), ValueError, /threshold must be a number/],
    ['an option that is none', () => new nn.CELU({ beta: 1 } as object), ValueError, /unknown option 'beta'/],
    [
      'what is too much',
      () => new nn.Softsign().forward(...([zeros([1]), 1] as never as [Tensor])),
      ValueError,
      /expected 1/,
    ],
  ];
  it.each(refused)('%s', (_, call, type, message) => {
    expect(call).toThrow(type);
    expect(call).toThrow(message);
  });
});
