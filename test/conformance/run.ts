import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { Adapter } from './adapter.js';
import { runCase } from './areas/index.js';
import { parseCase, readLines } from './decode.js';
import { AREAS, type Area, type RecordedCase } from './format.js';
import type { Library } from './library.js';
import { Mismatch, NotSupported } from './outcome.js';

export type Status = 'passed' | 'failed' | 'not supported';

export interface Result {
  readonly area: Area;
  readonly name: string;
  readonly id: string;
  readonly status: Status;
  /** What differs, or why it is not supported; empty for a case that passed. */
  readonly detail: string;
}

/** Which cases to run: `ops`, `ops/sum`, or all of them. */
export interface Filter {
  readonly area?: string;
  readonly name?: string;
}

export function parseFilter(only: string | undefined): Filter {
  if (only === undefined) return {};
  const [area, ...name] = only.split('/');
  if (!AREAS.some((known) => known === area))
    throw new Error(`--only: no area "${area}"; there are ${AREAS.join(', ')}`);
  return name.length === 0 ? { area: area! } : { area: area!, name: name.join('/') };
}

/** Runs every case of a folder in the recorded format. Files may be missing; a folder without any is a mistake. */
export async function runFolder(folder: string, nabla: Library, filter: Filter = {}): Promise<Result[]> {
  const adapter = new Adapter(nabla);
  const results: Result[] = [];
  const files = await findFiles(folder);
  if (files.length === 0) throw new Error(`no recorded cases (${AREAS[0]}.jsonl, ...) in ${folder}`);
  for (const { area, path } of files) {
    if (filter.area !== undefined && filter.area !== area) continue;
    for await (const line of readLines(path)) {
      const c = parseCase(line);
      if (filter.name === undefined || filter.name === c.name) results.push(judge(c, adapter));
    }
  }
  if (results.length === 0) throw new Error(`no recorded case of ${[filter.area, filter.name].join('/')} in ${folder}`);
  return results;
}

/** The files of a folder that hold recorded cases. */
export async function findFiles(folder: string): Promise<{ area: Area; path: string }[]> {
  const candidates = AREAS.flatMap((area) =>
    ['.jsonl', '.jsonl.gz'].map((ending) => ({ area, path: join(folder, area + ending) })),
  );
  const exists = await Promise.all(
    candidates.map(({ path }) =>
      access(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  return candidates.filter((_, i) => exists[i]);
}

export function judge(c: RecordedCase, adapter: Adapter): Result {
  const { area, name, id } = c;
  try {
    runCase(c, adapter);
    return { area, name, id, status: 'passed', detail: '' };
  } catch (error) {
    return { area, name, id, ...explain(error, adapter) };
  }
}

function explain(error: unknown, adapter: Adapter): Pick<Result, 'status' | 'detail'> {
  if (error instanceof NotSupported) return { status: 'not supported', detail: error.message };
  if (error instanceof Mismatch) return { status: 'failed', detail: error.message };
  if (error instanceof adapter.nabla.NablaError && error.code === 'ERR_NABLA_UNSUPPORTED') {
    return { status: 'not supported', detail: error.message };
  }
  return {
    status: 'failed',
    detail: `threw ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`,
  };
}
