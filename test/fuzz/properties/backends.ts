import fc from 'fast-check';
import { defaultGenerator, manualSeed, NablaError, noGrad, Tensor, tensor } from 'nabla';
import { type Backend, createJsBackend, openNativeBackend, useBackend } from '../../../lib/backend/index.js';
import { Choices, severalChoices } from '../choices.js';
import { Finding, type Outcome, type Property, ran } from '../property.js';
import { lineOf, Scope, type Statement } from '../scope.js';
import { asModule } from '../script.js';
import { differenceOf, snapshot, type Tolerance } from '../snapshot.js';
import {
  draws,
  functionalOf,
  type Maker,
  orderOf,
  pure,
  reductionOf,
  scanOf,
  unaryOf,
  viewOf,
  writes,
} from '../statements.js';
import { shapeOf, tensorOf } from '../values.js';

interface Random {
  readonly start: number[][];
  readonly body: number[][];
}

interface Program {
  readonly statements: readonly Statement[];
}

/** A derivative, of one operation on a tensor. */
const derivative: Maker = {
  weight: 1,
  make: (scope, choose) => {
    const names = scope.tensors((x) => x.dtype.startsWith('float'));
    if (names.length === 0) return null;
    const name = choose.of(names);
    const x = scope.tensor(name);
    const made = choose.of([
      unaryOf('z', choose),
      reductionOf('z', x, choose),
      scanOf('z', x, choose).replace('indices', 'values'),
      orderOf('z', x, choose).replace('indices', 'values').replace('argsort', 'sum'),
      functionalOf('z', x, choose),
      viewOf('z', x, choose),
    ]);
    return {
      name: scope.fresh('g'),
      code: `((z) => grad(${made}.square().sum(), z)[0])(${name}.detach().requiresGrad_())`,
    };
  },
};

const groups: readonly { readonly weight: number; readonly makers: readonly Maker[] }[] = [
  { weight: 8, makers: pure },
  { weight: 3, makers: writes },
  { weight: 3, makers: [derivative] },
  { weight: 1, makers: draws },
];

/** The two cores, in one process. What is allocated while the native one is open serves both. */
const native = openNativeBackend();
const js = createJsBackend();

function on<T>(backend: Backend, act: () => T): T {
  const before = useBackend(backend);
  try {
    return act();
  } finally {
    useBackend(before);
  }
}

function write({ start, body }: Random): Program {
  manualSeed(1);
  const scope = new Scope();
  const statements: Statement[] = [];
  const add = (made: Statement | null) => {
    if (made !== null && scope.run(made)) statements.push(made);
  };
  for (const numbers of start) {
    const choose = new Choices(numbers);
    add({ name: scope.fresh('x'), code: tensorOf(shapeOf(choose), choose) });
  }
  for (const numbers of body) {
    const choose = new Choices(numbers);
    add(choose.weighed(choose.weighed(groups).makers).make(scope, choose));
  }
  return { statements };
}

/** What a statement gives on a backend: an error, or nothing. */
function attempt(scope: Scope, { name, code }: Statement): NablaError | undefined {
  try {
    const value = scope.evaluate(code);
    if (name !== undefined) scope.variables.set(name, value);
    return undefined;
  } catch (error) {
    if (error instanceof NablaError) return error;
    throw error;
  }
}

const EXACT =
  /\.(neg|abs|sign|floor|round|add|sub|mul|div|maximum|minimum|eq|lt|ge|logical\w+|amax|amin|max|argmax|cumsum|cumprod|cummax|cummin|sort|argsort|msort|topk|kthvalue|median|nanmedian|mode|any|all|isnan|relu|gather|indexSelect|narrow|select|slice|reshape\w*|split|unsqueeze|expand|permute|flatten|unbind|chunk|t|clone|contiguous|detach|double|float|int|bool|clamp|fill_|zero_|copy_|neg_|abs_|relu_|add_|sub_|mul_|div_|maximum_|clamp_|normal_|uniform_|bernoulli_|maskedFill|maskedFill_|gt|T)\b/g;

/** Whether every element is to be the same: nothing in it rounds in an order of its own, nor goes through a function that is not exact. */
const isExact = (code: string): boolean =>
  !/[.(](\w+)\(/.test(
    code
      .replace(EXACT, '')
      .replace(
        /\b(randint|randn|rand|zerosLike|onesLike|where|cat|stack|noGrad|randnLike|randLike|randperm|isin|searchsorted|bucketize)\(/g,
        '',
      ),
  );

const largest = (values: ArrayLike<number>): number => {
  let most = 0;
  for (let i = 0; i < values.length; i++) if (Number.isFinite(values[i])) most = Math.max(most, Math.abs(values[i]!));
  return most;
};

/** The largest element of each tensor, which a statement may write over. */
const sizesOf = ({ variables }: Scope): Map<string, number> =>
  new Map(
    [...variables].flatMap(([name, x]) => (x instanceof Tensor ? [[name, largest(x.detach().toTypedArray())]] : [])),
  );

/** Whether a product of the elements may leave float64 on the way, and which of its infinities and zeros it then meets hangs on the order. */
function leavesDouble(x: Tensor): boolean {
  const bits = [...x.toTypedArray()].reduce((sum, v) => sum + (v === 0 ? 0 : Math.abs(Math.log2(Math.abs(v)))), 0);
  return !(bits < 1000);
}

/**
 * How far apart results may be that are not exact. Functions of one element keep to some units in the last place; sums and products to what rounding
 * their terms in another order can do.
 */
function toleranceOf(
  { code }: Statement,
  result: Tensor,
  scope: Scope,
  before: ReadonlyMap<string, number>,
): Tolerance {
  if (isExact(code)) return sameOrZeros(code);
  const epsilon = result.dtype === 'float64' ? 2 ** -52 : 2 ** -23;
  const read = [...scope.variables].filter(
    ([name, x]) => x instanceof Tensor && new RegExp(`\\b${name}\\b`).test(code),
  );
  const inputs = read.map(([, x]) => (x as Tensor).detach());
  if (/\bprod\(/.test(code) && inputs.some(leavesDouble)) return () => true;
  const sizes = read.map(([name]) => before.get(name) ?? 0);
  const size = Math.max(1, ...sizes, ...inputs.map((x) => largest(x.toTypedArray())));
  const terms = Math.max(1, ...inputs.map((x) => x.numel()));
  const scale = Math.max(largest(result.detach().toTypedArray()), 1) + size * size * Math.sqrt(terms);
  // A product adds up one term after the other: of equal terms all errors may go the same way. Those of a sum go either way.
  const chain = /matmul/.test(code) ? Math.max(0, ...inputs.flatMap((x) => x.shape)) / 8 : Math.sqrt(terms) / 2;
  const derived = /grad\(|layerNorm|rmsNorm|var|std|norm/.test(code) ? 500 : Math.max(16, chain);
  return (actual, expected) =>
    Object.is(actual, expected) ||
    actual === expected ||
    // So near to the end of the range, one of two may have gone over it.
    Math.abs(expected) > 1e37 ||
    Math.abs(actual) > 1e37 ||
    Math.abs(actual - expected) <= derived * epsilon * (Math.abs(expected) + scale);
}

/** Which of two zeros of different signs is the smaller is not fixed. */
const sameOrZeros = (code: string): Tolerance =>
  /\.(amin|amax|min|max|minimum|maximum|clamp)\b/.test(code)
    ? (actual, expected) => actual === expected || Object.is(actual, expected)
    : Object.is;

/** Integers that a float was cut down to: where it is near one, it may be on either side. */
const wholeTolerance = ({ code }: Statement): Tolerance =>
  isExact(code) ? Object.is : (actual, expected) => Math.abs(actual - expected) <= 1;

/** Compares what is there now, and has the other side go on from the native values: differences are to be those of one statement. */
function compareAll(statement: Statement, ours: Scope, theirs: Scope, before: ReadonlyMap<string, number>): void {
  for (const [name, x] of ours.variables) {
    const other = theirs.variables.get(name);
    if (!(x instanceof Tensor) || !(other instanceof Tensor)) continue;
    const [expected, actual] = [snapshot(other), snapshot(x)];
    if (differenceOf(actual, expected) === undefined) continue;
    const close = expected.dtype.startsWith('float')
      ? toleranceOf(statement, x, ours, before)
      : wholeTolerance(statement);
    const difference = differenceOf(actual, expected, close);
    if (difference !== undefined) throw new Finding(`${statement.code}: ${name} ${difference} (native, expected js)`);
    const values = tensor(actual.values, { dtype: x.dtype }).reshape([...x.shape]);
    try {
      noGrad(() => other.detach().copy_(values));
    } catch {
      theirs.variables.set(name, values);
    }
  }
}

function check({ statements }: Program): Outcome {
  const [ours, theirs] = [new Scope(), new Scope()];
  manualSeed(1);
  for (const statement of statements) {
    const before = on(native, () => sizesOf(ours));
    const stream = defaultGenerator.getState();
    const error = on(native, () => attempt(ours, statement));
    defaultGenerator.setState(stream);
    const other = on(js, () => attempt(theirs, statement));
    if (error?.message !== other?.message)
      throw new Finding(`${statement.code}: native ${error ?? 'no error'}, js ${other ?? 'no error'}`);
    on(native, () => compareAll(statement, ours, theirs, before));
  }
  return ran;
}

function script({ statements }: Program): string {
  const last = statements.at(-1)?.name ?? statements.find(({ name }) => name !== undefined)?.name;
  const lines = [
    '// Run it with NABLA_BACKEND=native, and with NABLA_BACKEND=js.',
    'manualSeed(1);',
    ...statements.map(lineOf),
    `console.log(String(${last}));`,
  ];
  return asModule(lines.join('\n'));
}

/** The native core says what the plain JavaScript one says, statement by statement. */
export const backends: Property<Random, Program> = {
  name: 'backends',
  arbitrary: fc.record({ start: severalChoices(3), body: severalChoices(10) }),
  write: (random) => on(native, () => write(random)),
  check,
  script,
  smaller: ({ statements }) =>
    statements.map((_, i) => ({ statements: statements.filter((__, j) => j !== i) })).reverse(),
  refusals: 0,
  sample: 400,
};
