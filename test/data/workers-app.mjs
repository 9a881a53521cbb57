// Leaves loops over what workers make; the argument says how. The process must end by itself. Run by workers.test.ts.
import { DataLoader, importDataset } from 'nabla/data';

const slow = await importDataset(new URL('./imported.mjs', import.meta.url), 'slow', { args: [20] });
const loader = new DataLoader(slow, {
  batchSize: 2,
  numWorkers: 2,
  persistentWorkers: process.argv[2] === 'persistent',
});
if (process.argv[2] === 'held') {
  const iterator = loader[Symbol.asyncIterator]();
  await iterator.next();
} else {
  for await (const _ of loader)
    if (process.argv[2] === 'exit') process.exit(0);
    else break;
}
console.log('left');
