import * as nabla from 'nabla';
import { optim, Tensor } from 'nabla';
import type { Choices } from './choices.js';
import { layerOf } from './layers.js';
import type { Scope, Statement } from './scope.js';
import { LENGTHS, numberOf, show } from './values.js';

/** A way of going on with a program: code for the next statement, or null where nothing fits. */
export interface Maker {
  readonly weight: number;
  readonly make: (scope: Scope, choose: Choices) => Statement | null;
}

const isFloat = (x: Tensor): boolean => x.dtype === 'float32' || x.dtype === 'float64';

/** What is worth less than this many elements may still grow. */
const MOST_ELEMENTS = 60_000;

function picked(
  scope: Scope,
  choose: Choices,
  condition: (x: Tensor, name: string) => boolean = () => true,
): string | null {
  const names = scope.tensors(condition);
  return names.length === 0 ? null : choose.of(names);
}

const broadcasts = (from: readonly number[], to: readonly number[]): boolean =>
  from.length <= to.length && from.every((n, i) => n === 1 || n === to[to.length - from.length + i]);

const together = (a: readonly number[], b: readonly number[]): boolean => {
  const length = Math.min(a.length, b.length);
  for (let i = 1; i <= length; i++) if (a.at(-i) !== b.at(-i) && a.at(-i) !== 1 && b.at(-i) !== 1) return false;
  return true;
};

/** How many elements two tensors that broadcast have together. */
function broadcastSize({ shape: a }: Tensor, { shape: b }: Tensor): number {
  let size = 1;
  for (let i = 1; i <= Math.max(a.length, b.length); i++) {
    const [left, right] = [a.at(-i) ?? 1, b.at(-i) ?? 1];
    size *= left === 1 ? right : left;
  }
  return size;
}

/** Something that can be combined with a tensor: another, or a number. */
function operand(x: Tensor, scope: Scope, choose: Choices): string {
  const others = scope.tensors((y) => together(x.shape, y.shape) && broadcastSize(x, y) <= MOST_ELEMENTS);
  const numbers = scope.numbers();
  if (numbers.length > 0 && choose.oneIn(6)) return choose.of(numbers);
  return others.length === 0 || choose.oneIn(4) ? numberOf(choose) : choose.of(others);
}

/** Something that a tensor can be overwritten with. */
function source(x: Tensor, scope: Scope, choose: Choices): string {
  const others = scope.tensors((y) => broadcasts(y.shape, x.shape));
  return others.length === 0 || choose.oneIn(5) ? numberOf(choose) : choose.of(others);
}

const dimOf = (x: Tensor, choose: Choices): number =>
  x.ndim === 0 ? 0 : choose.of([0, 0, x.ndim - 1, -1, 1 % x.ndim]);

/** Code on a tensor that the rest of the program can name. */
const onTensor =
  (
    code: (name: string, x: Tensor, scope: Scope, choose: Choices) => string | null,
    condition?: (x: Tensor) => boolean,
  ) =>
  (scope: Scope, choose: Choices): Statement | null => {
    const name = picked(scope, choose, condition);
    const made = name === null ? null : code(name, scope.tensor(name), scope, choose);
    return made === null ? null : { name: scope.fresh('t'), code: made };
  };

/** Elementwise methods, as the library's tables have them. */
const methodsOf = (operands: number): string[] =>
  Object.entries(nabla)
    .filter(
      ([name, fn]) => typeof fn === 'function' && Reflect.get(fn, 'operands') === operands && name in Tensor.prototype,
    )
    .map(([name]) => name);

// The common ones come up more often.
const UNARY = [
  ...['neg', 'square', 'exp', 'tanh', 'sigmoid', 'relu', 'abs', 'sin', 'log', 'sqrt', 'reciprocal', 'sign', 'floor'],
  ...['erf', 'round', 'softplus', 'positive', 'nanToNum', 'bitwiseNot'],
  ...methodsOf(1),
];
const BINARY = [
  ...['add', 'mul', 'sub', 'div', 'maximum', 'minimum', 'pow', 'eq', 'lt', 'ge', 'logicalAnd', 'nextafter', 'isclose'],
  ...methodsOf(2),
];
const REDUCTIONS = [
  'sum',
  'mean',
  'amax',
  'var',
  'prod',
  'amin',
  'norm2',
  'std',
  'argmax',
  'any',
  'all',
  'max1',
  'logsumexp',
];
const ACTIVATIONS = ['gelu', 'silu', 'leakyRelu', 'elu'];

export const unaryOf = (name: string, choose: Choices): string => `${name}.${choose.of(UNARY)}()`;

export function reductionOf(name: string, x: Tensor, choose: Choices): string {
  const kind = choose.of(REDUCTIONS);
  const whole = choose.oneIn(4);
  const dim = dimOf(x, choose);
  const keepdim = choose.oneIn(3) ? ', { keepdim: true }' : '';
  if (kind === 'norm2') return whole ? `${name}.norm()` : `${name}.norm(2, ${dim}${keepdim})`;
  if (kind === 'max1') return `${name}.max(${dim}${keepdim}).values`;
  if (kind === 'logsumexp') return `${name}.logsumexp(${dim}${keepdim})`;
  return whole && kind !== 'argmax' ? `${name}.${kind}()` : `${name}.${kind}(${dim}${keepdim})`;
}

const SCANS = ['cumsum', 'cumprod', 'cummax', 'cummin'];

export function scanOf(name: string, x: Tensor, choose: Choices): string {
  const kind = choose.of(isFloat(x) ? [...SCANS, 'logcumsumexp'] : SCANS);
  const result = kind === 'cummax' || kind === 'cummin' ? choose.of(['.values', '.indices']) : '';
  return `${name}.${kind}(${dimOf(x, choose)})${result}`;
}

/** What goes by the order of elements. Of floats alone there are quantiles. */
export function orderOf(name: string, x: Tensor, choose: Choices): string {
  const dim = dimOf(x, choose);
  const size = x.shape.at(dim) ?? 1;
  const kind = choose.of(['sort', 'argsort', 'topk', 'kthvalue', 'median', 'nanmedian', 'mode', 'quantile'] as const);
  const descending = choose.oneIn(2);
  switch (kind) {
    case 'sort':
      return `${name}.sort(${dim}, ${descending}).${choose.of(['values', 'indices'])}`;
    case 'argsort':
      return `${name}.argsort(${dim}, ${descending})`;
    case 'topk':
      return `${name}.topk(${Math.min(size, 1 + choose.below(4))}, ${dim}, ${descending}).values`;
    case 'kthvalue':
      return `${name}.kthvalue(${1 + choose.below(Math.max(1, size))}, ${dim}).${choose.of(['values', 'indices'])}`;
    case 'mode':
      return `${name}.mode(${dim}).values`;
    case 'median':
    case 'nanmedian':
      return choose.oneIn(3) ? `${name}.${kind}()` : `${name}.${kind}(${dim}).values`;
    case 'quantile':
      return isFloat(x) ? `${name}.quantile(${choose.of([0, 0.25, 0.5, 1])}, ${dim})` : `${name}.msort()`;
  }
}

/** Searches of a tensor's elements in those of another. */
function searchOf(name: string, _: Tensor, scope: Scope, choose: Choices): string {
  const line = choose.of(scope.tensors((y) => y.numel() <= MOST_ELEMENTS));
  const sorted = `${line}.flatten().sort().values`;
  return choose.of([`isin(${name}, ${line})`, `searchsorted(${sorted}, ${name})`, `bucketize(${name}, ${sorted})`]);
}

export function viewOf(name: string, x: Tensor, choose: Choices): string {
  const dim = dimOf(x, choose);
  const size = x.shape.at(dim) ?? 1;
  const kind = choose.of([
    'narrow',
    'select',
    't',
    'slice',
    'reshape',
    'split',
    'unsqueeze',
    'expand',
    'permute',
    'flatten',
    'unbind',
    'chunk',
    'view1',
  ] as const);
  const start = size === 0 ? 0 : choose.below(size);
  const length = size - start === 0 ? 0 : 1 + choose.below(size - start);
  switch (kind) {
    case 'narrow':
      return `${name}.narrow(${dim}, ${start}, ${length})`;
    case 'select':
      return `${name}.select(${dim}, ${start})`;
    case 't':
      return x.ndim === 2 ? `${name}.t()` : `${name}.T`;
    case 'slice':
      return `${name}.slice(${dim}, ${start}, ${start + length}, ${1 + choose.below(3)})`;
    case 'reshape':
      return x.ndim === 2 ? `${name}.reshape([${x.shape[1]}, ${x.shape[0]}])` : `${name}.reshape([-1])`;
    case 'split':
      return `${name}.split(${Math.max(1, length)}, ${dim})[0]`;
    case 'unsqueeze':
      return `${name}.unsqueeze(${choose.of([0, -1])})`;
    case 'expand':
      return `${name}.expand(${show([choose.of([2, 3]), ...x.shape])})`;
    case 'permute':
      return `${name}.permute(${show([...x.shape.keys()].reverse())})`;
    case 'flatten':
      return `${name}.flatten()`;
    case 'unbind':
      // Of nothing there is no part, and other calls may have other sizes.
      return `(${name}.unbind(${dim})[0] ?? ${name})`;
    case 'chunk':
      return `${name}.chunk(2, ${dim})[0]`;
    case 'view1':
      return `${name}.reshapeAs(${name})`;
  }
}

const MOST_MULTIPLY_ADDS = 4e6;

/** The multiply-adds of a product; at least as many as the elements of its result. */
const workOf = (left: Tensor, right: Tensor): number => {
  const [rows, columns] = [left.ndim < 2 ? 1 : left.shape.at(-2)!, right.ndim < 2 ? 1 : right.shape.at(-1)!];
  return Math.max(left.numel() * columns, right.numel() * rows);
};

/** A product with another matrix that fits, or with itself turned. */
function productOf(name: string, x: Tensor, scope: Scope, choose: Choices): string | null {
  const rights = scope.tensors(
    (y) => y.dtype === x.dtype && y.ndim >= 1 && y.shape.at(-2) === x.shape.at(-1) && workOf(x, y) < MOST_MULTIPLY_ADDS,
  );
  const lefts = scope.tensors(
    (y) => y.dtype === x.dtype && y.ndim === 2 && y.shape[1] === x.shape.at(-2) && workOf(y, x) < MOST_MULTIPLY_ADDS,
  );
  const kinds = [
    ...(rights.length > 0 ? ['right'] : []),
    ...(lefts.length > 0 ? ['left'] : []),
    ...(x.ndim === 2 && workOf(x, x.t()) < MOST_MULTIPLY_ADDS ? ['turned'] : []),
  ];
  if (kinds.length === 0) return null;
  const kind = choose.of(kinds);
  if (kind === 'turned') return `${name}.matmul(${name}.t())`;
  return kind === 'right' ? `${name}.matmul(${choose.of(rights)})` : `${choose.of(lefts)}.matmul(${name})`;
}

function joinOf(name: string, x: Tensor, scope: Scope, choose: Choices): string {
  const others = scope.tensors((y) => y.dtype === x.dtype && y.shape.join() === x.shape.join());
  const dim = dimOf(x, choose);
  return `${choose.of(['cat', 'stack'])}([${name}, ${choose.of(others)}], ${dim})`;
}

function indexOf(name: string, x: Tensor, choose: Choices): string | null {
  const dim = dimOf(x, choose);
  const size = x.shape.at(dim) ?? 0;
  if (size === 0 || x.ndim === 0) return null;
  const count = choose.of(LENGTHS.slice(0, 9));
  const kind = choose.of([
    'indexSelect',
    'gather',
    'index',
    'take',
    'indexPut',
    'scatterReduce',
    'scatterAdd',
    'scatter',
  ] as const);
  if (kind === 'indexSelect') return `${name}.indexSelect(${dim}, randint(${size}, [${count}]))`;
  const index = `randint(${size}, ${show(x.shape)})`;
  if (kind === 'gather') return `${name}.gather(${dim}, ${index})`;
  const entries = [...new Array<string>(dim < 0 ? dim + x.ndim : dim).fill("':'"), `randint(${size}, [${count}])`].join(
    ', ',
  );
  if (kind === 'index') return `${name}.index([${entries}])`;
  if (kind === 'take') return `${name}.take(${index})`;
  if (kind === 'indexPut') return `${name}.indexPut([${entries}], 2)`;
  if (kind === 'scatterReduce')
    return `${name}.scatterReduce(${dim}, ${index}, ${name}, '${choose.of(['amax', 'amin'])}')`;
  // Which of several values is kept is not said; so one only, everywhere.
  if (kind === 'scatter') return `${name}.scatter(${dim}, ${index}, 2)`;
  return `${name}.scatterAdd(${dim}, ${index}, ${name})`;
}

export function functionalOf(name: string, x: Tensor, choose: Choices): string {
  const kind = choose.of([
    'softmax',
    'logSoftmax',
    'layerNorm',
    'activation',
    'rmsNorm',
    'mse',
    'smoothL1',
    'crossEntropy',
    'bce',
  ] as const);
  const dim = dimOf(x, choose);
  const last = `[${x.shape.at(-1) ?? 1}]`;
  switch (kind) {
    case 'softmax':
    case 'logSoftmax':
      return `${name}.${kind}(${dim})`;
    case 'layerNorm':
    case 'rmsNorm':
      return `nn.functional.${kind}(${name}, ${last})`;
    case 'activation':
      return `nn.functional.${choose.of(ACTIVATIONS)}(${name})`;
    case 'mse':
      return `nn.functional.mseLoss(${name}, zerosLike(${name}))`;
    case 'smoothL1':
      return `nn.functional.smoothL1Loss(${name}, onesLike(${name}), { reduction: '${choose.of(['mean', 'sum', 'none'])}' })`;
    case 'crossEntropy':
      return x.ndim === 2
        ? `nn.functional.crossEntropy(${name}, randint(${Math.max(1, x.shape[1]!)}, [${x.shape[0]}]))`
        : `${name}.softmax(${dim})`;
    case 'bce':
      return `nn.functional.binaryCrossEntropyWithLogits(${name}, zerosLike(${name}))`;
  }
}

/** What makes a new tensor and changes nothing. Random draws are left to `draws`. */
export const pure: readonly Maker[] = [
  { weight: 10, make: onTensor((name, _, __, choose) => unaryOf(name, choose)) },
  {
    weight: 12,
    make: onTensor((name, x, scope, choose) => `${name}.${choose.of(BINARY)}(${operand(x, scope, choose)})`),
  },
  { weight: 12, make: onTensor((name, x, _, choose) => reductionOf(name, x, choose)) },
  { weight: 3, make: onTensor((name, x, _, choose) => scanOf(name, x, choose)) },
  {
    weight: 4,
    make: onTensor(
      (name, x, _, choose) => orderOf(name, x, choose),
      (x) => x.numel() <= MOST_ELEMENTS,
    ),
  },
  { weight: 1, make: onTensor(searchOf, (x) => x.numel() <= MOST_ELEMENTS) },
  { weight: 8, make: onTensor((name, x, _, choose) => viewOf(name, x, choose)) },
  { weight: 8, make: onTensor(productOf, (x) => x.ndim >= 1 && isFloat(x)) },
  { weight: 5, make: onTensor((name, x, _, choose) => functionalOf(name, x, choose), isFloat) },
  {
    weight: 5,
    make: onTensor(
      (name, x, _, choose) => layerOf(name, x, choose),
      (x) => isFloat(x) && x.numel() <= MOST_ELEMENTS / 10,
    ),
  },
  { weight: 3, make: onTensor(joinOf, (x) => x.numel() <= MOST_ELEMENTS / 2) },
  { weight: 3, make: onTensor((name, x, _, choose) => indexOf(name, x, choose)) },
  {
    weight: 3,
    make: onTensor(
      (name, _, __, choose) =>
        `${name}.${choose.of(['clone', 'contiguous', 'detach', 'double', 'float', 'int', 'bool'])}()`,
    ),
  },
  {
    weight: 2,
    make: onTensor((name, x, scope, choose) => `where(${name}.gt(0), ${name}, ${operand(x, scope, choose)})`),
  },
  {
    weight: 1,
    make: onTensor(
      (name, _, __, choose) => `${name}.clamp(${choose.of(['0', '-1', 'null'])}, ${choose.of(['1', '0.5'])})`,
    ),
  },
  {
    weight: 1,
    make: onTensor(
      (name, x, scope, choose) =>
        `${name}.maskedFill(${name}.lt(0), ${choose.of([numberOf(choose), operand(x, scope, choose)])})`,
    ),
  },
  {
    weight: 1,
    make: onTensor(
      (name, x, _, choose) => `${choose.of(['zerosLike', 'onesLike'])}(${name})${x.ndim === 0 ? '.add(1)' : ''}`,
    ),
  },
];

/** What draws from the stream that `manualSeed` starts. */
export const draws: readonly Maker[] = [
  {
    weight: 2,
    make: onTensor(
      (name, x, _, choose) => `${choose.of(['randnLike', 'randLike'])}(${name}${isFloat(x) ? '' : '.float()'})`,
    ),
  },
  {
    weight: 2,
    make: onTensor(
      (name, _, __, choose) => `nn.functional.dropout(${name}, { p: ${choose.of(['0.5', '0.2', '0', '1'])} })`,
      isFloat,
    ),
  },
  { weight: 1, make: (scope, choose) => ({ name: scope.fresh('t'), code: `randperm(${choose.of(LENGTHS)})` }) },
];

const IN_PLACE_UNARY = ['exp_', 'neg_', 'tanh_', 'relu_', 'square_', 'abs_', 'sqrt_', 'sigmoid_', 'zero_', 'sin_'];
const IN_PLACE_BINARY = ['add_', 'mul_', 'sub_', 'div_', 'copy_', 'copy_', 'maximum_'];
const REFILLS = [
  'normal_()',
  'uniform_()',
  'bernoulli_(0.5)',
  'fill_(0.5)',
  'clamp_(-1, 1)',
  'exponential_()',
  'geometric_(0.5)',
];

/** Code that overwrites something that can be named: a tensor, or part of it. */
function write(name: string, x: Tensor, scope: Scope, choose: Choices): string {
  switch (choose.of(['binary', 'binary', 'unary', 'refill', 'recurrence', 'masked'] as const)) {
    case 'binary':
      return `.${choose.of(IN_PLACE_BINARY)}(${source(x, scope, choose)})`;
    case 'unary':
      return `.${choose.of(IN_PLACE_UNARY)}()`;
    case 'refill':
      return `.${choose.of(REFILLS)}`;
    case 'recurrence':
      return `.copy_(${recurrence(name, x, scope, choose)})`;
    case 'masked':
      return `.maskedFill_(${name}.gt(0), ${numberOf(choose)})`;
  }
}

/** A value of a tensor's own shape that is computed from itself. */
function recurrence(name: string, x: Tensor, scope: Scope, choose: Choices): string {
  const square = scope.tensors((y) => y.ndim === 2 && y.dtype === x.dtype && y.shape[0] === y.shape[1]);
  const right = square.filter((other) => x.ndim === 2 && scope.tensor(other).shape[0] === x.shape[1]);
  const left = square.filter((other) => x.ndim === 2 && scope.tensor(other).shape[0] === x.shape[0]);
  if (right.length > 0 && choose.below(2) === 0)
    return `${name}.matmul(${choose.of(right)})${choose.of(['', '.tanh()'])}`;
  if (left.length > 0) return `${choose.of(left)}.matmul(${name})${choose.of(['', '.tanh()'])}`;
  const total = choose.of(['mean', 'sum', 'amax']);
  return `${name}.sub(${name}.${total}(${x.ndim === 0 ? '' : `${dimOf(x, choose)}, { keepdim: true }`}))`;
}

function overwrite(scope: Scope, choose: Choices): Statement | null {
  const name = picked(scope, choose);
  if (name === null) return null;
  const x = scope.tensor(name);
  const part = choose.oneIn(3) ? viewOf(name, x, choose) : name;
  const target = part === name ? x : viewed(scope, part);
  if (target === null) return null;
  const code = `${part}${write(part, target, scope, choose)}`;
  return { code: x.requiresGrad && x.isLeaf ? `noGrad(() => ${code})` : code };
}

function viewed(scope: Scope, code: string): Tensor | null {
  try {
    const view = scope.evaluate(code);
    return view instanceof Tensor ? view : null;
  } catch {
    return null;
  }
}

/** Gives a tensor that was made within another shape. */
function reshape(scope: Scope, choose: Choices): Statement | null {
  const name = picked(scope, choose, (x, made) => made.startsWith('t') && x.ndim < 6);
  if (name === null) return null;
  const x = scope.tensor(name);
  const forms = ['squeeze_()', 'unsqueeze_(0)', 'unsqueeze_(-1)'];
  if (x.ndim > 0) forms.push('transpose_(0, -1)');
  if (x.ndim <= 2) forms.push('t_()');
  return { code: `${name}.${choose.of(forms)}` };
}

/** What writes over something that is there. */
export const writes: readonly Maker[] = [
  { weight: 12, make: overwrite },
  { weight: 2, make: reshape },
  {
    weight: 3,
    make: (scope, choose) => {
      // Running statistics: a tensor outside is moved towards a reduction of what came.
      const state = picked(scope, choose, (_, name) => name.startsWith('s'));
      if (state === null) return null;
      const shape = scope.tensor(state).shape;
      const from = picked(scope, choose, (x) => x.ndim === shape.length + 1 && broadcasts(x.shape.slice(1), shape));
      if (from === null) return null;
      return {
        code: `${state}.mul_(0.9).add_(${from}.${choose.of(['mean', 'var', 'sum', 'amax'])}(0), { alpha: 0.1 })`,
      };
    },
  },
];

const differentiable = (x: Tensor): boolean => x.requiresGrad && isFloat(x);

export function lossOf(scope: Scope, choose: Choices): Statement | null {
  const name = picked(scope, choose, differentiable);
  if (name === null) return null;
  return {
    name: scope.fresh('l'),
    code: `${name}.${choose.of(['sum()', 'mean()', 'square().mean()', 'tanh().sum()', 'square().sum()'])}`,
  };
}

const scalar = (x: Tensor): boolean => x.numel() === 1 && differentiable(x);

export function backwardOf(scope: Scope, choose: Choices): Statement | null {
  const loss = picked(scope, choose, (x) => scalar(x) && !x.isLeaf);
  return loss === null ? lossOf(scope, choose) : { code: `${loss}.backward()` };
}

/** Gradients, accumulated or asked for, and what optimizers make of them. */
export const gradients: readonly Maker[] = [
  { weight: 4, make: lossOf },
  { weight: 6, make: backwardOf },
  {
    weight: 4,
    make: (scope, choose) => {
      const loss = picked(scope, choose, (x) => scalar(x) && !x.isLeaf);
      const leaf = picked(scope, choose, (x) => differentiable(x) && x.isLeaf);
      if (loss === null || leaf === null) return lossOf(scope, choose);
      return {
        name: scope.fresh('g'),
        code: `grad(${loss}, ${choose.oneIn(4) ? `${leaf}, { createGraph: true }` : leaf})[0]`,
      };
    },
  },
  {
    weight: 2,
    make: (scope, choose) => {
      const leaf = picked(scope, choose, (x) => x.isLeaf && x.requiresGrad);
      return leaf === null || scope.tensor(leaf).grad === null
        ? null
        : { name: scope.fresh('g'), code: `${leaf}.grad` };
    },
  },
  {
    weight: 2,
    make: (scope, choose) => {
      const name = picked(scope, choose, (x) => isFloat(x) && !x.requiresGrad);
      return name === null ? null : { name: scope.fresh('r'), code: `${name}.detach().clone().requiresGrad_()` };
    },
  },
  {
    weight: 2,
    make: (scope) => {
      const [schedule] = scope.instances(optim.lrScheduler.LRScheduler);
      return schedule === undefined ? null : { code: `${schedule}.step()` };
    },
  },
  {
    weight: 2,
    make: (scope, choose) => {
      const leaf = picked(scope, choose, (x) => x.isLeaf && x.requiresGrad && x.grad !== null);
      if (leaf === null) return null;
      return { code: choose.of([`nn.utils.clipGradNorm_([${leaf}], 0.1)`, `nn.utils.clipGradValue_(${leaf}, 0.01)`]) };
    },
  },
  {
    weight: 6,
    make: (scope, choose) => {
      const [sgd] = scope.instances(optim.Optimizer);
      return sgd === undefined ? null : { code: `${sgd}.${choose.of(['step()', 'zeroGrad()', 'step()'])}` };
    },
  },
];

/** Modules that are outside, called on what fits. */
export const modules: readonly Maker[] = [
  {
    weight: 5,
    make: (scope, choose) => {
      const names = [...scope.variables.keys()].filter((name) => name.startsWith('m'));
      if (names.length === 0) return null;
      const model = choose.of(names);
      const width = (scope.variables.get(model) as { at(i: number): { weight: Tensor } }).at(0).weight.shape[1];
      const name = picked(scope, choose, (x) => x.dtype === 'float32' && x.ndim >= 1 && x.shape.at(-1) === width);
      return name === null ? null : { name: scope.fresh('t'), code: `${model}.forward(${name})` };
    },
  },
];
