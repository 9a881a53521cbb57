/*
 * Prints how many megabytes of buffers there are: while tensors of 256 MB are held; some time after they were let go of; and after gigabytes
 * of tensors of a thousand lengths, none of which is held.
 */
import { setTimeout } from 'node:timers/promises';
import { type Tensor, zeros } from 'nabla';

const megabytes = () => Math.round(process.memoryUsage().arrayBuffers / 2 ** 20);

async function idle(): Promise<number> {
  for (let i = 0; i < 4; i++) {
    globalThis.gc!();
    await setTimeout(20);
  }
  return megabytes();
}

let tensors: Tensor[] = Array.from({ length: 64 }, () => zeros([2 ** 20]));
const held = megabytes();
tensors = [];
const afterwards = (await idle()) + tensors.length;
for (let i = 1; i <= 1000; i++) zeros([2000 * i]);
globalThis.gc!();
const lengths = megabytes();
console.log(JSON.stringify({ held, afterwards, lengths }));
