import { type Captured, CaptureError, capture, type NablaError } from 'nabla';
import { compare, type History, run } from '../history.js';
import { Finding, type Outcome, type Property, ran } from '../property.js';
import { asModule } from '../script.js';
import { differenceOf, snapshots } from '../snapshot.js';
import { codeOf, type RandomWorld, randomWorld, smallerWorlds, type World, writeWorld } from '../world.js';

/** Results are the caller's: later calls leave them alone, unless they show what the function changes. */
function checkKept(captured: History, plain: History): void {
  // What was refused on one side only, or at another place, did not change the same there: a step before a call, say.
  if (captured.refused?.message !== plain.refused?.message) return;
  for (const [i, result] of captured.results.entries()) {
    const now = snapshots(result);
    const then = captured.seen[i]!;
    const plainly = snapshots(plain.results[i]);
    for (const [where, value] of now) {
      const changed = differenceOf(value, then.get(where)!);
      if (changed === undefined || differenceOf(value, plainly.get(where)!) === undefined) continue;
      throw new Finding(`after all calls: ${where} of call ${i} was overwritten: ${changed}`);
    }
  }
}

/** What replays cannot do is refused, and so is what would need a gradient that only a replay knew. */
export const isRefusal = (error: NablaError): boolean =>
  error instanceof CaptureError || /within a captured function/.test(error.message);

function check(world: World): Outcome {
  const plain = run(world, (fn) => fn);
  const captured = run(world, (fn) => capture(fn) as Captured<unknown[], unknown>);
  const both = Math.min(plain.seen.length, captured.seen.length);
  for (let i = 0; i < both; i++) compare(captured.seen[i]!, plain.seen[i]!, `call ${i}`);
  checkKept(captured, plain);
  if (plain.leavesGraph === true) return ran;
  if (captured.refused !== undefined && isRefusal(captured.refused))
    return both >= 3 ? ran : { refused: captured.refused.message };
  if (captured.refused?.name !== plain.refused?.name || captured.seen.length !== plain.seen.length) {
    throw new Finding(`captured: ${captured.refused ?? 'no error'}, plain: ${plain.refused ?? 'no error'}`);
  }
  return ran;
}

const SHOW = `
const bits = (x) => (x instanceof Tensor ? [x.dtype, ...x.shape, ...x.toTypedArray()] : x.map(bits));
const run = (wrap) => {
  const { fn, calls, state } = world();
  const f = wrap(fn);
  return calls.map((call) => [bits(call(f)), bits(state)]);
};
const [plain, captured] = [run((fn) => fn), run((fn) => capture(fn))];
for (const [i, expected] of plain.entries()) {
  console.log('call', i, isDeepStrictEqual(captured[i], expected) ? 'same' : { plain: expected, captured: captured[i] });
}
`;

/** A captured function gives the bits of the plain one, and leaves the bits of the plain one in everything that it changes. */
export const captured: Property<RandomWorld, World> = {
  name: 'captured',
  arbitrary: randomWorld,
  write: writeWorld,
  check,
  script: (world) => `import { isDeepStrictEqual } from 'node:util';\n${asModule(`${codeOf(world)}\n${SHOW}`)}`,
  smaller: smallerWorlds,
  refusals: 0.5,
  sample: 600,
};
