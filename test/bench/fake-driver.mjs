/** A driver that behaves as its argument says: it agrees, disagrees, cannot, crashes, does not answer, or becomes faster with practice. */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

const behaviour = process.argv[2];
const answer = (message) => writeSync(3, `${JSON.stringify(message)}\n`);

function prepare() {
  if (behaviour === 'crashes') throw new Error('out of order');
  if (behaviour === 'cannot') return answer({ unsupported: 'not my work' });
  if (behaviour !== 'sleeps') answer({ probe: [behaviour === 'disagrees' ? 2 : 1], cpuSeconds: 0.25 });
}

let each = behaviour === 'practises' ? 0.008 : 0.001;

answer({ name: behaviour, version: '1', loadSeconds: 0.5 });
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  if (request.do === 'prepare') prepare();
  else if (request.do === 'quantile') answer({ iterations: 1, seconds: each * request.share });
  else answer({ iterations: request.iterations ?? 10, seconds: each * (request.iterations ?? 10) });
  if (request.do === 'warm') each = Math.max(0.001, each / 2);
}
