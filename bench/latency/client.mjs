/** Asks a server for predictions, 200 a second over four connections, and prints what each took, in milliseconds: client.mjs PORT DURATION. */
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const [port, duration] = process.argv.slice(2).map(Number);
const CONNECTIONS = 4;
const INTERVAL = 20;
/** For connections to be made, and code to be compiled. */
const WARM_UP = 500;

const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
const body = JSON.stringify({ pixels: Array.from({ length: 784 }, (_, i) => (i % 256) / 255) });
const begin = performance.now() + WARM_UP;
const times = [];

async function ask() {
  const asked = request({ port, agent, method: 'POST' }).end(body);
  const [response] = await once(asked, 'response');
  if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`);
  await once(response.resume(), 'end');
}

async function connection(index) {
  await sleep((index * INTERVAL) / CONNECTIONS);
  for (let start = performance.now(); start < begin + duration; start = performance.now()) {
    await ask();
    const time = performance.now() - start;
    if (start >= begin) times.push(time);
    await sleep(Math.max(0, INTERVAL - time));
  }
}

await Promise.all(Array.from({ length: CONNECTIONS }, (_, index) => connection(index)));
agent.destroy();
console.log(JSON.stringify(times));
