import fc from 'fast-check';
import { NablaError, type Tensor } from 'nabla';
import { Choices, choices } from '../choices.js';
import { watchGraphs } from '../history.js';
import { Finding, type Outcome, type Property, ran } from '../property.js';
import { asModule, evaluate, indent } from '../script.js';
import { differenceOf, gradientOf, type Snapshot, snapshot } from '../snapshot.js';
import { LENGTHS, show } from '../values.js';
import { codeOf, type RandomWorld, randomWorld, smallerWorlds, type World, writeWorld } from '../world.js';
import { isRefusal } from './captured.js';

interface Random {
  readonly world: RandomWorld;
  readonly run: number[];
}

/** A step and what around it changes; what it is called with, batch by batch. */
interface Program {
  readonly world: World;
  /** Code for tensors whose rows are the examples. */
  readonly rows: readonly string[];
  readonly options: string;
  /** Whether batches come one by one, rather than rows. */
  readonly oneByOne: boolean;
  readonly epochs: number;
  /** What is done between epochs. */
  readonly between: readonly string[];
}

function write({ world: random, run }: Random): Program {
  const choose = new Choices(run);
  const world = writeWorld({ ...random, args: random.args.slice(0, 1) }, (own) => [
    2,
    own.of(LENGTHS.filter((length) => length > 0)),
  ]);
  const examples = choose.of([4, 7, 20, 33, 101, 3]);
  const batch = choose.of([2, 3, 5, 8, 1]);
  const shape = [examples, ...world.shape.slice(1)];
  const options = [
    `batchSize: ${batch}`,
    ...(choose.oneIn(2) ? ['shuffle: true, generator: new Generator(3)'] : []),
    ...(choose.oneIn(3) ? ['dropLast: true'] : []),
  ];
  const between = world.calls.flatMap((call) => call.before);
  const loss = world.result[0] ?? 'x0';
  // A gradient may not be there.
  const scalar = `(${loss} ?? x0).mul(1.0).sum()`;
  return {
    world: { ...world, parameters: ['x0'], result: [scalar], calls: [] },
    rows: [`randn(${show(shape)})`],
    options: `{ ${options.join(', ')} }`,
    oneByOne: choose.oneIn(3),
    epochs: 1 + choose.below(3),
    between,
  };
}

function programOf({ world, rows, options, oneByOne, epochs, between }: Program): string {
  // A number among the arguments is the same in all steps.
  const setup = [...world.setup, 'const n = 0.5;', `const rows = [${rows.join(', ')}];`];
  const step = codeOf({ ...world, setup })
    .replace(/return \[(.*)\];\n {2}\};/, 'return $1;\n  };')
    .replace(/ {2}const calls = \[\n*\s*\];\n/, '')
    .replace('return { fn, calls, ', 'return { fn, loader, between, ');
  const loader = `const loader = new DataLoader(new TensorDataset(...rows), ${options});`;
  const changes =
    between.length === 0 ? 'const between = () => {};' : `const between = () => {\n${indent(between)}\n};`;
  const inside = indent([loader, changes]);
  const world2 = step.replace(/( {2}return \{ fn, loader)/, `${inside}\n$1`);
  const source = oneByOne ? '[...loader]' : 'loader';
  return [
    world2,
    'const loop = ({ fn, loader, between }) => {',
    '  const losses = [];',
    `  for (let epoch = 0; epoch < ${epochs}; epoch++) {`,
    '    for (const [x] of loader) losses.push(fn(x).item());',
    '    between();',
    '  }',
    '  return losses;',
    '};',
    'const inBackground = async ({ fn, loader, between }) => {',
    '  const step = capture(fn);',
    '  const losses = [];',
    oneByOne
      ? `  for (let epoch = 0; epoch < ${epochs}; epoch++) {\n    losses.push(...(await step.run(${source})));\n    between();\n  }`
      : `  losses.push(...(await step.run(${source}, { epochs: ${epochs}, onEpoch: () => between() })));`,
    '  return losses;',
    '};',
  ].join('\n');
}

interface Made {
  readonly world: () => { readonly state: readonly Tensor[] };
  readonly loop: (world: object) => number[];
  readonly inBackground: (world: object) => Promise<number[]>;
}

interface Ran {
  readonly losses: number[];
  readonly state: (Snapshot | null | undefined)[];
  readonly refused?: NablaError;
}

async function outcomeOf(state: readonly Tensor[], act: () => number[] | Promise<number[]>): Promise<Ran> {
  try {
    const losses = await act();
    const gradients = state.map((x) => {
      const gradient = gradientOf(x);
      return gradient && snapshot(gradient);
    });
    return { losses, state: [...state.map(snapshot), ...gradients] };
  } catch (error) {
    if (!(error instanceof NablaError)) throw error;
    return { losses: [], state: [], refused: error };
  }
}

/** A loop over no batches does nothing; a run says that there are none, since it was asked to train. */
const isRefusalOfRun = (error: NablaError): boolean =>
  isRefusal(error) || /: run: the source gave no batches/.test(error.message);

async function check(program: Program): Promise<Outcome> {
  const made = evaluate<Made>(`${programOf(program)} return { world, loop, inBackground };`);
  const plainly = made.world();
  const leavesGraph = watchGraphs(plainly.state);
  const plain = await outcomeOf(plainly.state, () => made.loop(plainly));
  if (leavesGraph()) return { refused: 'plainly: something outside becomes part of a graph' };
  const apart = made.world();
  const other = await outcomeOf(apart.state, () => made.inBackground(apart));
  if (plain.refused !== undefined && other.refused !== undefined)
    return { refused: `plainly: ${plain.refused.message}` };
  if (other.refused !== undefined && isRefusalOfRun(other.refused)) return { refused: other.refused.message };
  if (plain.refused?.name !== other.refused?.name) {
    throw new Finding(`in the background: ${other.refused ?? 'no error'}, plainly: ${plain.refused ?? 'no error'}`);
  }
  const different = plain.losses.findIndex((loss, i) => !Object.is(loss, other.losses[i]));
  if (different >= 0 || plain.losses.length !== other.losses.length) {
    throw new Finding(`loss ${different} is ${other.losses[different]}, expected ${plain.losses[different]}`);
  }
  for (const [i, expected] of plain.state.entries()) {
    const actual = other.state[i];
    if (actual === undefined || expected === undefined || (actual === null && expected === null)) continue;
    const difference = actual === null || expected === null ? 'is null on one side' : differenceOf(actual, expected);
    if (difference !== undefined) throw new Finding(`state ${i} ${difference}`);
  }
  return ran;
}

const SHOW = `
const plain = world();
console.log('plain     ', loop(plain), plain.state.map(String));
const other = world();
console.log('background', await inBackground(other), other.state.map(String));
`;

/** Steps that run in the background are those of a loop of plain calls: losses, state, gradients. */
export const background: Property<Random, Program> = {
  name: 'background',
  arbitrary: fc.record({ world: randomWorld, run: choices }),
  write,
  check,
  script: (program) => asModule(`${programOf(program)}\n${SHOW}`),
  smaller: (program) => [
    ...smallerWorlds(program.world)
      .filter((world) => world.result.length > 0 && world.parameters.length > 0)
      .map((world) => ({ ...program, world })),
    ...program.between.map((_, i) => ({ ...program, between: program.between.filter((__, j) => j !== i) })),
  ],
  refusals: 0.6,
  sample: 150,
};
