import type { Result, Status } from './run.js';

const STATUSES = ['passed', 'failed', 'not supported'] as const satisfies readonly Status[];

type Counts = Record<Status, number>;

function count(results: readonly Result[]): Counts {
  const counts: Counts = { passed: 0, failed: 0, 'not supported': 0 };
  for (const { status } of results) counts[status]++;
  return counts;
}

function row(label: string, counts: Counts, width: number): string {
  const cells = STATUSES.map((status) => String(counts[status] || '·').padStart(status.length));
  return `${label.padEnd(width)}  ${cells.join('  ')}`;
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}

/** Passed, failed and not supported per area and name, with a closing total. */
export function formatTable(results: readonly Result[]): string {
  const areas = groupBy(results, ({ area }) => area);
  const width = Math.max(5, ...results.map(({ name }) => name.length + 2));
  const lines = [`${''.padEnd(width)}  ${STATUSES.join('  ')}`];
  for (const [area, inArea] of areas) {
    lines.push(row(area, count(inArea), width));
    for (const [name, named] of groupBy(inArea, (result) => result.name))
      lines.push(row(`  ${name}`, count(named), width));
  }
  lines.push('', row('total', count(results), width));
  return lines.join('\n');
}

/** Why cases were not supported, the most frequent reason first. */
export function formatReasons(results: readonly Result[]): string {
  const unsupported = results.filter(({ status }) => status === 'not supported');
  const reasons = [...groupBy(unsupported, ({ detail }) => detail)].sort(([, a], [, b]) => b.length - a.length);
  const lines = reasons.map(([reason, { length }]) => `${String(length).padStart(7)}  ${reason}`);
  return ['not supported because:', ...lines].join('\n');
}

/** Failures in full, the first `limit` of them. */
export function formatFailures(results: readonly Result[], limit: number): string {
  const failed = results.filter(({ status }) => status === 'failed');
  const lines = failed.slice(0, limit).map(({ id, detail }) => `${id}\n    ${detail.replaceAll('\n', '\n    ')}`);
  if (failed.length > limit) lines.push(`... and ${failed.length - limit} more failures (--verbose shows all)`);
  return lines.join('\n');
}
