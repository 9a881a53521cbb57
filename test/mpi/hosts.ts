import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Mpi } from './launch.js';

const run = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

interface Host {
  /** Of the network namespace, and what the machine believes to be called. */
  readonly name: string;
  readonly address: string;
  readonly device: string;
}

/** Two machines that are one: network namespaces joined by a cable, each with a name and a folder for temporary files. Needs root, and Linux. */
export class Hosts {
  readonly folder = mkdtempSync(join(tmpdir(), 'nabla-hosts-'));
  readonly #network = `10.${64 + (process.pid % 64)}.${(process.pid >> 6) % 256}`;
  readonly #all: readonly Host[] = ['a', 'b'].map((letter, i) => ({
    name: `nabla-${process.pid}-${letter}`,
    address: `${this.#network}.${i + 1}`,
    device: `nbl${process.pid}${letter}`,
  }));

  constructor() {
    try {
      this.#connect();
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  #connect(): void {
    const [a, b] = this.#all.map(({ device }) => device) as [string, string];
    for (const { name } of this.#all) run('ip', 'netns', 'add', name);
    run('ip', 'link', 'add', a, 'type', 'veth', 'peer', 'name', b);
    for (const { name, address, device } of this.#all) {
      run('ip', 'link', 'set', device, 'netns', name);
      run('ip', '-n', name, 'addr', 'add', `${address}/24`, 'dev', device);
      for (const one of ['lo', device]) run('ip', '-n', name, 'link', 'set', one, 'up');
      mkdirSync(join(this.folder, name));
    }
    writeFileSync(this.#agent, this.#agentText());
    chmodSync(this.#agent, 0o755);
  }

  get #agent(): string {
    return join(this.folder, 'agent.sh');
  }

  /** Does what `rsh HOST COMMAND` does. */
  #agentText(): string {
    const cases = this.#all.map(
      (host) => `${host.address}) ${this.#within(host).join(' ')} sh -c "hostname ${host.name}; $*" ;;`,
    );
    return `#!/bin/bash\nwhile [[ $1 == -* ]]; do shift; done\nhost=$1; shift\ncase $host in\n${cases.join('\n')}\nesac\n`;
  }

  /** The command that runs another one on a machine. */
  #within({ name }: Host): string[] {
    const temporary = `TMPDIR=${join(this.folder, name)}`;
    return ['ip', 'netns', 'exec', name, 'env', temporary, 'unshare', '--uts'];
  }

  /** The launcher, started on the first machine for ranks on both; so many of them on each. */
  launcher(mpi: Mpi, ranksEach: number): Mpi {
    const [first] = this.#all as [Host];
    const hosts = this.#all.map(({ address }) => address);
    const network = `${this.#network}.0/24`;
    const own =
      mpi.name === 'OpenMPI'
        ? [
            ...['--mca', 'plm_rsh_agent', this.#agent, '--mca', 'oob_tcp_if_include', network],
            ...['--mca', 'btl_tcp_if_include', network, '--host', hosts.map((one) => `${one}:${ranksEach}`).join()],
          ]
        : // Else UCX finds that both have one memory.
          [
            '-genv',
            'UCX_TLS',
            'tcp,self',
            '-launcher',
            'ssh',
            '-launcher-exec',
            this.#agent,
            '-hosts',
            hosts.join(),
            '-ppn',
            String(ranksEach),
          ];
    const [command, ...within] = this.#within(first) as [string];
    const named = ['sh', '-c', `hostname ${first.name}; exec "$@"`, 'sh'];
    return { ...mpi, command, options: [...within, ...named, mpi.command, ...mpi.options, ...own] };
  }

  /** Pulls the cable, or puts it in again. */
  link(state: 'up' | 'down'): void {
    const [, { name, device }] = this.#all as [Host, Host];
    run('ip', '-n', name, 'link', 'set', device, state);
  }

  /** Ends what still runs on the machines: the launchers' own, which wait for ever for a machine that is gone. */
  endAll(): void {
    for (const { name } of this.#all) {
      for (const pid of run('ip', 'netns', 'pids', name).split(/\s+/).filter(Boolean)) {
        try {
          process.kill(Number(pid), 'SIGKILL');
        } catch {
          // It is gone.
        }
      }
    }
  }

  remove(): void {
    for (const { name } of this.#all) {
      try {
        run('ip', 'netns', 'delete', name);
      } catch {
        // It was never there.
      }
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Why there can be no such machines here; null if there can. */
export function whyNoHosts(): string | null {
  if (process.platform !== 'linux') return 'network namespaces are Linux';
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  try {
    new Hosts().remove();
    return null;
  } catch (error) {
    return `network namespaces cannot be made: ${(error as Error).message.trim()}`;
  }
}
