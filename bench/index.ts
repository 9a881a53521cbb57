import { readFile, writeFile } from 'node:fs/promises';
import { nablaJs, nablaNative } from './contenders/nabla.js';
import type { Contender } from './harness/contender.js';
import { describeMachine, machineLine } from './harness/machine.js';
import { Race } from './harness/race.js';
import { type BenchOptions, parseArguments, UsageError, usage } from './options.js';
import { questions } from './questions/index.js';
import type { Question } from './questions/question.js';
import { jsonReport } from './report/json.js';
import { insertTable, markdownTable } from './report/markdown.js';
import type { Answered } from './report/results.js';
import { TerminalTable } from './report/terminal.js';

const README = new URL('../README.md', import.meta.url);

async function main(options: BenchOptions): Promise<void> {
  const machine = describeMachine();
  const contenders = [...options.threads.map(nablaNative), nablaJs()];
  console.log(machineLine(machine));
  const race = new Race(options.rounds);
  try {
    const versions = await introduce(race, contenders);
    const answers: Answered[] = [];
    for (const question of chosen(options)) answers.push(await answer(race, question, contenders));
    if (options.json !== undefined) await writeFile(options.json, jsonReport(answers, versions, machine));
    if (options.readme) {
      await writeFile(README, insertTable(await readFile(README, 'utf8'), markdownTable(answers, contenders, machine)));
    }
  } finally {
    await race.stop();
  }
}

/** Starts every contender and returns their versions. */
async function introduce(race: Race, contenders: readonly Contender[]): Promise<Map<Contender, string>> {
  const versions = new Map<Contender, string>();
  for (const contender of contenders) versions.set(contender, (await race.driverOf(contender)).greeting.version);
  return versions;
}

function chosen({ only, full }: BenchOptions): Question[] {
  return questions
    .filter(({ name }) => only.includes(name))
    .map((question) => (full ? question : { ...question, cases: question.cases.filter(({ quick }) => quick) }))
    .filter(({ cases }) => cases.length > 0);
}

async function answer(race: Race, question: Question, contenders: readonly Contender[]): Promise<Answered> {
  const table = new TerminalTable(question, contenders);
  console.log(table.heading());
  const rows = [];
  for (const each of question.cases) {
    const outcomes = await race.run(each, contenders);
    console.log(table.row(each, outcomes));
    for (const [{ name }, outcome] of outcomes) {
      if (outcome.kind !== 'failed') continue;
      console.log(`    ${name}: ${outcome.why}`);
      process.exitCode = 1;
    }
    rows.push({ case: each, outcomes });
  }
  return { question, rows };
}

try {
  const options = parseArguments(process.argv.slice(2));
  if (options === 'help') console.log(usage);
  else await main(options);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`bench: ${error.message}\nSee npm run bench -- --help`);
  process.exitCode = 1;
}
