import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { eachOf, searchApart } from './explore.js';
import { properties } from './properties/index.js';
import type { AnyProperty } from './property.js';
import type { Failure, SearchOptions, Totals } from './search.js';

const USAGE = `usage: npm run fuzz -- [--minutes N | --sample] [--property NAME]... [--seed N [--path PATH]]

Runs random programs, in processes of their own, and prints those that show that something is wrong, made as small as can be.
Exits with 1 if there are any.

  --minutes N        how long, over all properties together (default 10)
  --sample           the same programs every time, as CI runs them
  --property NAME    one of ${properties.map(({ name }) => name).join(', ')}; default: all
  --seed N           where random numbers start (default: the time)
  --path PATH        the program that a failure was printed with: needs --property and --seed
  --verbose          what was refused, and how often`;

/** Long enough to be worth a process. */
const TURN = 20_000;
const SAMPLE_SEED = 20_240_901;
/** A property of fewer programs says nothing about how many are refused. */
const ENOUGH = 50;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    sample: { type: 'boolean', default: false },
    property: { type: 'string', multiple: true, default: [] },
    seed: { type: 'string' },
    path: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

function fail(message: string): never {
  console.error(`${message}\n\n${USAGE}`);
  process.exit(2);
}

function numberIn(text: string, name: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) fail(`--${name}: expected a number, got ${text}`);
  return value;
}

const chosen: AnyProperty[] = values.property.length === 0 ? [...properties] : values.property.map(propertyOf);

function propertyOf(name: string): AnyProperty {
  return properties.find((one) => one.name === name) ?? fail(`--property: there is no ${name}`);
}

interface Sum {
  programs: number;
  refused: number;
  readonly reasons: Map<string, number>;
}

const sums = new Map<AnyProperty, Sum>(chosen.map((one) => [one, { programs: 0, refused: 0, reasons: new Map() }]));
let failures = 0;

function add(property: AnyProperty, totals: Totals): void {
  const sum = sums.get(property)!;
  sum.programs += totals.programs;
  sum.refused += totals.refused;
  for (const [reason, count] of Object.entries(totals.reasons))
    sum.reasons.set(reason, (sum.reasons.get(reason) ?? 0) + count);
  if (totals.failure !== undefined) print(property, totals.failure);
}

function print(property: AnyProperty, { message, script, seed, path }: Failure): void {
  failures++;
  const again = `npm run fuzz -- --property ${property.name} --seed ${seed}${path === '' ? '' : ` --path ${path}`}`;
  console.log(`\n${property.name}: ${message}\n\n${script}\n\n// again: ${again}\n`);
}

const describe = (property: AnyProperty): string => {
  const { programs, refused } = sums.get(property)!;
  return `${property.name}: ${programs} programs, ${refused} refused`;
};

async function explore(seed: number, milliseconds: number): Promise<void> {
  const end = Date.now() + milliseconds;
  const rounds = Math.max(1, Math.round((milliseconds * availableParallelism()) / (chosen.length * TURN)));
  const turns = Array.from({ length: rounds }, (_, round) => chosen.map((property) => ({ property, round }))).flat();
  let left = turns.length;
  await eachOf(turns, async ({ property, round }) => {
    const share = ((end - Date.now()) * availableParallelism()) / Math.max(left, availableParallelism());
    left--;
    if (round > 0 && share < 1000) return;
    add(property, await searchApart(property, { seed: (seed + round) | 0, milliseconds: Math.max(1000, share) }));
    console.log(`${describe(property)} so far, ${Math.max(0, Math.round((end - Date.now()) / 1000))} s left`);
  });
}

async function sample(): Promise<void> {
  await eachOf(chosen, async (property) =>
    add(property, await searchApart(property, { seed: SAMPLE_SEED, programs: property.sample })),
  );
}

async function again(property: AnyProperty, options: SearchOptions): Promise<void> {
  const totals = await searchApart(property, options);
  add(property, totals);
}

const seed = values.seed === undefined ? Date.now() % 2 ** 31 : numberIn(values.seed, 'seed');
if (values.help) {
  console.log(USAGE);
} else {
  if (values.path !== undefined && (values.seed === undefined || chosen.length !== 1))
    fail('--path needs one --property, and --seed');
  console.log(values.sample ? 'a sample' : `seed ${seed}`);
  if (values.sample) await sample();
  else if (values.path !== undefined) await again(chosen[0]!, { seed, path: values.path, programs: 1 });
  else await explore(seed, numberIn(values.minutes, 'minutes') * 60_000);
  for (const property of chosen) {
    console.log(describe(property));
    const { programs, refused, reasons } = sums.get(property)!;
    if (values.verbose) for (const [reason, count] of reasons) console.log(`  ${count} x ${reason}`);
    if (programs < ENOUGH || refused <= property.refusals * programs) continue;
    failures++;
    console.log(`  that is more than ${100 * property.refusals} % refused: such programs show nothing`);
  }
  console.log(failures === 0 ? 'nothing found' : `${failures} found`);
  process.exitCode = failures === 0 ? 0 : 1;
}
