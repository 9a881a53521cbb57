import { properties } from './properties/index.js';
import { type SearchOptions, search } from './search.js';

// A process that tries programs of one property, and tells its parent how it went. What it was doing when it died stands in the journal.

const [name, options] = process.argv.slice(2);
const property = properties.find((one) => one.name === name);
if (property === undefined) throw new Error(`no property ${name}`);

let told = Date.now();
const totals = await search(property, {
  ...(JSON.parse(options!) as SearchOptions),
  onProgress: (programs) => {
    if (Date.now() - told < 1000) return;
    told = Date.now();
    process.send?.({ programs });
  },
});
// When time is up a program may still be running, even in the background.
process.send?.({ totals }, () => process.exit(0));
