import { arch, availableParallelism, cpus, platform, totalmem } from 'node:os';
import { loadAddon } from '../../lib/backend/native/load.js';

/** What the numbers depend on, beside the code. */
export interface Machine {
  readonly cpu: string;
  readonly processors: number;
  readonly memoryGiB: number;
  readonly platform: string;
  readonly node: string;
  /** The instruction set that the native core has chosen. */
  readonly isa: string;
  readonly date: string;
}

export function describeMachine(): Machine {
  const core = loadAddon();
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown processor',
    processors: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${platform()} ${arch()}`,
    node: process.version,
    isa: 'addon' in core ? core.addon.isa : 'none',
    date: new Date().toISOString(),
  };
}

export const machineLine = ({ cpu, processors, isa, node, platform }: Machine): string =>
  `${cpu}, ${processors} processor${processors === 1 ? '' : 's'}, ${isa}, Node ${node}, ${platform}`;
