import { availableParallelism } from 'node:os';
import { Command } from 'commander';
import { integer, list, oneOf, text } from '../examples/lib/arguments.js';
import { defaultPeers, peerNames } from './contenders/index.js';
import { questions } from './questions/index.js';

/** What the command line sets. */
export interface BenchOptions {
  /** Names of the libraries to compare with. */
  readonly against: readonly string[];
  readonly full: boolean;
  readonly only: readonly string[];
  /** Parts of the names of cases, if not all are to be timed. */
  readonly cases?: readonly string[];
  readonly rounds: number;
  readonly threads: readonly number[];
  readonly peersDir?: string;
  /** A checkout of nabla at another commit, compiled. */
  readonly before?: string;
  readonly json?: string;
  readonly charts?: string;
  /** A page with places for the questions' tables. */
  readonly page?: string;
  readonly readme: boolean;
}

const about = `Times nabla: against its own plain JavaScript backend, or against other libraries.

  npm run bench -- [options]          a choice of cases, native and JS backend, some five minutes
  npm run bench:peers -- [options]    every case, native and every other library that is installed`;

/** Asked by name only: it starts processes of its own. */
export const RANKS = 'ranks';

const asked = questions.map(({ name }) => name);
const questionNames = [...asked, RANKS];
const processors = availableParallelism();

export const command = (): Command =>
  new Command('npm run bench --')
    .description(about)
    .option('--against <names>', `libraries: ${peerNames.join(', ')}`, list(oneOf(peerNames)))
    .option('--only <names>', `questions: ${questionNames.join(', ')}`, list(oneOf(questionNames)), asked)
    .option('--cases <parts>', 'the cases with one of these in their names: 2^20, add', list(text))
    .option('--full', 'every case, also without other libraries', false)
    .option('--peers', 'every case, against every other library that is installed', false)
    .option('--rounds <n>', 'turns of each contender; the fastest and the median are reported', integer(1, 1000), 7)
    .option('--threads <counts>', 'numbers of threads to compare', list(integer(1, 1024)), [
      ...new Set([1, processors]),
    ])
    .option('--peers-dir <folder>', 'has in its node_modules the npm packages of other libraries (bench/peers)', text)
    .option(
      '--before <folder>',
      'another checkout of nabla, compiled, to compare with: --against before,before-captured',
      text,
    )
    .option('--json <file>', 'write every measurement, and the machine, to a file', text)
    .option('--charts <folder>', 'write a picture (SVG) per question to a folder', text)
    .option(
      '--page <file>',
      "file[#part]: put each question's table between <!-- bench-QUESTION[-part]:start --> and end",
      text,
    )
    .option('--readme', 'put the headlines into README.md', false)
    .allowExcessArguments(false)
    .showHelpAfterError('See npm run bench -- --help');

/** The options of a command line. What is wrong with it ends the process, unless `program` overrides that. */
export function parseArguments(args: readonly string[], program = command()): BenchOptions {
  const { peers, ...options } = program
    .parse(args, { from: 'user' })
    .opts<Omit<BenchOptions, 'against'> & { readonly peers: boolean; readonly against?: readonly string[] }>();
  return { against: defaultPeers(peers), ...options, full: options.full || peers };
}
