import { parseArgs } from 'node:util';
import { loadLibrary } from './library.js';
import { parseFilter, runFolder, type Status } from './run.js';
import { formatFailures, formatReasons, formatTable } from './table.js';

const USAGE = `usage: npm run conformance -- DIR [--only AREA[/NAME]] [--backend js|native] [--show N | --verbose]

Runs every case recorded in DIR and prints what passed, what failed and what nabla does not support.
Exits with 1 when a supported case fails.

  --only AREA[/NAME]   one area, or one name in it: ops, ops/sum
  --backend NAME       js or native instead of the default
  --show N             details of the first N failures (default 10)
  --verbose            details of all failures`;

function parseCommandLine() {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: 'string' },
      backend: { type: 'string' },
      show: { type: 'string', default: '10' },
      verbose: { type: 'boolean', default: false },
    },
  });
  const [folder, ...rest] = positionals;
  const { only, backend, show, verbose } = values;
  if (folder === undefined || rest.length > 0) throw new Error('expected one folder');
  if (backend !== undefined && backend !== 'js' && backend !== 'native') {
    throw new Error(`--backend: js or native, not "${backend}"`);
  }
  const limit = verbose ? Number.POSITIVE_INFINITY : Number(show);
  if (!(limit >= 0)) throw new Error(`--show: expected a number, not "${show}"`);
  return { folder, filter: parseFilter(only), backend, limit };
}

async function main(): Promise<number> {
  const { folder, filter, backend, limit } = parseCommandLine();
  const results = await runFolder(folder, await loadLibrary(backend), filter);
  const has = (status: Status) => results.some((result) => result.status === status);
  console.log(formatTable(results));
  if (has('not supported')) console.log(`\n${formatReasons(results)}`);
  if (has('failed') && limit > 0) console.log(`\n${formatFailures(results, limit)}`);
  return has('failed') ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`conformance: ${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  process.exitCode = 2;
}
