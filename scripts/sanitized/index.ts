// Builds the core with a sanitizer and runs tests on it: npm run test:sanitized, or npm run test:sanitized -- thread; names of test
// files may follow. `address` finds what reaches foreign memory (ASan), what C++ leaves undefined (UBSan) and instructions that do
// not fit the memory they name (native/checks.h); `thread` finds races (TSan). reports.ts says which reports count.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { concernsTheCore, type Report, reportsIn } from './reports.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

const kinds = {
  address: { folder: 'build/asan', library: 'libasan.so', planted: ['heap overflow', 'signed overflow', 'operand'] },
  thread: { folder: 'build/tsan', library: 'libtsan.so', planted: ['race'] },
};

const [first = 'address', ...others] = process.argv.slice(2);
const kind = first === 'thread' ? 'thread' : 'address';
const files = first in kinds ? others : [first, ...others];
const folder = join(root, kinds[kind].folder);
const binaries = join(folder, `prebuilds/${process.platform}-${process.arch}`);
const logs = join(folder, 'reports');

function build(): void {
  const options = [
    `-DNABLA_SANITIZE=${kind}`,
    '-DCMAKE_BUILD_TYPE=None',
    '-DCMAKE_CXX_FLAGS=-O1',
    `-DCMAKE_LIBRARY_OUTPUT_DIRECTORY=${binaries}`,
  ];
  execFileSync('cmake', ['-S', root, '-B', folder, ...options], { stdio: ['ignore', 'ignore', 'inherit'] });
  execFileSync('cmake', ['--build', folder, '--parallel', String(availableParallelism())], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** The sanitizer's library must be there before Node. Reports go to files: tests look at what processes print. */
function environment(): NodeJS.ProcessEnv {
  const compiler = /^CMAKE_CXX_COMPILER:\w+=(.*)$/m.exec(readFileSync(join(folder, 'CMakeCache.txt'), 'utf8'))![1]!;
  const library = execFileSync(compiler, [`-print-file-name=${kinds[kind].library}`], { encoding: 'utf8' }).trim();
  const log = `log_path=${join(logs, 'report')}`;
  return {
    ...process.env,
    NABLA_BACKEND: 'native',
    NABLA_PREBUILD: folder,
    LD_PRELOAD: library,
    // Node leaks what lives as long as the process.
    ASAN_OPTIONS: `${log}:detect_leaks=0:handle_abort=1`,
    // Beside AddressSanitizer it writes to no file, so that a report could be lost: it ends the process, which fails its test.
    UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
    // Reports that do not count must not fail a process.
    TSAN_OPTIONS: `${log}:exitcode=0:report_thread_leaks=0`,
  };
}

interface Outcome {
  readonly status: number | null;
  /** Of the process and all that it started, those that count. */
  readonly reports: readonly Report[];
}

async function run(args: readonly string[], show: boolean): Promise<Outcome> {
  rmSync(logs, { recursive: true, force: true });
  mkdirSync(logs, { recursive: true });
  // ThreadSanitizer wants memory where it expects it.
  const [program, ...prefix] = kind === 'thread' ? ['setarch', '-R', process.execPath] : [process.execPath];
  const child = spawn(program!, [...prefix, ...args], {
    cwd: root,
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts: string[] = [];
  for (const [from, to] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ] as const) {
    from.setEncoding('utf8').on('data', (text: string) => {
      texts.push(text);
      if (show) to.write(text);
    });
  }
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const logged = readdirSync(logs).map((name) => readFileSync(join(logs, name), 'utf8'));
  return { status, reports: [texts.join(''), ...logged].flatMap(reportsIn).filter(concernsTheCore) };
}

/** A tool that finds nothing may be one that does not work: it must find what was planted. */
async function findPlanted(): Promise<void> {
  const { planted } = kinds[kind];
  for (const fault of planted) {
    const code = `require(${JSON.stringify(join(binaries, 'nabla.node'))}).plant(${JSON.stringify(fault)})`;
    const { reports } = await run(['-e', code], false);
    if (reports.length === 0) throw new Error(`${kind}: a planted fault was not found: ${fault}`);
  }
  console.log(`${kind}: found what was planted: ${planted.join(', ')}`);
}

/** The same random programs each time; others: NABLA_PREBUILD=build/asan and npm run fuzz, with what `environment` sets. */
const randomPrograms = [
  '--import',
  'tsx',
  'test/fuzz/cli.ts',
  '--minutes',
  '0.5',
  '--seed',
  '1',
  '--property',
  'captured',
  '--property',
  'backends',
];

async function runAll(): Promise<boolean> {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const suites = await run([vitest, 'run', '--config', 'scripts/sanitized/vitest.config.ts', ...files], true);
  const isWhole = kind === 'address' && files.length === 0;
  const programs: Outcome = isWhole ? await run(randomPrograms, true) : { status: 0, reports: [] };
  const reports = [...suites.reports, ...programs.reports];
  for (const report of reports) console.error(`${report.join('\n')}\n`);
  const passed = suites.status === 0 && programs.status === 0;
  console.log(`${kind}: ${reports.length} reports; tests ${passed ? 'passed' : 'failed'}`);
  return passed && reports.length === 0;
}

build();
await findPlanted();
process.exitCode = (await runAll()) ? 0 : 1;
