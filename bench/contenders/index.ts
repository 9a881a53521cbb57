import type { Contender, Missing, Peer, Where } from '../harness/contender.js';
import { cPeers } from './c.js';
import { nablaBefore, nablaCaptured, nablaJs, nablaNative } from './nabla.js';
import { npmPeers } from './npm.js';
import { pythonPeers } from './python.js';

const captured: Peer = { library: 'nabla captured', find: ({ threads }) => threads.map(nablaCaptured) };
const jsBackend: Peer = { library: 'JS backend', find: () => [nablaJs()] };
const earlier: readonly Peer[] = [
  { library: 'before', find: nablaBefore('before', 'eager') },
  { library: 'before captured', find: nablaBefore('before captured', 'captured') },
];
const others: readonly Peer[] = [...pythonPeers, ...cPeers, ...npmPeers];

/** The names of libraries as the command line has them: `tfjs-cpu`. */
export const peerName = (library: string): string => library.toLowerCase().replaceAll(' ', '-');
export const peerNames: readonly string[] = [captured, jsBackend, ...earlier, ...others].map(({ library }) =>
  peerName(library),
);

/** Names of those who take part where the command line has none. */
export const defaultPeers = (peers: boolean): readonly string[] =>
  [captured, ...(peers ? others : [jsBackend])].map(({ library }) => peerName(library));

/** Who takes part, and who could. The others are compared with the first: nabla, or captured functions where these are asked for. */
export function findContenders(
  names: readonly string[],
  where: Where,
): { contenders: Contender[]; missing: Missing[] } {
  const isAsked = ({ library }: Peer) => names.includes(peerName(library));
  const found = [jsBackend, ...earlier, ...others].filter(isAsked).map((peer) => peer.find(where));
  const own = [...(isAsked(captured) ? where.threads.map(nablaCaptured) : []), ...where.threads.map(nablaNative)];
  return {
    contenders: [...own, ...found.filter((each) => Array.isArray(each)).flat()],
    missing: found.filter((each) => 'install' in each),
  };
}
