import fc from 'fast-check';
import { manualSeed, type Tensor } from 'nabla';
import { Choices, choices, severalChoices } from './choices.js';
import { lineOf, Scope, type Statement } from './scope.js';
import { indent } from './script.js';
import { backwardOf, draws, gradients, lossOf, type Maker, modules, pure, viewOf, writes } from './statements.js';
import { floatsOf, LENGTHS, numberOf, shapeOf, show, tensorOf } from './values.js';

/** A function, the state around it, and how it is called. */
export interface World {
  readonly setup: readonly string[];
  readonly parameters: readonly string[];
  readonly body: readonly string[];
  readonly result: readonly string[];
  readonly calls: readonly Call[];
  /** What lives outside the function. */
  readonly state: readonly string[];
  /** That of the first argument. */
  readonly shape: readonly number[];
}

interface Call {
  readonly before: readonly string[];
  readonly args: readonly string[];
  /** Whether the state is looked at afterwards: to look at a gradient means to keep it. */
  readonly look: boolean;
}

export interface RandomWorld {
  readonly state: number[][];
  readonly args: number[][];
  readonly body: number[][];
  readonly result: number[];
  readonly calls: number[][];
}

export const randomWorld: fc.Arbitrary<RandomWorld> = fc.record({
  state: severalChoices(4, 0),
  args: severalChoices(2),
  body: severalChoices(14, 2),
  result: choices,
  calls: severalChoices(4, 2),
});

const groups: readonly { readonly weight: number; readonly makers: readonly Maker[] }[] = [
  { weight: 10, makers: pure },
  { weight: 5, makers: writes },
  { weight: 5, makers: gradients },
  { weight: 1, makers: draws },
  { weight: 2, makers: modules },
];

const only = (make: Maker['make']) => [{ weight: 1, makers: [{ weight: 1, make }] }];
const ZEROING = only(() => ({ code: 'sgd.zeroGrad()' }));
/** What every training step does: a loss, its gradients, an update. */
const STEP = [only(lossOf), only(backwardOf), only(() => ({ code: 'sgd.step()' }))];

/** The next statement of a program that is being written; none if what was chosen is refused. */
export function nextStatement(scope: Scope, choose: Choices, from = groups): Statement | null {
  for (let attempt = 0; attempt < 3; attempt++) {
    const { makers } = choose.weighed(from);
    const made = choose.weighed(makers).make(scope, choose);
    if (made !== null && scope.run(made)) return made;
  }
  return null;
}

const SHORT = LENGTHS.filter((length) => length < 34);

/** An optimizer of parameters `P`. */
const optimizers = [
  'SGD(P, { lr: 0.1 })',
  'SGD(P, { lr: 0.1, momentum: 0.9, dampening: 0.3 })',
  'SGD(P, { lr: 0.1, momentum: 0.5, nesterov: true, weightDecay: 0.01 })',
  'SGD(P, { lr: 0.1, maximize: true })',
  'Adam(P, { lr: 0.1 })',
  'Adam(P, { lr: 0.05, amsgrad: true, weightDecay: 0.1 })',
  'AdamW(P, { lr: 0.05, betas: [0.4, 0.9], maximize: true })',
  'Adamax(P, { lr: 0.05, weightDecay: 0.1 })',
  'NAdam(P, { lr: 0.05, weightDecay: 0.1, decoupledWeightDecay: true })',
  'RAdam(P, { lr: 0.05, betas: [0.9, 0.99] })',
  'Adagrad(P, { lr: 0.1, lrDecay: 0.2, initialAccumulatorValue: 0.1 })',
  'Adadelta(P, { rho: 0.7, weightDecay: 0.1 })',
  'RMSprop(P, { lr: 0.05, momentum: 0.5, centered: true, eps: 0.01 })',
  'Rprop(P, { stepSizes: [0.001, 0.02] })',
  'ASGD(P, { lr: 0.05, lambd: 0.1, t0: 2 })',
  'Adafactor(P, { lr: 0.05, weightDecay: 0.1 })',
];

/** A schedule of an optimizer. */
const schedulers = [
  'ExponentialLR(sgd, 0.7)',
  'StepLR(sgd, 2, 0.5)',
  'LambdaLR(sgd, (epoch) => 1 / (1 + epoch))',
  'LinearLR(sgd, 0.25, 1, 3)',
  'CosineAnnealingLR(sgd, 3)',
  'OneCycleLR(sgd, 0.2, 40, { cycleMomentum: "betas" in sgd.paramGroups[0] || "momentum" in sgd.paramGroups[0] })',
  'SequentialLR(sgd, [new optim.lrScheduler.ConstantLR(sgd), new optim.lrScheduler.PolynomialLR(sgd)], [2])',
];

/** What is no tensor and no model of the state around a function. */
const TRAINERS: readonly string[] = ['sgd', 'schedule'];

/** Parameters, buffers, a model, with an optimizer over all that learns. */
function setupOf(random: readonly number[][], width: number, scope: Scope): string[] {
  const lines: string[] = [];
  const add = (name: string, code: string) => {
    if (scope.run({ name, code })) lines.push(lineOf({ name, code }));
  };
  for (const numbers of random) {
    const choose = new Choices(numbers);
    const kind = choose.of(['state', 'parameter', 'parameter', 'model', 'square', 'state']);
    if (kind === 'state')
      add(scope.fresh('s'), choose.oneIn(3) ? tensorOf(shapeOf(choose), choose) : `zeros([${width}])`);
    if (kind === 'parameter')
      add(
        scope.fresh('w'),
        `${floatsOf([width, choose.of(width > 100 ? SHORT : LENGTHS)], choose, false)}.requiresGrad_()`,
      );
    if (kind === 'square' && width < 300)
      add(scope.fresh('w'), `${floatsOf([width, width], choose, false)}.requiresGrad_()`);
    if (kind === 'model') {
      const inner = choose.of(LENGTHS.slice(0, 9));
      const layer = choose.of([
        'new nn.ReLU()',
        'new nn.Tanh()',
        'new nn.Dropout(0.3)',
        `new nn.LayerNorm([${inner}])`,
      ]);
      add(
        scope.fresh('m'),
        `new nn.Sequential(new nn.Linear(${width}, ${inner}), ${layer}, new nn.Linear(${inner}, 2))`,
      );
    }
  }
  const choose = new Choices(random.at(-1) ?? []);
  const names = [...scope.variables.keys()];
  const learned = [
    ...names.filter((name) => name.startsWith('w')),
    ...names.filter((name) => name.startsWith('m')).map((name) => `...${name}.parameters()`),
  ];
  if (learned.length > 0) {
    add('sgd', `new optim.${choose.of(optimizers).replace('P', `[${learned.join(', ')}]`)}`);
    if (choose.oneIn(2)) add('schedule', `new optim.lrScheduler.${choose.of(schedulers)}`);
  }
  return lines;
}

function beforeCall(scope: Scope, choose: Choices): string[] {
  const leaves = [...scope.variables.keys()].filter((name) => name.startsWith('w'));
  const states = [...scope.variables.keys()].filter((name) => /^s\d/.test(name));
  const possible = [
    ...leaves.flatMap((name) => [
      `${name}.requiresGrad = false;`,
      `${name}.requiresGrad = true;`,
      `${name}.grad = null;`,
    ]),
    ...leaves.map((name) => `noGrad(() => ${name}.mul_(0.5));`),
    ...leaves.map((name) => `${name}.data = ${name}.detach().clone();`),
    ...states.map((name) => `${name}.add_(1);`),
    ...(scope.variables.has('sgd') ? ['sgd.zeroGrad();', 'sgd.paramGroups[0].lr = 0.01;', 'sgd.step();'] : []),
    ...(scope.variables.has('schedule') ? ['schedule.step();'] : []),
    ...[...scope.variables.keys()]
      .filter((name) => name.startsWith('m'))
      .flatMap((name) => [`${name}.eval();`, `${name}.train();`]),
  ];
  return possible.length === 0 || !choose.oneIn(3) ? [] : [choose.of(possible)];
}

/** The function, written while it runs for the first time, with the state around it and its calls. */
export function writeWorld(random: RandomWorld, shapes = shapeOf): World {
  manualSeed(1);
  const scope = new Scope();
  const first = new Choices(random.args[0]!);
  const shape = shapes(first);
  const setup = setupOf(random.state, shape.at(-1) ?? 1, scope);
  const state = [...scope.variables.keys()].filter((name) => !TRAINERS.includes(name));

  const args = random.args.map((numbers, i) => {
    const choose = new Choices(numbers);
    const own = choose.of(i === 0 ? [shape] : [shape, shape, shape.slice(1), shapes(choose)]);
    return { name: `x${i}`, shape: own, kept: `a${i}`, choose };
  });
  for (const arg of args) {
    let kept = { name: arg.kept, code: tensorOf(arg.shape, arg.choose) };
    if (!scope.run(kept)) {
      kept = { name: arg.kept, code: `randn(${show(arg.shape)})` };
      scope.run(kept);
    }
    setup.push(lineOf(kept));
    state.push(arg.kept);
    scope.variables.set(arg.name, (scope.variables.get(arg.kept) as Tensor).clone());
  }
  const hasNumber = first.oneIn(3);
  const outside = new Scope();
  for (const [name, value] of scope.variables) outside.variables.set(name, value);
  for (const arg of args) scope.variables.delete(arg.kept);
  if (hasNumber) scope.variables.set('n', 0.5);

  const body: string[] = [];
  const go = (made: Statement | null) => {
    if (made !== null) body.push(lineOf(made));
  };
  const trains = scope.variables.has('sgd') && first.below(2) === 1;
  if (trains) go(nextStatement(scope, first, ZEROING));
  random.body.forEach((numbers, i) => {
    // A step is in the middle, so that something comes after it.
    if (trains && i === Math.ceil(random.body.length * 0.7))
      for (const from of STEP) go(nextStatement(scope, first, from));
    go(nextStatement(scope, new Choices(numbers)));
  });
  const parameters = [...args.map(({ name }) => name), ...(hasNumber ? ['n'] : [])];
  const calls = random.calls.map((numbers, i): Call => {
    const choose = new Choices(numbers);
    const rows = choose.of([null, null, null, choose.of(LENGTHS)]);
    const tensors = args.map((arg) => argumentOf(arg, rows, outside, choose));
    return {
      before: i === 0 ? [] : beforeCall(outside, choose),
      args: [...tensors, ...(hasNumber ? [numberOf(choose)] : [])],
      look: choose.below(2) === 0,
    };
  });
  return { setup, parameters, body, result: resultOf(scope, new Choices(random.result)), calls, state, shape };
}

/** An argument of one call: values of its own, or the same tensor as in other calls. */
function argumentOf(
  arg: { shape: readonly number[]; kept: string },
  rows: number | null,
  scope: Scope,
  choose: Choices,
): string {
  const { shape, kept } = arg;
  const other = rows === null || shape.length < 2 ? shape : shape.with(0, rows);
  const dtype = scope.tensor(kept).dtype;
  switch (choose.of(['fresh', 'kept', 'kept', 'strided', 'part'])) {
    case 'fresh':
      return dtype === 'float32' ? floatsOf(other, choose) : `${floatsOf(other, choose, false)}.to('${dtype}')`;
    case 'kept':
      return kept;
    case 'strided':
      return tensorOf(other, choose);
    case 'part':
      return choose.oneIn(3) ? viewOf(kept, scope.tensor(kept), choose) : `${kept}.add(1)`;
  }
  return kept;
}

/** What the function returns: one to three of its variables, gradients among them. */
function resultOf(scope: Scope, choose: Choices): string[] {
  const made = scope.tensors((_, name) => /^[tlg]\d/.test(name));
  const shown = [
    ...made,
    ...made,
    ...made.slice(0, 3),
    ...made.slice(0, 3),
    ...scope.tensors((x, name) => /^[xsw]\d/.test(name) && !(x.requiresGrad && choose.oneIn(2))),
  ];
  const gradients = scope.tensors((x) => x.isLeaf && x.grad !== null).map((name) => `${name}.grad`);
  const all = [...shown, ...gradients, ...gradients];
  if (all.length === 0) return [];
  return [...new Set(Array.from({ length: 1 + choose.below(3) }, () => choose.of(all)))];
}

/** Code that makes the function with fresh state around it. */
export function codeOf({ setup, parameters, body, result, calls, state }: World): string {
  const callCode = ({ before, args }: Call) => {
    const call = `f(${args.join(', ')})`;
    return before.length === 0 ? `(f) => ${call},` : `(f) => {\n${indent([...before, `return ${call};`])}\n},`;
  };
  const parameter = (name: string) => (name.startsWith('m') ? `...${name}.parameters()` : name);
  return [
    'function world() {',
    indent(['manualSeed(1);', ...setup]),
    indent([`const fn = (${parameters.join(', ')}) => {`, indent([...body, `return [${result.join(', ')}];`]), '};']),
    indent(['const calls = [', indent(calls.map(callCode)), '];']),
    indent([`return { fn, calls, state: [${state.map(parameter).join(', ')}] };`]),
    '}',
  ].join('\n');
}

const without = <T>(items: readonly T[], i: number): T[] => items.filter((_, j) => j !== i);

/** Programs with a line, a result, a call or a statement between calls less. */
export function smallerWorlds(world: World): World[] {
  const { setup, parameters, body, result, calls, state } = world;
  const stateNames = (line: string) => /^const (\w+)/.exec(line)?.[1] ?? '';
  return [
    ...body.map((_, i) => ({ ...world, body: without(body, i) })).reverse(),
    ...calls.map((_, i) => ({ ...world, calls: without(calls, i) })),
    ...setup.map((line, i) => ({
      ...world,
      setup: without(setup, i),
      state: state.filter((name) => name !== stateNames(line)),
    })),
    ...result.map((_, i) => ({ ...world, result: without(result, i) })),
    ...parameters.map((_, i) => {
      const fewer = calls.map((call) => ({ ...call, args: without(call.args, i) }));
      return { ...world, parameters: without(parameters, i), calls: fewer };
    }),
    ...calls.flatMap((call, i) =>
      call.before.length === 0 ? [] : [{ ...world, calls: calls.with(i, { ...call, before: [] }) }],
    ),
  ];
}
