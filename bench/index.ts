import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findContenders } from './contenders/index.js';
import { type Contender, nameOf } from './harness/contender.js';
import { describeMachine, type Machine, machineLine } from './harness/machine.js';
import { Race } from './harness/race.js';
import { type BenchOptions, parseArguments, RANKS } from './options.js';
import { questions } from './questions/index.js';
import { askRanks } from './ranks/index.js';
import type { Case, Question } from './questions/question.js';
import { renderChart } from './report/chart.js';
import { jsonReport } from './report/json.js';
import { cliffsLine, insertTable, markdownTable, questionTable } from './report/markdown.js';
import { type Answered, type AnsweredCase, peaksOf } from './report/results.js';
import { TerminalTable } from './report/terminal.js';

const README = new URL('../README.md', import.meta.url);

async function main(options: BenchOptions): Promise<void> {
  if (options.page !== undefined) await access(options.page.split('#')[0]!);
  const machine = describeMachine();
  console.log(machineLine(machine));
  if (options.only.includes(RANKS)) await askRanks(options.rounds);
  if (chosen(options).length === 0) {
    if (!options.only.includes(RANKS)) console.log('None of these cases is asked without --full.');
    return;
  }
  const { contenders, missing } = findContenders(options.against, {
    threads: options.threads,
    peersDir: options.peersDir,
    before: options.before,
  });
  for (const { library, install } of missing) console.log(`Without ${library}, which is not here: ${install}`);

  const race = new Race(options.rounds);
  try {
    const versions = await introduce(race, contenders);
    const answers: Answered[] = [];
    for (const question of chosen(options)) {
      const able = contenders.filter(({ kinds }) => question.cases.some(({ work }) => kinds.includes(work.kind)));
      if (able.length > 0) answers.push(await answer(race, question, able, peaksOf(answers)));
    }
    if (options.json !== undefined) await writeFile(options.json, jsonReport(answers, versions, machine));
    if (options.charts !== undefined) await writeCharts(options.charts, answers, machine);
    if (options.readme) {
      const table = markdownTable(answers, contenders, machine);
      await writeFile(README, insertTable(await readFile(README, 'utf8'), 'bench', table));
    }
    if (options.page !== undefined) await fillPage(options.page, answers, machine);
  } finally {
    await race.stop();
  }
}

/** Starts every contender and returns their versions. */
async function introduce(race: Race, contenders: readonly Contender[]): Promise<Map<Contender, string>> {
  const versions = new Map<Contender, string>();
  for (const contender of contenders) versions.set(contender, (await race.driverOf(contender)).greeting.version);
  const each = new Map([...versions].map(([{ library }, version]) => [library, version]));
  console.log([...each].map(([library, version]) => `${library} ${version}`).join(', '));
  return versions;
}

function chosen({ only, full, cases }: BenchOptions): Question[] {
  const wanted = ({ label, quick }: Case) =>
    cases === undefined ? full || quick === true : cases.some((part) => label.includes(part));
  return questions
    .filter(({ name }) => only.includes(name))
    .map((question) => ({ ...question, cases: question.cases.filter(wanted) }))
    .filter((question) => question.cases.length > 0);
}

async function answer(
  race: Race,
  question: Question,
  contenders: readonly Contender[],
  peaks: ReadonlyMap<number, number>,
): Promise<Answered> {
  const table = new TerminalTable(question, contenders, peaks);
  const cases: AnsweredCase[] = [];
  console.log(table.heading());
  for (const each of question.cases) {
    const able = contenders.filter(({ kinds }) => kinds.includes(each.work.kind));
    const answered = { case: each, outcomes: await race.run(each.work, able, each.quantile) };
    cases.push(answered);
    console.log(table.rows(answered));
    reportFailures(answered);
  }
  reportNotes(cases);
  const answered = { question, contenders, cases };
  if (question.sweep !== undefined) console.log(`  ${cliffsLine(answered)}`);
  return answered;
}

function reportFailures({ outcomes }: AnsweredCase): void {
  for (const [contender, outcome] of outcomes) {
    if (outcome.kind !== 'failed') continue;
    console.log(`    ${nameOf(contender)}: ${outcome.why}`);
    process.exitCode = 1;
  }
}

/** How the work of some differs from what was asked, once each. */
function reportNotes(cases: readonly AnsweredCase[]): void {
  const notes = cases.flatMap(({ outcomes }) =>
    [...outcomes].flatMap(([{ library }, outcome]) =>
      outcome.kind === 'timed' && outcome.note !== undefined ? [`  ${library}: ${outcome.note}`] : [],
    ),
  );
  if (notes.length > 0) console.log([...new Set(notes)].join('\n'));
}

/** Puts each question's table into the page, with the command that made it. What follows a # in the page's name ends the names of the places. */
async function fillPage(page: string, answers: readonly Answered[], machine: Machine): Promise<void> {
  const [path, part] = page.split('#');
  let text = await readFile(path!, 'utf8');
  for (const answered of answers) {
    const table = questionTable(answered, peaksOf(answers), commandLine(process.argv.slice(2)));
    const place = ['bench', answered.question.name, ...(part === undefined ? [] : [part])].join('-');
    text = insertTable(text, place, `${table}\n\n${machineLine(machine)}.`);
  }
  await writeFile(path!, text);
}

/** What to type to measure the same again. */
function commandLine(args: readonly string[]): string {
  const isa = process.env.NABLA_ISA === undefined ? '' : `NABLA_ISA=${process.env.NABLA_ISA} `;
  const [script, ...options] = args[0] === '--peers' ? ['bench:peers', ...args.slice(1)] : ['bench', ...args];
  const page = options.indexOf('--page');
  const shown = options.filter((_, i) => page < 0 || (i !== page && i !== page + 1));
  return `${isa}npm run ${script} -- ${shown.map((option) => (/[ #()]/.test(option) ? `'${option}'` : option)).join(' ')}`;
}

async function writeCharts(folder: string, answers: readonly Answered[], machine: Machine): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const answered of answers) {
    await writeFile(join(folder, `${answered.question.name}.svg`), await renderChart(answered, machine));
  }
}

await main(parseArguments(process.argv.slice(2)));
