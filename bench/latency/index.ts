/**
 * How soon the main thread answers while `run` trains on all cores, and what the example server takes: `npm run bench:latency`, with `-- --json FILE` for
 * numbers to keep.
 */
import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { setNumThreads } from 'nabla';
import { classifier } from '../drivers/nabla/training.js';
import { describeMachine, machineLine } from '../harness/machine.js';
import { type Load, serverUnderLoad } from './load.js';
import type { Measured } from './measured.js';
import { answerTimes } from './server.js';
import { timerLateness } from './timer.js';
import { startTraining } from './training.js';

const LAYERS = [784, 512, 256, 10];
const DURATION = 5000;
const CONNECTIONS = [1, 16, 64];
const LOAD_SECONDS = 4;

interface Row extends Measured {
  readonly what: string;
  /** Whether a model is trained meanwhile. */
  readonly training: boolean;
  /** What the 99th percentile is to stay below, in milliseconds. */
  readonly goal?: number;
}

const options = new Command('npm run bench:latency --')
  .option('--json <file>', 'write every measurement, and the machine, to a file')
  .allowExcessArguments(false)
  .parse()
  .opts<{ readonly json?: string }>();
const machine = describeMachine();
console.log(`${machineLine(machine)}; training ${LAYERS.join('-')}, batch 128, on ${machine.processors} threads\n`);
setNumThreads(machine.processors);

const [model, served] = [classifier(LAYERS), classifier(LAYERS)];
const measurements = [
  { what: 'a timer of 1 ms, how late', goal: 5, measure: () => timerLateness(DURATION) },
  { what: 'an HTTP prediction', goal: 10, measure: () => answerTimes(served, DURATION) },
];
const rows: Row[] = [];

console.log(`${''.padEnd(44)}${['p50', 'p99', 'max', 'goal (p99)'].map((name) => name.padStart(12)).join('')}`);
for (const { what, measure } of measurements) report({ what, training: false, ...(await measure()) });

const start = performance.now();
const training = startTraining(model, () => {
  served.loadStateDict(model.stateDict());
});
for (const { what, goal, measure } of measurements) report({ what, training: true, goal, ...(await measure()) });
const stepsPerSecond = training.steps() / ((performance.now() - start) / 1000);
await training.stop();

console.log(`\nTraining went on at ${Math.round(stepsPerSecond)} steps per second.`);

console.log('\nThe example server, which only serves:');
const loads = await serverUnderLoad(CONNECTIONS, { duration: LOAD_SECONDS });
for (const load of loads) console.log(lineOf(load));

if (options.json !== undefined) {
  await writeFile(
    options.json,
    `${JSON.stringify({ machine, layers: LAYERS, rows, stepsPerSecond, loads }, null, 1)}\n`,
  );
}

function lineOf({ connections, perSecond, p50, p97_5, p99 }: Load): string {
  const what = `${connections} connection${connections === 1 ? '' : 's'}`.padEnd(20);
  return `${what}${Math.round(perSecond)} answers a second; half within ${p50} ms, 97.5 % within ${p97_5} ms, 99 % within ${p99} ms`;
}

function report(row: Row): void {
  rows.push(row);
  const { what, training, goal, p50, p99, max } = row;
  const times = [p50, p99, max].map((time) => `${time.toFixed(2)} ms`.padStart(12)).join('');
  const verdict = goal === undefined ? '' : `${goal} ms ${p99 < goal ? 'held' : 'missed'}`.padStart(14);
  console.log(`${`${what}${training ? ', while training' : ''}`.padEnd(44)}${times}${verdict}`);
}
