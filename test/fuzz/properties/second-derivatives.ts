import fc from 'fast-check';
import { grad, manualSeed, NablaError, rand, randn, type Tensor } from 'nabla';
import { Choices, choices, severalChoices } from '../choices.js';
import { Finding, type Outcome, type Property, ran } from '../property.js';
import { lineOf, Scope, type Statement } from '../scope.js';
import { asModule, evaluate, indent } from '../script.js';
import { show } from '../values.js';

interface Random {
  readonly shape: number[];
  readonly body: number[][];
}

/** A smooth function of one tensor. */
interface Program {
  readonly shape: readonly number[];
  readonly body: readonly string[];
  /** What it returns: a value that everything in it flows into. */
  readonly result: string;
}

const SHAPES = [[2], [3], [2, 2], [1], [2, 3], [], [4, 1], [2, 2, 2], [17]];

/** Smooth everywhere, of moderate size. */
const UNARY = [
  '.mul(2)',
  '.square()',
  '.tanh()',
  '.sin()',
  '.sigmoid()',
  '.mul(0.5).exp()',
  '.square().add(1).log()',
  '.square().add(0.5).sqrt()',
  '.square().add(1).reciprocal()',
  '.softplus()',
  '.erf()',
  '.atan()',
  '.pow(3)',
  '.cos()',
  '.square().add(1).rsqrt()',
  '.expm1()',
  '.neg()',
  '.asinh()',
  '.square().log1p()',
  '.mul(1)',
  '.clone()',
  '.contiguous()',
  '.cumsum(-1)',
  '.mul(0.5).cumprod(-1)',
  '.logcumsumexp(-1)',
  '.sort(-1).values',
  '.topk(1, -1).values',
];
const FUNCTIONAL = ['gelu', 'silu'];
const REDUCTIONS = ['sum', 'mean', 'var', 'logsumexp', 'prod', 'norm'];
const IN_PLACE = ['mul_', 'add_', 'sub_', 'copy_', 'mul_', 'mul_'];
const IN_PLACE_UNARY = [
  'square_()',
  'tanh_()',
  'sin_()',
  'sigmoid_()',
  'pow_(2)',
  'mul_(0.5)',
  'neg_()',
  'zero_()',
  'fill_(0.5)',
  'cos_()',
  'atan_()',
  'erf_()',
  'asinh_()',
  'add_(1)',
  'div_(2)',
];

const dimOf = (x: Tensor, choose: Choices): number => (x.ndim === 0 ? 0 : choose.below(x.ndim));

function pureOf(name: string, x: Tensor, scope: Scope, choose: Choices): string {
  const dim = dimOf(x, choose);
  const same = scope.tensors((y) => y.shape.join() === x.shape.join());
  switch (
    choose.of([
      'unary',
      'binary',
      'unary',
      'binary',
      'reduce',
      'view',
      'softmax',
      'norm',
      'matmul',
      'join',
      'index',
      'where',
      'functional',
      'divide',
    ] as const)
  ) {
    case 'unary':
      return `${name}${choose.of(UNARY)}`;
    case 'binary':
      return `${name}.${choose.of(['mul', 'add', 'sub'])}(${choose.of(same)})`;
    case 'divide':
      return `${name}.div(${choose.of(same)}.square().add(1))`;
    case 'reduce': {
      const kind = choose.of(REDUCTIONS);
      if (kind === 'norm') return `${name}.square().add(0.1).norm(2, ${dim})`;
      // By one less than there are, the variance of one value divides by nothing.
      const correction = kind === 'var' ? 'correction: 0, ' : '';
      return `${name}.${kind}(${dim}, { ${correction}keepdim: ${choose.below(2) === 0} })`;
    }
    case 'view':
      return `${name}${choose.of(['.T', '.reshape([-1])', `.narrow(${dim}, 0, 1)`, `.select(${dim}, 0)`, '.unsqueeze(0)', `.expand(${show([2, ...x.shape])})`])}`;
    case 'softmax':
      return `${name}.${choose.of(['softmax', 'logSoftmax'])}(${dim})`;
    case 'norm':
      return `nn.functional.${choose.of(['layerNorm', 'rmsNorm'])}(${name}, [${x.shape.at(-1) ?? 1}], { eps: 0.1 })`;
    case 'matmul':
      return x.ndim === 2 ? `${name}.matmul(${name}.t())` : `${name}.mul(${name})`;
    case 'join':
      return `${choose.of(['cat', 'stack'])}([${name}, ${choose.of(same)}], ${dim})`;
    case 'index':
      return x.ndim === 0 ? `${name}.mul(3)` : `${name}.indexSelect(${dim}, tensor([0, 0], { dtype: 'int32' }))`;
    case 'where':
      return `where(onesLike(${name}).cumulated, ${name}, ${name})`.replace('.cumulated', '.gt(0)');
    case 'functional':
      return `nn.functional.${choose.of(FUNCTIONAL)}(${name})`;
  }
}

function writeOf(name: string, x: Tensor, scope: Scope, choose: Choices): string {
  const same = scope.tensors((y) => y.shape.join() === x.shape.join());
  const target = x.ndim > 0 && choose.oneIn(5) ? `${name}.narrow(0, 0, 1)` : name;
  if (target !== name) return `${target}.${choose.of(IN_PLACE_UNARY)}`;
  if (choose.below(2) === 0) return `${name}.${choose.of(IN_PLACE)}(${choose.of(same)})`;
  return choose.oneIn(6) ? `${name}.div_(${choose.of(same)}.square().add(1))` : `${name}.${choose.of(IN_PLACE_UNARY)}`;
}

function next(scope: Scope, choose: Choices): Statement | null {
  const name = choose.of(scope.tensors((x) => x.numel() <= 100));
  const x = scope.tensor(name);
  if (name !== 'x' && choose.below(3) === 0) return { code: writeOf(name, x, scope, choose) };
  return { name: scope.fresh('t'), code: pureOf(name, x, scope, choose) };
}

function write({ shape, body }: Random): Program {
  manualSeed(1);
  const scope = new Scope();
  const own = new Choices(shape).of(SHAPES);
  scope.variables.set('x', rand(own, { dtype: 'float64' }).mul(0.8).add(0.4).requiresGrad_());
  const lines: string[] = [];
  for (const numbers of body) {
    const made = next(scope, new Choices(numbers));
    if (made !== null && scope.run(made)) lines.push(lineOf(made));
  }
  const names = scope.tensors().slice(0, 3);
  const result = names
    .map((name) => `${name}.mul(1.5).sum()`)
    .join('.add(')
    .concat(')'.repeat(names.length - 1));
  return { shape: own, body: lines, result };
}

const codeOf = ({ body, result }: Program): string =>
  ['const f = (x) => {', indent([...body, `return ${result};`]), '};'].join('\n');

type F = (x: Tensor) => Tensor;

/** Gradient and gradient of the gradient along `v`; null where there is none. */
function derivatives(f: F, at: Tensor, v: Tensor): { first: Tensor; second: Tensor | null } {
  const x = at.detach().clone().requiresGrad_();
  const [first] = grad(f(x), x, { createGraph: true });
  if (!first!.requiresGrad) return { first: first!, second: null };
  const [second] = grad(first!.mul(v).sum(), x, { allowUnused: true });
  return { first: first!, second: second ?? null };
}

/** A derivative by differences, and how sure it is. */
function difference(g: (x: Tensor) => number, x: Tensor, u: Tensor): { value: number; error: number } {
  const slope = (step: number) => (g(x.add(u.mul(step))) - g(x.sub(u.mul(step)))) / (2 * step);
  const [wide, narrow] = [slope(2e-3), slope(1e-3)];
  return { value: (4 * narrow - wide) / 3, error: Math.abs(narrow - wide) };
}

function expectClose(what: string, actual: number, { value, error }: { value: number; error: number }): boolean {
  const size = 1 + Math.abs(value);
  if (!Number.isFinite(value) || error > 1e-3 * size) return false;
  if (!(Math.abs(actual - value) <= 1e-6 * size + error))
    throw new Finding(`${what} is ${actual}, by differences ${value}`);
  return true;
}

function check(program: Program): Outcome {
  const f = evaluate<F>(`${codeOf(program)} return f;`);
  manualSeed(2);
  const options = { dtype: 'float64' } as const;
  const x = rand([...program.shape], options)
    .mul(0.8)
    .add(0.4);
  const [u, v] = [randn([...program.shape], options), randn([...program.shape], options)];
  try {
    const { first, second } = derivatives(f, x, v);
    const along = (g: Tensor, direction: Tensor) => g.detach().mul(direction).sum().item();
    const sure = expectClose(
      'first derivative',
      along(first, u),
      difference((at) => f(at).item(), x, u),
    );
    const slope = (at: Tensor) => along(derivatives(f, at, v).first, v);
    const surer = expectClose('second derivative', second === null ? 0 : along(second, u), difference(slope, x, u));
    return sure && surer ? ran : { refused: 'differences say nothing here' };
  } catch (error) {
    if (error instanceof NablaError) return { refused: error.message };
    throw error;
  }
}

const SHOW = `
const slope = (at) => {
  const x = at.detach().clone().requiresGrad_();
  return { x, g: grad(f(x), x, { createGraph: true })[0] };
};
const { x, g } = slope(at);
const along = (y) => y.mul(v).sum();
const second = g.requiresGrad ? grad(along(g), x, { allowUnused: true })[0] : null;
console.log('second derivative', second === null ? 0 : second.mul(u).sum().item());
const by = (step) => along(slope(at.add(u.mul(step))).g).sub(along(slope(at.sub(u.mul(step))).g)).item() / (2 * step);
console.log('by differences   ', by(1e-3));
`;

function script(program: Program): string {
  const shape = show(program.shape);
  const values = [
    'manualSeed(2);',
    `const at = rand(${shape}, { dtype: 'float64' }).mul(0.8).add(0.4);`,
    `const [u, v] = [randn(${shape}, { dtype: 'float64' }), randn(${shape}, { dtype: 'float64' })];`,
  ];
  return asModule([codeOf(program), ...values].join('\n') + SHOW);
}

/** First and second derivatives, through operations in place too, are those that differences in float64 give. */
export const secondDerivatives: Property<Random, Program> = {
  name: 'second-derivatives',
  arbitrary: fc.record({ shape: choices, body: severalChoices(8) }),
  write,
  check,
  script,
  smaller: (program) =>
    program.body.map((_, i) => ({ ...program, body: program.body.filter((__, j) => j !== i) })).reverse(),
  refusals: 0.7,
  sample: 1000,
};
