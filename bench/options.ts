import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { unknownName } from '../lib/options.js';
import { defaultPeers, peerNames } from './contenders/index.js';
import { questions } from './questions/index.js';

/** What the command line sets. */
export interface BenchOptions {
  /** Names of the libraries to compare with. */
  readonly against: readonly string[];
  readonly full: boolean;
  readonly only: readonly string[];
  /** Parts of the names of cases, if not all are to be timed. */
  readonly cases: readonly string[] | undefined;
  readonly rounds: number;
  readonly threads: readonly number[];
  readonly peersDir: string | undefined;
  readonly json: string | undefined;
  readonly charts: string | undefined;
  /** A page with places for the questions' tables. */
  readonly page: string | undefined;
  readonly readme: boolean;
}

/** A command line that cannot be understood; the message says why. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const questionNames = questions.map(({ name }) => name);

export const usage = `Times nabla: against its own plain JavaScript backend, or against other libraries.

  npm run bench -- [options]          a choice of cases, native and JS backend, under two minutes
  npm run bench:peers -- [options]    every case, native and every other library that is installed

  --against A,B     libraries: ${peerNames.join(', ')}
  --only A,B        questions: ${questionNames.join(', ')}
  --cases A,B       the cases with one of these in their names: 2^20, add
  --full            every case, also without other libraries
  --rounds N        turns of each contender; the fastest and the median are reported (7)
  --threads A,B     numbers of threads to compare (1 and as many as there are processors)
  --peers-dir DIR   folder in whose node_modules the npm packages of other libraries are (bench/peers)
  --json FILE       write every measurement, and the machine, to a file
  --charts DIR      write a picture (SVG) per question to a folder
  --page FILE[#PART] put each question's table between <!-- bench-QUESTION[-PART]:start --> and end of a page
  --readme          put the headlines into README.md
  --help            this text`;

const booleans = ['peers', 'full', 'readme', 'help'] as const;
const texts = ['against', 'only', 'rounds', 'threads', 'peers-dir', 'json', 'charts', 'cases', 'page'] as const;
const names: readonly string[] = [...booleans, ...texts];

/** The checked options of a command line, or 'help'. */
export function parseArguments(args: readonly string[]): BenchOptions | 'help' {
  const { flags, values } = read(args);
  if (flags.has('help')) return 'help';
  const processors = availableParallelism();
  const threads = values.get('threads') ?? (processors === 1 ? '1' : `1,${processors}`);
  return {
    against: choice('against', values, defaultPeers(flags.has('peers')), peerNames),
    full: flags.has('full') || flags.has('peers'),
    only: choice('only', values, questionNames, questionNames),
    rounds: integer('rounds', values.get('rounds') ?? '7', 1, 1000),
    threads: unique(threads.split(',').map((text) => integer('threads', text, 1, 1024))),
    peersDir: values.get('peers-dir'),
    json: values.get('json'),
    charts: values.get('charts'),
    cases: values.get('cases')?.split(','),
    page: values.get('page'),
    readme: flags.has('readme'),
  };
}

function read(args: readonly string[]): { flags: Set<string>; values: Map<string, string> } {
  const options = Object.fromEntries([
    ...booleans.map((name) => [name, { type: 'boolean' as const }]),
    ...texts.map((name) => [name, { type: 'string' as const }]),
  ]);
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  const flags = new Set<string>();
  const values = new Map<string, string>();
  for (const token of tokens) {
    if (token.kind === 'positional') throw new UsageError(`unexpected argument '${token.value}'`);
    if (token.kind === 'option') take(token.name, token.value, flags, values);
  }
  return { flags, values };
}

function take(name: string, value: string | undefined, flags: Set<string>, values: Map<string, string>): void {
  if (!names.includes(name)) throw new UsageError(unknownName('option', name, names));
  if (flags.has(name) || values.has(name)) throw new UsageError(`--${name} is given twice`);
  if (booleans.some((boolean) => boolean === name)) {
    if (value !== undefined) throw new UsageError(`--${name} takes no value`);
    flags.add(name);
  } else {
    if (value === undefined || value === '') throw new UsageError(`--${name} needs a value`);
    values.set(name, value);
  }
}

/** The names that an option lists, all of them known. */
function choice(
  option: string,
  values: ReadonlyMap<string, string>,
  otherwise: readonly string[],
  known: readonly string[],
): readonly string[] {
  const chosen = values.get(option)?.split(',') ?? otherwise;
  for (const name of chosen) {
    if (!known.includes(name)) throw new UsageError(`--${option}: ${unknownName('name', name, known)}`);
  }
  return chosen;
}

function integer(name: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= low && value <= high) return value;
  throw new UsageError(`--${name} must be an integer from ${low} to ${high}, got '${text}'`);
}

const unique = (values: readonly number[]): number[] => [...new Set(values)];
