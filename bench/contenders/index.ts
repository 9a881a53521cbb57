import type { Contender, Missing } from '../harness/contender.js';
import type { BenchOptions } from '../options.js';
import { findCPeers } from './c.js';
import { nablaJs, nablaNative } from './nabla.js';
import { findNpmPeers } from './npm.js';
import { findPytorch } from './python.js';

/** Who takes part, and who could: nabla is the first, with whom the others are compared. */
export function findContenders(options: BenchOptions): { contenders: Contender[]; missing: Missing[] } {
  const { peers, threads, peersDir } = options;
  const native = threads.map(nablaNative);
  if (!peers) return { contenders: [...native, nablaJs()], missing: [] };
  const found = [...findPytorch(threads), ...findCPeers(threads), ...findNpmPeers(peersDir)];
  return {
    contenders: [...native, ...found.filter((peer) => 'command' in peer)],
    missing: found.filter((peer) => 'install' in peer),
  };
}
