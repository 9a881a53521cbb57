import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { installed, type Mpi, missing } from '../../test/mpi/launch.js';
import { fitted, type Setting, stepTime } from './model.js';
import { BATCH, LAYERS, type RankReport } from './report.js';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

interface World {
  readonly mpi: Mpi | null;
  readonly ranks: number;
}

const nameOf = ({ mpi, ranks }: World): string => (mpi === null ? 'alone' : `${ranks} ranks, ${mpi.name}`);

/** Steps of a run in the background, while timers are watched. */
const BACKGROUND = 600;

async function reportsOf({ mpi, ranks }: World): Promise<RankReport[]> {
  const node = [process.execPath, '--import', 'tsx', path('program.ts'), String(BACKGROUND)];
  const [command, ...args] = mpi === null ? node : [mpi.command, ...mpi.options, '-np', String(ranks), ...node];
  const env = { ...process.env, TSX_TSCONFIG_PATH: path('../tsconfig.dist.json'), NABLA_BACKEND: 'native' };
  // Linux shares processors out between sessions, and OpenMPI's ranks are one of their own: so all are.
  const child = spawn(command!, args, { env, detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${nameOf({ mpi, ranks })} ended with ${code}`);
  return [...printed.matchAll(/^REPORT (.*)$/gm)].map(([, json]) => JSON.parse(json!) as RankReport);
}

/** The slowest rank is how long a step takes. */
const slowest = (reports: readonly RankReport[]): RankReport =>
  reports.reduce((a, b) => (a.step.seconds > b.step.seconds ? a : b));

const ms = (seconds: number): string => (seconds * 1000).toFixed(3);

function line(cells: readonly string[]): string {
  const [first, ...rest] = cells;
  return `  ${first!.padEnd(22)}${rest.map((cell) => cell.padStart(14)).join('')}`;
}

/** Of a network of fully connected layers: the gradients of the last layer are there first, those of the first with the last of the backward pass. */
export function settingOf(compute: number, latency: number, bandwidth: number, summing: number): Setting {
  const [first, second, third, last] = LAYERS as [number, number, number, number];
  const sizes = [first * second, second * third, third * last];
  const bytes = 4 * (sizes.reduce((sum, one) => sum + one, 0) + second + third + last);
  // Of the first layer there is no gradient of the input.
  const work = { forward: sizes[0]! + sizes[1]! + sizes[2]!, backward: sizes[0]! + 2 * sizes[1]! + 2 * sizes[2]! };
  const before = (2 * sizes[1]! + 2 * sizes[2]!) / work.backward;
  const early = (4 * (sizes[1]! + sizes[2]! + third + last)) / bytes;
  return {
    compute,
    backward: work.backward / (work.forward + work.backward),
    bytes,
    buckets: [
      { at: before, share: early },
      { at: 1, share: 1 - early },
    ],
    latency,
    bandwidth,
    summing,
  };
}

const WORLDS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/** Steps of ever more ranks, each with a processor and a batch of its own. */
export function scaleTable(name: string, setting: Setting): string {
  const heading = ['ranks', 'ring', 'overlapping', 'halving', 'overlapping', 'efficiency'];
  const rows = WORLDS.map((ranks) => {
    const all = (['ring', 'halving-doubling'] as const).flatMap((algorithm) =>
      [false, true].map((overlaps) => stepTime(algorithm, ranks, overlaps, setting)),
    );
    return line([String(ranks), ...all.map(ms), `${Math.round((100 * setting.compute) / all.at(-1)!)} %`]);
  });
  const about = `${name}: latency ${(setting.latency * 1e6).toFixed(0)} us, ${(setting.bandwidth / 1e9).toFixed(2)} GB/s`;
  return [`\n${about}; computed, ms a step`, line(heading), ...rows].join('\n');
}

/** The question `ranks`: what a step costs on several ranks of this machine, where the time goes, and what a model of it says of more. */
export async function askRanks(rounds: number): Promise<void> {
  for (const name of missing) console.log(`Without ${name}, which is not here.`);
  const worlds: World[] = [
    { mpi: null, ranks: 1 },
    ...installed.flatMap((mpi) => [1, 2, 4].map((ranks) => ({ mpi, ranks }))),
  ];
  const best = new Map<World, RankReport>();
  for (let round = 0; round < rounds; round++) {
    for (const world of worlds) {
      const found = slowest(await reportsOf(world));
      const before = best.get(world);
      if (before === undefined || found.step.seconds < before.step.seconds) best.set(world, found);
    }
  }
  const alone = best.get(worlds[0]!)!;
  const processors = availableParallelism();
  console.log(
    `\nRanks: ${LAYERS.join('-')}, captured, batch ${BATCH} and one thread a rank, ${processors} processors; ms of the 10th percentile of steps, fastest of ${rounds} rounds, slowest rank`,
  );
  console.log(line(['', 'step', 'x alone', 'awaited', 'waiting', 'passing', 'summing', 'MB sent', 'timer p99']));
  console.log(
    line(['without DataParallel', ms(alone.bare!.seconds), (alone.bare!.seconds / alone.step.seconds).toFixed(2)]),
  );
  for (const world of worlds) {
    const { step, late } = best.get(world)!;
    const parts = [step.awaited, step.waiting, step.passing, step.summing].map(ms);
    const ratio = (step.seconds / alone.step.seconds).toFixed(2);
    console.log(
      line([nameOf(world), ms(step.seconds), ratio, ...parts, (step.bytes / 1e6).toFixed(2), late!.p99.toFixed(2)]),
    );
  }
  for (const mpi of installed) {
    const two = best.get(worlds.find((world) => world.mpi === mpi && world.ranks === 2)!)!;
    const four = best.get(worlds.find((world) => world.mpi === mpi && world.ranks === 4)!)!;
    compare(mpi, alone, two, four, processors);
  }
  const setting = (latency: number, bandwidth: number) => settingOf(alone.step.seconds, latency, bandwidth, SUMMING);
  console.log(scaleTable('10 Gb Ethernet', setting(30e-6, 1.25e9)));
  console.log(scaleTable('100 Gb InfiniBand', setting(2e-6, 12.5e9)));
}

/** Seconds a byte, where both operands are in the cache: `summing` of a step on two ranks, in a quiet hour. */
const SUMMING = 1 / 20e9;

/** What the model says of what was measured. Ranks that share a processor take turns. */
function compare(mpi: Mpi, alone: RankReport, two: RankReport, four: RankReport, processors: number): void {
  const exchanges = two.messages.map(({ count, times }) => ({ bytes: 4 * count, seconds: times.awaited }));
  const { latency, perByte } = fitted(exchanges);
  // Of two ranks each byte is sent once: half of all bytes in each of two messages.
  const setting = settingOf(alone.step.seconds, latency, 1 / perByte, 0);
  console.log(`\n${mpi.name} on this machine: an exchange of two ranks, by itself`);
  for (const { bytes, seconds } of exchanges) {
    console.log(
      line([`${bytes.toLocaleString('en')} bytes`, ms(seconds), `${(bytes / seconds / 1e9).toFixed(2)} GB/s`]),
    );
  }
  console.log(line(['', 'computed', 'measured', 'off by']));
  const check = (ranks: number, measured: number, share: number) => {
    const computed = stepTime('halving-doubling', ranks, false, { ...setting, compute: setting.compute * share });
    const off = `${Math.round(100 * (computed / measured - 1))} %`;
    console.log(line([`${ranks} ranks`, ms(computed), ms(measured), off]));
  };
  check(2, two.step.seconds, Math.max(1, 2 / processors));
  check(4, four.step.seconds, Math.max(1, 4 / processors));
}
