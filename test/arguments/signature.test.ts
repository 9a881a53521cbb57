import { runInNewContext } from 'node:vm';
import { Generator, nn, Tensor, tensor } from 'nabla';
import { describe, expect, it, test } from 'vitest';
import { define, defineAsync } from '../../lib/arguments/define.js';
import { signature } from '../../lib/arguments/signature.js';
import { DTypeError, NablaError, ShapeError, ValueError } from '../../lib/errors.js';
import * as kinds from '../../lib/tensor/kinds.js';

const list = signature('input, /, dim, keepdim, *, dtype', {
  input: kinds.tensor,
  dim: kinds.dims.default(null),
  keepdim: kinds.boolean.default(false),
  dtype: kinds.dtype.optional(),
});
const reduce = define('reduce', list, (input, dim, keepdim, dtype) => [input, dim, keepdim, dtype]);
const call = (...args: readonly unknown[]): unknown => Reflect.apply(reduce, undefined, args);

const needing = signature('rows, columns, bias', {
  rows: kinds.integerFrom(0),
  columns: kinds.integerFrom(0),
  bias: kinds.boolean.default(true),
});
const make = (...args: readonly unknown[]) => needing.read('make', args);

const x = tensor([1, 2]);

describe('values', () => {
  test.each<[args: unknown[], values: unknown[]]>([
    [[], [null, false, null]],
    [[1], [1, false, null]],
    [
      [[0, 1], true],
      [[0, 1], true, null],
    ],
    [
      [null, true],
      [null, true, null],
    ],
    [
      [undefined, true],
      [null, true, null],
    ],
    [
      [1, undefined, undefined],
      [1, false, null],
    ],
    [[{ dim: 1 }], [1, false, null]],
    [
      [1, { keepdim: true }],
      [1, true, null],
    ],
    [
      [1, true, { dtype: 'float64' }],
      [1, true, 'float64'],
    ],
    [[{ dtype: 'float64', dim: [0] }], [[0], false, 'float64']],
    [
      [1, {}],
      [1, false, null],
    ],
    [
      [undefined, { dim: 1 }],
      [1, false, null],
    ],
    [
      [1, { keepdim: undefined }],
      [1, false, null],
    ],
    [
      [1, { dim: undefined }],
      [1, false, null],
    ],
    [[{ dtype: null }], [null, false, null]],
    [
      [1, true, undefined, undefined, { dtype: 'float64' }],
      [1, true, 'float64'],
    ],
    [
      [1, Object.assign(Object.create(null), { keepdim: true })],
      [1, true, null],
    ],
  ])('%j', (args, values) => {
    expect(call(x, ...args)).toEqual([x, ...values]);
  });

  it('come by name where nothing has a default', () => {
    expect(make(2, 3)).toEqual([2, 3, true]);
    expect(make(2, { columns: 3 })).toEqual([2, 3, true]);
    expect(make({ columns: 3, rows: 2, bias: false })).toEqual([2, 3, false]);
    expect(needing.named('make', [2, { columns: 3 }])).toEqual({ rows: 2, columns: 3, bias: true });
  });

  it('come from an object of a class of the caller’s own', () => {
    class Options {
      keepdim = true;
    }
    expect(call(x, 1, new Options())).toEqual([x, 1, true, null]);
  });

  it('are the objects themselves', () => {
    const dims = [0, 1];
    expect((call(x, dims) as unknown[])[1]).toBe(dims);
    expect((call(x, { dim: dims }) as unknown[])[1]).toBe(dims);
  });

  it('may be objects where the parameter takes them', () => {
    const takes = signature('data, size', {
      data: kinds.callback<() => void>(),
      size: kinds.integerFrom(1).default(1),
    });
    const f = () => undefined;
    expect(takes.read('f', [f])).toEqual([f, 1]);
    expect(takes.read('f', [{ data: f, size: 2 }])).toEqual([f, 2]);
  });

  it('of more parameters than are looked at one by one', () => {
    const many = signature('a, b, c, d, e, f, g, h', {
      a: kinds.number,
      b: kinds.number.default(2),
      c: kinds.number.default(3),
      d: kinds.number.default(4),
      e: kinds.number.default(5),
      f: kinds.number.default(6),
      g: kinds.number.default(7),
      h: kinds.number.default(8),
    });
    const sum = define('sum', many, (...values) => values.join());
    expect(sum(1)).toBe('1,2,3,4,5,6,7,8');
    expect(sum(1, 0, 0, 0, 0, 0, 0, { h: 1 })).toBe('1,0,0,0,0,0,0,1');
    expect(() => Reflect.apply(sum, undefined, [1, 2, 3, 4, 5, 6, 7, 8, 9])).toThrow('at most 8 arguments');
  });
});

describe('refusals', () => {
  test.each<[args: unknown[], error: new (message: string) => Error, message: string]>([
    [[], ValueError, 'reduce: input must be a Tensor, got undefined'],
    [[null], ValueError, 'reduce: input must be a Tensor, got null'],
    [[{ input: x }], ValueError, 'reduce: input must be a Tensor, got a Object'],
    [[x, '0'], ShapeError, "reduce: dim must be a dim or an array of dims, got '0'"],
    [[x, 0, null], ValueError, 'reduce: keepdim must be true or false, got null'],
    [[x, 0, 1], ValueError, 'reduce: keepdim must be true or false, got 1'],
    [[x, 0, x], ValueError, 'reduce: keepdim must be true or false, got a Tensor'],
    [[x, 0, new Generator()], ValueError, 'reduce: keepdim must be true or false, got a Generator'],
    [[x, 0, new nn.Linear(1, 1)], ValueError, 'reduce: keepdim must be true or false, got a Linear'],
    [[x, 0, new Map([['keepdim', true]])], ValueError, 'reduce: keepdim must be true or false, got a Map'],
    [[x, 0, Int32Array.of(1)], ValueError, 'reduce: keepdim must be true or false, got a Int32Array'],
    [[x, { keepDim: true }], ValueError, "reduce: unknown option 'keepDim'; did you mean 'keepdim'?"],
    [[x, { size: 1 }], ValueError, "reduce: unknown option 'size'; known: dim, keepdim, dtype"],
    [[x, { input: x }], ValueError, "reduce: unknown option 'input'; known: dim, keepdim, dtype"],
    [[x, { keepDim: undefined }], ValueError, "reduce: unknown option 'keepDim'"],
    [[x, { keepdim: 1 }], ValueError, 'reduce: keepdim must be true or false, got 1'],
    [[x, { keepdim: null }], ValueError, 'reduce: keepdim must be true or false, got null'],
    [[x, { dtype: 'flaot32' }], DTypeError, "reduce: unknown dtype 'flaot32'; did you mean 'float32'?"],
    [[x, 0, { dim: 0 }], ValueError, 'reduce: dim is given twice, by position and by name'],
    [[x, { dim: 0 }, true], ShapeError, 'reduce: dim must be a dim or an array of dims, got a Object'],
    [[x, 0, { keepdim: true }, {}], ValueError, 'reduce: keepdim must be true or false, got a Object'],
    [
      [x, 0, true, 'float64'],
      ValueError,
      'reduce: expected at most 3 arguments (input, dim, keepdim), got 4; by name: { dtype }',
    ],
    [[x, 0, true, {}, {}], ValueError, 'reduce: expected at most 3 arguments (input, dim, keepdim), got 5'],
    [[x, 0, true, null], ValueError, 'reduce: expected at most 3 arguments (input, dim, keepdim), got 4'],
    [[x, 0, true, undefined, undefined, undefined, undefined, 0], ValueError, 'got 8'],
  ])('%#: %s', (args, error, message) => {
    expect(() => call(...args)).toThrow(error);
    expect(() => call(...args)).toThrow(message);
  });

  test.each<[args: unknown[], message: string]>([
    [[], 'make: rows must be an integer, at least 0, got undefined'],
    [[2], 'make: columns must be an integer, at least 0, got undefined'],
    [[{ rows: 2 }], 'make: columns must be an integer, at least 0, got undefined'],
    [[2, { rows: 2 }], 'make: rows is given twice, by position and by name'],
    [[2, { colunms: 2 }], "make: unknown option 'colunms'; did you mean 'columns'?"],
    [[2, 3, true, 4], 'make: expected at most 3 arguments (rows, columns, bias), got 4'],
  ])('%#: %s', (args, message) => {
    expect(() => make(...args)).toThrow(ValueError);
    expect(() => make(...args)).toThrow(message);
  });

  it('of arguments where none are taken', () => {
    const none = signature('', {});
    expect(none.read('f', [])).toEqual([]);
    expect(none.read('f', [undefined])).toEqual([]);
    expect(() => none.read('f', [1])).toThrow('f: expected no arguments, got 1');
    expect(() => none.read('f', [{ a: 1 }])).toThrow("f: unknown option 'a'; there are none");
  });

  it('of what looks like a tensor', () => {
    const message = 'reduce: input must be a Tensor, got a Proxy of one, or an object that has its prototype only';
    expect(() => call(new Proxy(x, {}))).toThrow(message);
    expect(() => call(Object.create(Tensor.prototype))).toThrow(message);
    expect(() => call(Object.create(Tensor.prototype))).toThrow(NablaError);
  });

  it('of an object of options, for those who have only one', () => {
    list.check('group', { keepdim: true });
    expect(() => list.check('group', null)).toThrow(
      'group: expected an object of options, { dim, keepdim, dtype }, got null',
    );
    expect(() => list.check('group', { keepdim: 1 })).toThrow('group: keepdim must be true or false, got 1');
    expect(() => list.check('group', { kepdim: true })).toThrow("group: unknown option 'kepdim'");
  });
});

describe('what can be options', () => {
  class Settings {
    keepdim = true;
  }

  it.each([null, 3, 'keepdim', [], new Map(), new Date(0), () => 0, Symbol('s'), x, Int32Array.of(1)])(
    'not %s',
    (options) => {
      expect(() => list.check('reduce', options)).toThrow(
        'reduce: expected an object of options, { dim, keepdim, dtype }, got',
      );
    },
  );

  it('objects of another realm, without a prototype, or of classes', () => {
    for (const options of [runInNewContext('({ keepdim: true })'), Object.create(null), new Settings()]) {
      expect(() => list.check('reduce', options)).not.toThrow();
    }
    const own = Object.defineProperty({}, '__proto__', { value: 1, enumerable: true });
    expect(() => list.check('reduce', own)).toThrow("unknown option '__proto__'");
  });
});

describe('lists and records', () => {
  const counts = kinds.listOf('an array of numbers', kinds.number);
  const numbers = kinds.oneOrList('a number or an array of numbers', kinds.number);
  const byName = kinds.recordOf('numbers by name', kinds.number);
  const taking = define(
    'f',
    signature('a, b, c', { a: counts, b: numbers.optional(), c: byName.optional() }),
    (a, b, c) => [a, b, c],
  );
  const call = (...args: readonly unknown[]): unknown => Reflect.apply(taking, undefined, args);

  it('are taken as they are', () => {
    const given = [[], [1, 2], Object.create(null)] as const;
    expect(call(...given)).toEqual(given);
    expect(call([1], 2, { x: 1 })).toEqual([[1], 2, { x: 1 }]);
    expect(call([1])).toEqual([[1], null, null]);
  });

  test.each<[args: unknown[], message: string]>([
    [[3], 'f: a must be an array of numbers, got 3'],
    [[[1, '2']], "f: a[1] must be a number, got '2'"],
    [[[], 'x'], "f: b must be a number or an array of numbers, or null, got 'x'"],
    [[[], [1, null]], 'f: b[1] must be a number, got null'],
    [[[], 1, { c: { x: 1, y: 'z' } }], "f: c.y must be a number, got 'z'"],
    [[[], 1, new Map()], 'f: c must be numbers by name, or null, got a Map'],
  ])('%#: %s', (args, message) => {
    expect(() => call(...args)).toThrow(ValueError);
    expect(() => call(...args)).toThrow(message);
  });

  it('of holes are looked at no further than the first', () => {
    expect(() => call(new Array(2 ** 32 - 1))).toThrow('f: a[0] must be a number, got undefined');
  });

  it('hold one tensor or several', () => {
    expect(kinds.tensorOrList.accepts(x) && kinds.tensorOrList.accepts([x, x]) && kinds.tensorOrList.accepts([])).toBe(
      true,
    );
    expect(kinds.tensorOrList.accepts([x, null])).toBe(false);
  });
});

describe('a function that returns a promise', () => {
  const later = defineAsync('later', needing, async (rows, columns, bias) => [rows, columns, bias]);

  it('gives what its body gives', async () => {
    await expect(later(1, { columns: 2 })).resolves.toEqual([1, 2, true]);
    expect(later.name).toBe('later');
  });

  it('rejects the promise, and does not throw, where it refuses', async () => {
    await expect(Reflect.apply(later, undefined, ['1'])).rejects.toThrow('later: rows must be an integer, at least 0');
  });
});

it('keeps the name of the function', () => {
  expect(reduce.name).toBe('reduce');
});
