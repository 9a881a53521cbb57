import type { Contender, Missing, Peer, Where } from '../harness/contender.js';
import { cPeers } from './c.js';
import { nablaJs, nablaNative } from './nabla.js';
import { npmPeers } from './npm.js';
import { pythonPeers } from './python.js';

const jsBackend: Peer = { library: 'JS backend', find: () => [nablaJs()] };
const others: readonly Peer[] = [...pythonPeers, ...cPeers, ...npmPeers];

/** The names of libraries as the command line has them: `tfjs-cpu`. */
export const peerName = (library: string): string => library.toLowerCase().replaceAll(' ', '-');
export const peerNames: readonly string[] = [jsBackend, ...others].map(({ library }) => peerName(library));

/** Names of those who take part where the command line has none. */
export const defaultPeers = (peers: boolean): readonly string[] =>
  (peers ? others : [jsBackend]).map(({ library }) => peerName(library));

/** Who takes part, and who could: nabla is the first, with whom the others are compared. */
export function findContenders(
  names: readonly string[],
  where: Where,
): { contenders: Contender[]; missing: Missing[] } {
  const found = [jsBackend, ...others]
    .filter(({ library }) => names.includes(peerName(library)))
    .map((peer) => peer.find(where));
  return {
    contenders: [...where.threads.map(nablaNative), ...found.filter((each) => Array.isArray(each)).flat()],
    missing: found.filter((each) => 'install' in each),
  };
}
