import { describe, expect, test } from 'vitest';
import {
  AutogradError,
  capture,
  DTypeError,
  grad,
  gradcheck,
  gradgradcheck,
  nn,
  noGrad,
  ones,
  ShapeError,
  Tensor,
  tensor,
  zeros,
} from '../../lib/index.js';
import { binary, type Row, unary } from '../tensor/rows.js';

const leaf = (values: number | number[] | number[][]): Tensor =>
  tensor(values, { dtype: 'float64', requiresGrad: true });

describe('gradients through writes in place', () => {
  test.each<[name: string, fn: (x: Tensor, y: Tensor) => Tensor]>([
    ['x.mul_(y)', (x, y) => x.mul(1).mul_(y)],
    ['x.mul_(y) twice', (x, y) => x.mul(1).mul_(y).mul_(y)],
    [
      'x.mul_(x)',
      (x) => {
        const z = x.mul(1);
        return z.mul_(z);
      },
    ],
    [
      'x.div_(x + y)',
      (x, y) => {
        const z = x.mul(1);
        return z.div_(z.add(y));
      },
    ],
    ['x.pow_(y)', (x, y) => x.mul(1).pow_(y)],
    ['x.add_(y, alpha)', (x, y) => x.mul(1).add_(y, { alpha: 3 }).mul(x)],
    ['x.sub_(y row)', (x, y) => x.mul(1).sub_(y.select(0, 1))],
    ['x.sin_().mul_(y)', (x, y) => x.mul(1).sin_().mul_(y)],
    ['x.clamp_(y, 2)', (x, y) => x.mul(1).clamp_(y, 2)],
    ['x.copy_(y)', (x, y) => x.mul(1).copy_(y.mul(2)).mul(x)],
    ['x.copy_(y row)', (x, y) => x.mul(1).copy_(y.select(0, 0)).mul(x)],
    ['x.fill_(y element)', (x, y) => x.mul(1).fill_(y.select(0, 0).select(0, 1)).mul(x)],
    [
      'x.maskedFill_(mask, y element)',
      (x, y) => {
        return x
          .mul(1)
          .maskedFill_(
            tensor([
              [true, false],
              [false, true],
            ]),
            y.select(0, 0).select(0, 0),
          )
          .mul(y);
      },
    ],
    [
      'x.mul_(x.t()): an operand that overlaps',
      (x) => {
        const z = x.mul(1);
        return z.mul_(z.t());
      },
    ],
    [
      'x.add_(x.t()).mul_(x.select(…))',
      (x) => {
        const z = x.mul(1);
        z.add_(z.t());
        return z.mul_(z.select(0, 0));
      },
    ],
    ['a tensor that needed no gradient before', (x, y) => zeros([2, 2], { dtype: 'float64' }).add_(x).mul_(y)],
  ])('%s', (_, fn) => {
    const x = leaf([
      [0.3, 0.7],
      [1.4, 1.1],
    ]);
    const y = leaf([
      [1.2, 0.45],
      [0.8, 2.1],
    ]);
    expect(gradcheck(fn, [x, y])).toBe(true);
    expect(gradgradcheck(fn, [x, y])).toBe(true);
  });

  test('a leaf seen through detach() keeps its gradient', () => {
    const w = leaf([2, 3]);
    const alias = w.detach();
    alias.mul_(w);
    alias.sum().backward();
    expect(w.grad!.toArray()).toEqual([2, 3]);
  });

  test.each<[name: string, overwrite: (x: Tensor) => Tensor]>([
    ['fill_', (x) => x.fill_(3)],
    ['fill_ of a tensor', (x) => x.fill_(tensor(3))],
    ['zero_', (x) => x.zero_()],
    ['copy_', (x) => x.copy_(tensor([1, 2]))],
    ['uniform_', (x) => x.uniform_()],
    ['normal_', (x) => x.normal_()],
    ['bernoulli_', (x) => x.bernoulli_(0.5)],
    ['bernoulli_ of a tensor', (x) => x.bernoulli_(tensor([0.5, 0.5]))],
    ['exponential_', (x) => x.exponential_()],
    ['random_', (x) => x.random_(0, 10)],
  ])('%s: what it writes over has a gradient of zeros', (_, overwrite) => {
    const w = leaf([1, 2]);
    const x = w.mul(2);
    overwrite(x);
    expect(x.requiresGrad).toBe(true);
    expect(grad(x.sum(), w, { retainGraph: true })[0]!.toArray()).toEqual([0, 0]);
    x.mul(5).add(w).sum().backward();
    expect(w.grad!.toArray()).toEqual([1, 1]);
    expect(() => overwrite(w)).toThrow(AutogradError);
    noGrad(() => overwrite(w));
    expect(w.requiresGrad).toBe(true);
  });

  test('a source with a gradient has that of a copy, what it was written over zeros', () => {
    const w = leaf([1, 2]);
    const source = tensor(3, { requiresGrad: true });
    const x = w.mul(2).copy_(source);
    const [dw, ds] = grad(x.mul(x).sum(), [w, source]);
    expect([dw!.toArray(), ds!.dtype, ds!.item()]).toEqual([[0, 0], 'float32', 12]);
  });

  const domains: Record<string, number> = { acosh: 1.2, log1p: 0.3, rsqrt: 0.3 };
  const inPlace = ({ name, dtype }: Row) => dtype === 'float64' && `${name}_` in Tensor.prototype;
  test.each(unary.filter(inPlace).map(({ name }) => name))('first and second derivatives of %s_', (name) => {
    const shift = domains[name] ?? 0;
    const fn = (x: Tensor) => {
      const z = x.mul(x).add(shift);
      return (z as object as Record<string, () => Tensor>)[`${name}_`]!();
    };
    const x = leaf([0.31, 0.45, 0.83]);
    if (!/^(logicalNot|is|signbit)/.test(name)) {
      expect(gradcheck(fn, x)).toBe(true);
      expect(gradgradcheck(fn, x)).toBe(true);
    } else {
      expect(grad(fn(x).sum(), x)[0]!.toArray()).toEqual([0, 0, 0]);
    }
  });

  test.each(binary.filter(inPlace).map(({ name }) => name))('first and second derivatives of %s_', (name) => {
    const fn = (x: Tensor, y: Tensor) => {
      const z = x.mul(x);
      return (z as object as Record<string, (other: Tensor) => Tensor>)[`${name}_`]!(y);
    };
    const x = leaf([0.31, 0.45, 0.83]);
    const y = leaf([0.62, 0.27, 0.51]);
    expect(gradcheck(fn, [x, y])).toBe(true);
    expect(gradgradcheck(fn, [x, y])).toBe(true);
  });

  test.each<[name: string, fn: (x: Tensor) => Tensor]>([
    ['nn.functional.relu', (x) => nn.functional.relu(x, { inplace: true })],
    ['nn.functional.leakyRelu', (x) => nn.functional.leakyRelu(x, { inplace: true })],
    ['nn.functional.elu', (x) => nn.functional.elu(x, { inplace: true })],
    ['nn.functional.silu', (x) => nn.functional.silu(x, { inplace: true })],
  ])('first and second derivatives of %s in place', (_, fn) => {
    const x = leaf([-0.31, 0.45, 0.83]);
    expect(gradcheck((x) => fn(x.mul(x).mul(x)), x)).toBe(true);
    expect(gradgradcheck((x) => fn(x.mul(x).mul(x)), x)).toBe(true);
  });

  test('the written tensor is what the graph knows by its name', () => {
    const w = leaf([1, 2]);
    const x = w.mul(2);
    const before = x.sum();
    x.mul_(10);
    before.backward(null, { retainGraph: true });
    expect(w.grad!.toArray()).toEqual([2, 2]);
    x.sum().backward();
    expect(w.grad!.toArray()).toEqual([22, 22]);
  });

  test('grad() with respect to it means the value after the write', () => {
    const w = leaf([1, 2]);
    const x = w.mul(2);
    x.mul_(10);
    expect(grad(x.mul(x).sum(), x)[0]!.toArray()).toEqual([40, 80]);
  });

  test('a float32 tensor can take up a float64 one', () => {
    const w = ones([2], { requiresGrad: true });
    const y = leaf([4, 5]);
    const x = w.mul(1).mul_(y);
    expect(x.dtype).toBe('float32');
    x.sum().backward();
    expect([w.grad!.dtype, y.grad!.dtype]).toEqual(['float32', 'float64']);
    expect([w.grad!.toArray(), y.grad!.toArray()]).toEqual([
      [4, 5],
      [1, 1],
    ]);
  });
});

describe('a saved tensor that changed', () => {
  test.each<[name: string, run: (x: Tensor) => Tensor, places: RegExp]>([
    [
      'the result of exp',
      (x) => {
        const y = x.exp();
        const z = y.sum();
        y.mul_(2);
        return z.add(y.sum());
      },
      /shape \[2\] that Exp saved was changed in place by mul_/,
    ],
    [
      'an operand of mul',
      (x) => {
        const y = x.mul(1);
        const z = y.mul(y);
        y.add_(1);
        return z.sum();
      },
      /shape \[2\] that Mul saved was changed in place by add_/,
    ],
    [
      'by copy_',
      (x) => {
        const y = x.exp();
        const z = y.mul(2);
        y.copy_(ones([2]));
        return z.sum();
      },
      /that Exp saved was changed in place by copy_/,
    ],
    [
      'by zero_',
      (x) => {
        const y = x.exp();
        const z = y.mul(2);
        y.zero_();
        return z.sum();
      },
      /that Exp saved was changed in place by zero_/,
    ],
    [
      'by normal_',
      (x) => {
        const y = x.exp();
        const z = y.mul(2);
        y.normal_();
        return z.sum();
      },
      /that Exp saved was changed in place by normal_/,
    ],
    [
      'by maskedFill_',
      (x) => {
        const y = x.exp();
        const z = y.mul(2);
        noGrad(() => y.maskedFill_(y.gt(1), 0));
        return z.sum();
      },
      /by maskedFill_/,
    ],
    [
      'through a view, without recording',
      (x) => {
        const y = x.exp();
        noGrad(() => y.narrow(0, 0, 1).relu_());
        return y.sum();
      },
      /by relu_/,
    ],
    [
      'through detach()',
      (x) => {
        const y = x.exp();
        y.detach().sqrt_();
        return y.sum();
      },
      /by sqrt_/,
    ],
    [
      'a parameter that was updated',
      (x) => {
        const y = x.mul(x);
        noGrad(() => x.sub_(0.1));
        return y.sum();
      },
      /that Mul saved was changed in place by sub_/,
    ],
    [
      'an operand of matmul',
      (x) => {
        const a = x.mul(1).reshape([1, 2]);
        const y = a.matmul(a.t());
        noGrad(() => a.add_(1));
        return y.sum();
      },
      /that Mm saved was changed in place by add_/,
    ],
  ])('%s is an error that names both places', (_, run, places) => {
    const out = run(leaf([0.5, 1.5]));
    const pass = () => out.backward(null, { retainGraph: true });
    expect(pass).toThrow(AutogradError);
    expect(pass).toThrow(places);
  });

  test('what no gradient needs may change', () => {
    const x = leaf([0.5, 1.5]);
    const y = x.add(1);
    const z = y.add(2).sum();
    y.mul_(100);
    z.backward();
    expect(x.grad!.toArray()).toEqual([1, 1]);
  });

  test('a write before the value is saved is none', () => {
    const x = leaf([0.5, 1.5]);
    const y = x.mul(2);
    y.mul_(3);
    y.mul(y).sum().backward();
    expect(x.grad!.toArray()).toEqual([36, 108]);
  });
});

describe('views', () => {
  const written = (write: (z: Tensor, y: Tensor) => unknown) => (z: Tensor, y: Tensor) => {
    write(z, y);
    return z;
  };
  const writes: [name: string, fn: (x: Tensor, y: Tensor) => Tensor][] = [
    ['narrow.mul_(y)', written((z, y) => z.narrow(0, 0, 1).mul_(y.narrow(0, 0, 1)))],
    ['select.mul_ of itself', written((z) => z.select(1, 1).mul_(z.select(1, 0)))],
    ['select.copy_(y)', written((z, y) => z.select(0, 1).copy_(y.select(1, 0)))],
    ['select.copy_ broadcast', written((z, y) => z.select(0, 1).copy_(y.select(0, 0).select(0, 1)))],
    ['t().select.exp_()', written((z) => z.t().select(0, 1).exp_())],
    ['view.sqrt_()', written((z) => z.view([4]).narrow(0, 1, 2).sqrt_())],
    ['slice.fill_', written((z) => z.slice(1, 0, 2, 1).narrow(1, 0, 1).fill_(3))],
    ['zero_ of a diagonal corner', written((z) => z.narrow(0, 0, 1).narrow(1, 0, 1).zero_())],
    ['twice', written((z, y) => [z.narrow(0, 0, 1).mul_(y.narrow(0, 0, 1)), z.narrow(1, 0, 1).pow_(2), z.mul_(y)])],
    ['overlapping writes', written((z, y) => [z.narrow(0, 0, 2).mul_(y), z.select(1, 0).mul_(z.select(0, 1))])],
    ['what the view itself has become', (z, y) => z.select(0, 0).mul_(y.select(0, 0)).mul(z.select(0, 1))],
    ['a view of the view', (z) => z.narrow(0, 0, 1).sin_().t().mul(z.select(1, 1))],
    ['maskedFill_', written((z, y) => z.select(0, 0).maskedFill_(tensor([true, false]), y.select(0, 0).select(0, 0)))],
    [
      'a base that needed no gradient',
      (z, y) => {
        const out = zeros([2, 2], { dtype: 'float64' });
        out.select(0, 0).copy_(z.select(1, 0));
        out.select(0, 1).copy_(y.select(1, 1));
        return out.mul(z);
      },
    ],
  ];

  test.each(writes)('%s: first and second derivatives', (_, fn) => {
    const x = leaf([
      [0.3, 0.7],
      [1.4, 1.1],
    ]);
    const y = leaf([
      [1.2, 0.45],
      [0.8, 2.1],
    ]);
    const through = (x: Tensor, y: Tensor) => fn(x.mul(x), y);
    expect(gradcheck(through, [x, y])).toBe(true);
    expect(gradgradcheck(through, [x, y])).toBe(true);
    // The values are those of a write that is not recorded.
    const plain = noGrad(() => through(x, y).toArray());
    expect(through(x, y).toArray()).toEqual(plain);
  });

  test.each(writes)('%s: the same in a captured function', (_, fn) => {
    const x = leaf([
      [0.3, 0.7],
      [1.4, 1.1],
    ]);
    const gradients = (scale: Tensor) => {
      const [g] = grad(fn(x.mul(scale), x.add(1)).square().sum(), x, { createGraph: true });
      return [g!, ...grad(g!.sum(), x)];
    };
    const captured = capture(gradients);
    for (const scale of [1, 2, 0.5]) {
      const given = tensor(scale, { dtype: 'float64' });
      expect(captured(given).map((g) => g!.toArray())).toEqual(gradients(given).map((g) => g!.toArray()));
    }
    expect(captured.stats.length).toBe(1);
  });

  test('what is overwritten through a view has a gradient of zeros there', () => {
    const w = leaf([1, 2, 3]);
    const overwrites: ((x: Tensor) => unknown)[] = [
      (x) => x.zero_(),
      (x) => x.fill_(tensor(5)),
      (x) => x.copy_(tensor([4, 5])),
      (x) => x.normal_(),
      (x) => x.uniform_(),
      (x) => x.bernoulli_(0.5),
    ];
    for (const overwrite of overwrites) {
      const x = w.mul(2);
      const part = x.narrow(0, 1, 2);
      overwrite(part);
      expect(part.requiresGrad).toBe(true);
      expect(grad(x.sum(), w, { retainGraph: true })[0]!.toArray()).toEqual([2, 0, 0]);
      expect(grad(part.sum(), w)[0]!.toArray()).toEqual([0, 0, 0]);
    }
  });

  test('a view of a leaf that requires a gradient is not written while recording', () => {
    const w = leaf([1, 2, 3]);
    for (const write of [(x: Tensor) => x.mul_(2), (x: Tensor) => x.zero_(), (x: Tensor) => x.normal_()]) {
      expect(() => write(w.narrow(0, 0, 2))).toThrow(/: a view of a leaf that requires a gradient cannot be changed/);
    }
    expect(w.toArray()).toEqual([1, 2, 3]);
  });

  test('nor is one that was taken within noGrad', () => {
    const x = leaf([1, 2, 3]).mul(1);
    const unknown = noGrad(() => x.narrow(0, 0, 2));
    for (const view of [unknown, unknown.narrow(0, 0, 1)]) {
      for (const write of [(v: Tensor) => v.mul_(2), (v: Tensor) => v.fill_(2), (v: Tensor) => v.normal_()]) {
        expect(() => write(view)).toThrow('taken within noGrad');
      }
    }
    expect(x.toArray()).toEqual([1, 2, 3]);
  });

  test('a saved tensor that was changed through a view is an error', () => {
    const x = leaf([1, 2, 3]).mul(1);
    const y = x.mul(x);
    x.narrow(0, 0, 1).add_(1);
    expect(() => y.sum().backward()).toThrow('changed in place by add_');
  });

  test('a view can be written where nothing is recorded', () => {
    const base = zeros([2, 2]);
    base.select(0, 1).fill_(3);
    base.t().select(0, 0).add_(1);
    expect(base.toArray()).toEqual([
      [1, 0],
      [4, 3],
    ]);
    const w = leaf([1, 2]);
    noGrad(() => w.narrow(0, 1, 1).fill_(7));
    expect(w.toArray()).toEqual([1, 7]);
  });

  test('a copy of a view can be written', () => {
    const x = leaf([1, 2, 3]);
    x.narrow(0, 0, 2).clone().mul_(5).sum().backward();
    expect(x.grad!.toArray()).toEqual([5, 5, 0]);
  });

  test.each<[name: string, fn: (x: Tensor) => Tensor]>([
    ['a copy that reshape made', (x) => x.t().reshape([4])],
    ['a matrix times a vector', (x) => x.matmul(x.select(0, 0))],
    ['a vector times a vector', (x) => x.select(0, 0).matmul(x.select(0, 1))],
    ['a batch times a matrix', (x) => x.unsqueeze(0).matmul(x)],
    ['the values of max', (x) => x.max(1).values],
    ['an element gathered', (x) => x.flatten().gather(0, tensor(1, { dtype: 'int32' }))],
  ])('%s is no view, though it is made of one', (_, fn) => {
    const x = leaf([
      [0.3, 0.7],
      [1.4, 1.1],
    ]);
    expect(gradcheck((a) => fn(a).mul_(2).exp_(), x)).toBe(true);
  });

  test.each<[name: string, fn: (x: Tensor, y: Tensor) => Tensor]>([
    [
      'a write to the base',
      (z, y) => {
        const early = z.narrow(0, 0, 1);
        z.mul_(y);
        return early.mul(early);
      },
    ],
    [
      'writes through two views in turn',
      (z, y) => {
        const [top, bottom] = [z.select(0, 0), z.select(0, 1)];
        top.mul_(y.select(0, 0));
        bottom.mul_(top);
        top.exp_();
        return z.mul(y);
      },
    ],
    [
      'a write to what it repeats',
      (z, y) => {
        const repeated = z.select(0, 0).expand([3, 2]);
        z.mul_(y);
        return repeated.mul(tensor([[1], [2], [3]], { dtype: 'float64' }));
      },
    ],
    [
      'rows of a base that needed no gradient',
      (z, y) => {
        const out = zeros([2, 2], { dtype: 'float64' });
        const [top, bottom] = out.unbind(0);
        top!.copy_(z.select(1, 0));
        bottom!.copy_(y.select(1, 1));
        top!.mul_(bottom!);
        return out.mul(z);
      },
    ],
    [
      'a view of a view',
      (z, y) => {
        const turned = z.narrow(0, 0, 1).t();
        z.select(1, 0).mul_(y.select(1, 1));
        return turned.square();
      },
    ],
  ])('a view taken before knows of %s', (_, fn) => {
    const x = leaf([
      [0.3, 0.7],
      [1.4, 1.1],
    ]);
    const y = leaf([
      [1.2, 0.45],
      [0.8, 2.1],
    ]);
    const through = (x: Tensor, y: Tensor) => fn(x.mul(x), y);
    expect(gradcheck(through, [x, y])).toBe(true);
    expect(gradgradcheck(through, [x, y])).toBe(true);
  });

  test('backward from a view taken before a write to its base', () => {
    const w = leaf([1, 2]);
    const base = zeros([2], { dtype: 'float64' });
    const view = base.view([1, 2]);
    base.add_(w);
    expect(view.requiresGrad).toBe(true);
    view.backward(ones([1, 2]));
    expect(w.grad!.toArray()).toEqual([1, 1]);
  });

  test('one that was taken within noGrad is refused then, where gradients would go astray', () => {
    const x = leaf([1, 2, 3]).mul(1);
    const view = noGrad(() => x.narrow(0, 0, 2));
    const further = view.narrow(0, 0, 1);
    expect(view.sum().requiresGrad).toBe(false);
    x.mul_(2);
    for (const early of [view, further]) {
      expect(() => early.sum()).toThrow(AutogradError);
      expect(() => early.sum()).toThrow(
        /was taken before mul_ changed its base in place, and cannot know of that: take the view again$/,
      );
    }
    expect(noGrad(() => view.sum().item())).toBe(6);
    expect(x.narrow(0, 0, 2).sum().item()).toBe(6);
  });

  test('an update that is not recorded leaves views valid', () => {
    const w = leaf([
      [1, 2],
      [3, 4],
    ]);
    const view = w.t();
    noGrad(() => w.sub_(1));
    view.mul(view).sum().backward();
    expect(w.grad!.toArray()).toEqual([
      [0, 2],
      [4, 6],
    ]);
  });
});

describe('what only shares memory with a tensor', () => {
  const graph = () => {
    const leaf = tensor([1, 2, 3], { requiresGrad: true });
    return { leaf, a: leaf.mul(1) };
  };

  test('has no part in its history', () => {
    const { a } = graph();
    const v = a.detach().narrow(0, 0, 2);
    a.mul_(2);
    expect(v.requiresGrad).toBe(false);
    expect(v.mul(2).requiresGrad).toBe(false);
    expect(v.toArray()).toEqual([2, 4]);
    a.narrow(0, 0, 1).mul_(2);
    expect(v.requiresGrad).toBe(false);
    a.zero_();
    expect(v.requiresGrad).toBe(false);
  });

  test('keeps a history of its own', () => {
    const { leaf, a } = graph();
    const v = a.detach().narrow(0, 0, 2).requiresGrad_();
    a.mul_(2);
    v.mul(3).sum().backward();
    expect(v.grad!.toArray()).toEqual([3, 3]);
    a.sum().backward();
    expect(leaf.grad!.toArray()).toEqual([2, 2, 2]);
  });

  test('can become the data of a view', () => {
    const { leaf, a } = graph();
    const v = a.narrow(0, 0, 2);
    const b = tensor([5, 6], { requiresGrad: true }).mul(1);
    b.mul_(2);
    v.data = b.detach();
    v.mul(3).sum().backward();
    expect(leaf.grad!.toArray()).toEqual([3, 3, 0]);
  });

  test('is of no account for views taken after data were replaced', () => {
    const { leaf, a } = graph();
    for (let i = 0; i < 3; i++) a.mul_(2);
    a.data = tensor([1, 1, 1]);
    const v = a.narrow(0, 0, 2);
    expect(v.isStale).toBe(false);
    v.sum().backward();
    expect(leaf.grad!.toArray()).toEqual([8, 8, 0]);
  });
});

describe('refusals', () => {
  test('a leaf that requires a gradient, while recording', () => {
    const w = leaf([1, 2]);
    const writes: ((x: Tensor) => unknown)[] = [
      (x) => x.add_(1),
      (x) => x.fill_(1),
      (x) => x.copy_(ones([2])),
      (x) => x.uniform_(),
      (x) => x.bernoulli_(),
      (x) => x.maskedFill_(tensor([true, false]), 0),
      (x) => x.clamp_(0),
    ];
    for (const write of writes) {
      expect(() => write(w)).toThrow(
        'a leaf that requires a gradient cannot be changed in place while recording; use noGrad',
      );
      expect(w.toArray()).toEqual([1, 2]);
    }
    noGrad(() => w.add_(1));
    expect(w.toArray()).toEqual([2, 3]);
  });

  test('a result of another shape', () => {
    expect(() => ones([2]).add_(ones([3, 2]))).toThrow(ShapeError);
    expect(() => ones([2]).add_(ones([3, 2]))).toThrow('add_: the result has shape [3, 2], but the tensor [2]');
    expect(() => ones([1]).mul_(ones([3]))).toThrow('mul_: the result has shape [3], but the tensor [1]');
    expect(() => ones([2]).add_(ones([3]))).toThrow('add_: shapes do not broadcast: [2] x [3] (2 != 3)');
  });

  test('a result of another category', () => {
    const integers = tensor([1, 2], { dtype: 'int32' });
    expect(() => integers.add_(0.5)).toThrow(DTypeError);
    expect(() => integers.add_(0.5)).toThrow('add_: the result is float32 and cannot be stored in a int32 tensor');
    expect(() => integers.div_(2)).toThrow('div_: the result is float32');
    expect(() => tensor([true]).add_(1)).toThrow('add_: the result is int32 and cannot be stored in a bool tensor');
    expect(() => integers.exp_()).toThrow('exp_: the result is float32');
    expect(integers.add_(1).toArray()).toEqual([2, 3]);
    expect(integers.eq_(2).toArray()).toEqual([1, 0]);
  });

  test('an expanded tensor', () => {
    expect(() => ones([1]).expand([3]).add_(1)).toThrow(
      'add_: an expanded tensor has one element in several places; clone() it first',
    );
    expect(ones([1]).expand([1]).add_(1).toArray()).toEqual([2]);
  });
});

test.each([
  ['select', () => zeros([0, 2]), (x: Tensor) => x.select(1, 0)],
  ['narrow', () => zeros([3, 0]), (x: Tensor) => x.narrow(0, 1, 2)],
  ['select of repeated rows', () => zeros([1, 2]).expand([0, 2]), (x: Tensor) => x.select(1, 0)],
])('writes through an empty view, by %s, are recorded though nothing is written', (_, make, look) => {
  const w = tensor(2, { requiresGrad: true });
  const x = make();
  look(x).mul_(w);
  expect(x.requiresGrad).toBe(true);
  x.sum().backward();
  expect(w.grad!.item()).toBe(0);
});
