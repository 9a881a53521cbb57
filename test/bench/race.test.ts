import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import type { Contender } from '../../bench/harness/contender.js';
import { Race } from '../../bench/harness/race.js';

const driver = fileURLToPath(new URL('fake-driver.mjs', import.meta.url));
const work = { kind: 'momentum', size: 1 } as const;
const race = new Race(3);

const contender = (behaviour: string, patience = 10): Contender => ({
  library: behaviour,
  threads: 1,
  command: process.execPath,
  args: [driver, behaviour],
  env: {},
  kinds: ['momentum'],
  patience,
});

async function run(...contenders: Contender[]) {
  const outcomes = await race.run(work, contenders);
  return contenders.map((each) => outcomes.get(each));
}

afterEach(() => race.stop());

it('times those who agree, round by round', async () => {
  const summary = { rounds: 3, minimum: 0.001, median: 0.001, spread: 0 };
  expect(await run(contender('agrees'), contender('agrees'))).toEqual([
    { kind: 'timed', summary },
    { kind: 'timed', summary },
  ]);
});

it('asks for a quantile of the iterations where that is the question', async () => {
  const agreeing = contender('agrees');
  const outcomes = await race.run(work, [agreeing], 0.5);
  expect(outcomes.get(agreeing)).toMatchObject({ kind: 'timed', summary: { median: 0.0005 } });
});

it('times nobody who computes something else', async () => {
  const [, other] = await run(contender('agrees'), contender('disagrees'));
  expect(other).toEqual({ kind: 'failed', why: 'computes something else: value 0 is 2, not 1' });
});

it('tells apart those who cannot, who fail, and who take too long', async () => {
  const [first, cannot, crashes] = await run(contender('agrees'), contender('cannot'), contender('crashes'));
  expect(first).toMatchObject({ kind: 'timed' });
  expect(cannot).toEqual({ kind: 'unsupported' });
  expect(crashes).toMatchObject({ kind: 'failed', why: expect.stringContaining('Error: out of order') });
  expect(await run(contender('sleeps', 1))).toEqual([{ kind: 'abandoned', seconds: 1 }]);
});

it('begins when the speed is steady', async () => {
  expect(await run(contender('practises'))).toMatchObject([{ kind: 'timed', summary: { minimum: 0.001, spread: 0 } }]);
});

it('says why a driver does not start', async () => {
  const [nothing] = await run({ ...contender('agrees'), command: 'no-such-program' });
  expect(nothing).toMatchObject({ kind: 'failed', why: expect.stringContaining('ENOENT') });
});

it('has a process of its own do what is done once, and takes the time of the processor', async () => {
  const contenders = ['agrees', 'disagrees', 'cannot'].map((behaviour) => contender(behaviour));
  const outcomes = await race.run({ kind: 'firstCall', network: 'chain', length: 1 }, contenders);
  expect(contenders.map((each) => outcomes.get(each))).toEqual([
    { kind: 'timed', summary: { rounds: 3, minimum: 0.25, median: 0.25, spread: 0 } },
    { kind: 'failed', why: 'computes something else: value 0 is 2, not 1' },
    { kind: 'unsupported' },
  ]);
});

it('measures loading in processes of its own', async () => {
  const agreeing = contender('agrees');
  const outcomes = await race.run({ kind: 'load' }, [agreeing]);
  expect(outcomes.get(agreeing)).toMatchObject({ kind: 'timed', summary: { rounds: 3, minimum: 0.5 } });
});
