import { dirname } from 'node:path';
import { lendEagerly } from '../../lib/backend/blocks.js';
import { properties } from './properties/index.js';
import { type SearchOptions, search } from './search.js';

// A process that tries programs of one property, and tells its parent how it went. What it was doing when it died stands in the journal.

// Some ten tensors: memory changes hands all the time.
lendEagerly(2 ** 18);

const [name, options] = process.argv.slice(2);
const property = properties.find((one) => one.name === name);
if (property === undefined) throw new Error(`no property ${name}`);

const given = JSON.parse(options!) as SearchOptions;
// Programs write files, named by what they were made of, beside their journal.
if (given.journal !== undefined) process.chdir(dirname(given.journal));
let told = Date.now();
const totals = await search(property, {
  ...given,
  onProgress: (programs) => {
    if (Date.now() - told < 1000) return;
    told = Date.now();
    process.send?.({ programs });
  },
});
// When time is up a program may still be running, even in the background.
process.send?.({ totals }, () => process.exit(0));
