import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as nabla from 'nabla';
import { NablaError } from 'nabla';
import { Choices, choices } from '../choices.js';
import { Finding, type Outcome, type Property, ran } from '../property.js';
import { asModule, evaluate } from '../script.js';
import { type Callable, callables, type Kind, type Parameter } from '../signatures.js';

/** A call with one argument, or one option, that is not what it should be. */
interface Program {
  readonly code: string;
  /** What was called, and which argument is wrong. */
  readonly where: string;
  /** Whether a value of this kind has no place there, so that the call must not succeed. */
  readonly wrong: boolean;
}

const JUNK: readonly (readonly [Kind, string])[] = [
  ['undefined', 'undefined'],
  ['null', 'null'],
  ['number', 'NaN'],
  ['number', 'Infinity'],
  ['number', '-1'],
  ['number', '0.5'],
  ['number', '-0'],
  ['number', '1e15'],
  ['number', '2 ** 53'],
  ['number', '-(2 ** 31)'],
  ['string', "'3'"],
  ['string', "''"],
  ['string', "'float32'"],
  ['boolean', 'true'],
  ['array', '[]'],
  ['array', '[1, 2]'],
  ['array', '[NaN]'],
  ['array', '[-1, 2]'],
  ['array', '[0.5]'],
  ['array', "['a']"],
  ['array', '[undefined]'],
  ['array', '[1e15]'],
  ['array', 'Array(100).fill(1)'],
  ['array', '[[1], [2, 3]]'],
  ['array', '(() => { const a = []; a.push(a); return a; })()'],
  ['object', '{}'],
  ['object', '{ nothing: 1 }'],
  ['object', "{ dtype: 'x' }"],
  ['object', 'Object.create(null)'],
  ['other', '10n'],
  ['other', "Symbol('s')"],
  ['other', '() => 1'],
  ['other', 'new Date(0)'],
  ['other', 'new Map([[1, 2]])'],
  ['other', 'new Float32Array(3)'],
  ['other', 'Promise.resolve(1)'],
  ['other', '/x/'],
  ['tensor', "tensor([1, 2], { dtype: 'int32' })"],
  ['tensor', 'tensor(true)'],
  ['tensor', 'zeros([0])'],
  ['tensor', 'ones([3, 2]).t()'],
  ['tensor', 'tensor(NaN)'],
  ['tensor', 'ones([2, 3]).requiresGrad_()'],
  ['tensor', "ones([2, 2, 2], { dtype: 'float64' })"],
];

/** What is right where a parameter is called so. */
const BY_NAME: Readonly<Record<string, readonly string[]>> = {
  dim: ['0', '1'],
  dims: ['[1, 0]'],
  index: ['randint(2, [2, 3])', '0'],
  target: ['randn([2, 3])', "'float64'", 'randint(3, [2])'],
  tensors: ['[ones([2, 3]), ones([2, 3])]', '{ a: ones([2]) }'],
  items: ['[ones([2])]'],
  dtype: ["'float64'"],
  path: ["'/nowhere/file'"],
  folder: ["'/nowhere'"],
  model: ['new nn.Linear(3, 2)'],
  params: ['[ones([2]).requiresGrad_()]'],
  fn: ['(x) => x'],
  build: ['(x) => exp(x)'],
  data: ['[1, 2]', '[ones([2, 3]), ones([2, 2])]'],
  dataset: ['new TensorDataset(ones([4, 2]))'],
  mask: ['ones([2, 3]).bool()'],
  condition: ['ones([2, 3]).bool()'],
  indices: ['[0, 1]'],
  lengths: ['[2, 2]'],
  size: ['4'],
  length: ['1'],
  bytes: ['new Uint8Array(20)'],
  normalizedShape: ['[3]'],
  sizes: ['[1, 1]'],
};

const BY_KIND: Readonly<Partial<Record<Kind, readonly string[]>>> = {
  tensor: ['randn([2, 3])', 'randn([3, 3])', 'ones([2, 3])'],
  number: ['1', '2', '0'],
  boolean: ['true'],
  string: ["'mean'", "'sum'"],
  array: ['[2, 3]', '[1]'],
  object: ['{}'],
};

/** These change what the process does, take what only a person can give, or are no names of variables. */
const LEFT_OUT = /Error$|^new (Expr|Tensor|Metric|optim\.Optimizer)$|^var$/;

const properties = Object.entries(Object.getOwnPropertyDescriptors(nabla.Tensor.prototype));
const methods = new Set(properties.filter(([, { value }]) => typeof value === 'function').map(([name]) => name));

/** What has methods that are no functions of their own. */
const INSTANCES = [
  'ones([2, 3])',
  'ones([]).requiresGrad_()',
  'new Generator(0)',
  'new nn.Linear(3, 2)',
  'new nn.Sequential(new nn.Linear(3, 2))',
  'new nn.ModuleList([new nn.Tanh()])',
  'new nn.ModuleDict({ a: new nn.Tanh() })',
  'new nn.ParameterList([ones([2])])',
  'new nn.ParameterDict({ a: ones([2]) })',
  'new nn.Dropout()',
  'new nn.ZeroPad1d(1)',
  'new nn.CrossEntropyLoss()',
  'new optim.SGD([ones([2]).requiresGrad_()])',
  'new optim.lrScheduler.StepLR(new optim.SGD([ones([2]).requiresGrad_()]), 2)',
  'new TensorDataset(ones([4, 2]))',
  'new Subset(new TensorDataset(ones([4, 2])), [0, 1])',
  'new DataLoader(new TensorDataset(ones([4, 2])), 2)',
  'new RandomSampler(3)',
  'new SequentialSampler(3)',
  'new Accuracy()',
  'new ConfusionMatrix({ numClasses: 2 })',
  'new MeanMetric()',
  'new R2Score()',
  'new AUROC()',
  'capture((x) => add(x, 1).sum())',
  'batched((x) => x)',
];

const lib = join(import.meta.dirname, '../../../lib');
const sources = readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));

/** Names of members that TypeScript keeps to the library and to subclasses. */
const HIDDEN = new Set(
  sources.flatMap((name) =>
    [
      ...readFileSync(join(lib, name), 'utf8').matchAll(
        /^ +(?:\/\*\* @internal[^\n]*\*\/\n +|protected )(?:(?:abstract|override|static|readonly|async|get|set) )*(\w+)/gm,
      ),
    ].map(([, member]) => member!),
  ),
);

/** The properties of an object and of what it inherits from, by name. */
function descriptorsOf(value: object): Map<string, PropertyDescriptor> {
  const found = new Map<string, PropertyDescriptor>();
  for (let at: object | null = value; at !== null && at !== Function.prototype; at = Object.getPrototypeOf(at)) {
    if (at === Object.prototype) break;
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(at)))
      if (name !== 'constructor' && !found.has(name) && !HIDDEN.has(name)) found.set(name, descriptor);
  }
  return found;
}

const anything = (name: string): Parameter => ({ name, kinds: null, options: [] });

/** Methods of an instance, and what sets its properties. */
function membersOf(instance: string): Callable[] {
  const descriptors = [...descriptorsOf(evaluate<object>(`return ${instance};`))];
  return descriptors.flatMap(([name, { value, set }]): Callable[] => {
    if (set !== undefined) {
      return [{ code: `((value) => { ${instance}.${name} = value; })`, parameters: [anything('value')] }];
    }
    if (typeof value !== 'function' || !/^\w+$/.test(name) || name in nabla) return [];
    return [{ code: `${instance}.${name}`, parameters: ['first', 'second', 'third'].map(anything) }];
  });
}

const called: readonly Callable[] = [
  ...callables().filter(({ code }) => !LEFT_OUT.test(code)),
  ...INSTANCES.flatMap(membersOf),
];

function rightFor({ name, kinds }: Parameter, choose: Choices): string {
  const named = BY_NAME[name];
  if (named !== undefined) return choose.of(named);
  const kind = [...(kinds ?? [])].find((one) => one in BY_KIND);
  return kind === undefined ? choose.of(JUNK)[1] : choose.of(BY_KIND[kind]!);
}

function write(random: number[]): Program {
  const choose = new Choices(random);
  const { code, parameters } = choose.of(called);
  const at = choose.below(parameters.length);
  const [kind, junk] = choose.of(JUNK);
  const parameter = parameters[at]!;
  const option = parameter.options.length > 0 && choose.below(4) > 0 ? choose.of(parameter.options) : undefined;
  const bad = option === undefined ? junk : `{ ${option.name}: ${junk} }`;
  const needed = Math.max(at + 1, parameters.filter(({ kinds }) => kinds !== null && !kinds.has('undefined')).length);
  const args = parameters.slice(0, needed).map((one, i) => (i === at ? bad : rightFor(one, choose)));
  const kinds = (option ?? parameter).kinds;
  // A method of what is right, now and then, where the first argument is.
  const isMethod = at > 0 && methods.has(code) && parameters[0]!.kinds?.has('tensor') === true && choose.below(3) === 0;
  const call = isMethod ? `ones([2, 3]).${code}(${args.slice(1).join(', ')})` : `${code}(${args.join(', ')})`;
  const where = `${code}: ${option === undefined ? parameter.name : `${parameter.name}.${option.name}`}`;
  // By name, undefined is what is not given.
  const isGiven = option === undefined || kind !== 'undefined';
  return { code: call, where, wrong: isGiven && kinds !== null && !kinds.has(kind) };
}

/** Errors of the system say what it was that failed: no such file, and the like. */
const isOfSystem = (error: Error): boolean => 'syscall' in error;

async function check({ code, where, wrong }: Program): Promise<Outcome> {
  try {
    await evaluate<unknown>(`return (${code});`);
  } catch (error) {
    if (error instanceof NablaError || (error instanceof Error && isOfSystem(error))) return ran;
    throw new Finding(`${where}: ${String(error)}, expected a NablaError`);
  }
  if (wrong) throw new Finding(`${where}: a value of a wrong type is taken`);
  return ran;
}

/** Every public function refuses what it cannot take, with a NablaError. */
export const args: Property<number[], Program> = {
  name: 'arguments',
  arbitrary: choices,
  write,
  check,
  script: ({ code }) => asModule(`console.log(await ${code});`),
  refusals: 0,
  sample: 3000,
};
