import { type Captured, capture, getNumThreads, setNumThreads } from 'nabla';
import type { Choices } from '../choices.js';
import { compare, type Fn, type History, run } from '../history.js';
import { Finding, type Outcome, type Property, ran } from '../property.js';
import { asModule } from '../script.js';
import { shapeOf } from '../values.js';
import { codeOf, type RandomWorld, randomWorld, smallerWorlds, type World, writeWorld } from '../world.js';

const SHAPES = [[257, 257], [70_001], [1025, 65], [3, 200, 111], [33, 4099], [2, 50_003], [50_003, 2]];

/** Mostly what is large enough to be shared out. */
const large = (choose: Choices): number[] => (choose.oneIn(5) ? shapeOf(choose) : choose.of(SHAPES));

function runOn(threads: number, world: World, wrap: (fn: Fn) => Fn): History {
  const before = getNumThreads();
  setNumThreads(threads);
  try {
    return run(world, wrap);
  } finally {
    setNumThreads(before);
  }
}

function check(world: World): Outcome {
  for (const wrap of [(fn: Fn) => fn, (fn: Fn) => capture(fn) as Captured<unknown[], unknown>]) {
    const [one, three] = [runOn(1, world, wrap), runOn(3, world, wrap)];
    if (one.refused?.message !== three.refused?.message || one.seen.length !== three.seen.length) {
      throw new Finding(`3 threads: ${three.refused ?? 'no error'}, 1 thread: ${one.refused ?? 'no error'}`);
    }
    for (const [i, seen] of one.seen.entries()) compare(three.seen[i]!, seen, `call ${i}`);
  }
  return ran;
}

const SHOW = `
const bits = (x) => (x instanceof Tensor ? [x.dtype, ...x.shape, ...x.toTypedArray()] : x.map(bits));
const run = (threads, wrap) => {
  setNumThreads(threads);
  const { fn, calls, state } = world();
  const f = wrap(fn);
  return calls.map((call) => [bits(call(f)), bits(state)]);
};
for (const wrap of [(fn) => fn, capture]) {
  const [one, three] = [1, 3].map((threads) => run(threads, wrap));
  for (const [i, expected] of one.entries()) {
    console.log('call', i, isDeepStrictEqual(three[i], expected) ? 'same' : 'different');
  }
}
`;

/** Results do not depend on the number of threads, captured or not. */
export const threads: Property<RandomWorld, World> = {
  name: 'threads',
  arbitrary: randomWorld,
  write: (random) => writeWorld(random, large),
  check,
  script: (world) => `import { isDeepStrictEqual } from 'node:util';\n${asModule(`${codeOf(world)}\n${SHOW}`)}`,
  smaller: smallerWorlds,
  refusals: 0,
  sample: 60,
};
