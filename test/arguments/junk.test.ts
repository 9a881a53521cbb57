import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

interface Outcome {
  readonly failures: string[];
  readonly changed: string[];
  readonly acceptedOptions: string[];
  readonly calls: number;
}

const app = fileURLToPath(new URL('./junk-app.ts', import.meta.url));

/** Modules that hand their options to a function, which looks at them when it is called. */
const CHECKED_WHEN_CALLED =
  /^new nn\.(\w+Loss: (reduction|beta|delta|ignoreIndex|labelSmoothing|logTarget)|GELU: approximate)$/;

describe('every function, method and module, with what it cannot take as each argument and each option', () => {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', app], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  // The last line that went out names the function in which the process ended.
  const outcome = status === 0 ? (JSON.parse(stdout) as Outcome) : null;

  it('does not end the process', () => {
    expect({ status, signal, last: status === 0 ? '' : stderr.slice(-2000) }).toEqual({
      status: 0,
      signal: null,
      last: '',
    });
  });

  it('throws a NablaError or gives a result', () => {
    expect(outcome?.calls).toBeGreaterThan(100_000);
    expect(outcome?.failures.slice(0, 50)).toEqual([]);
  });

  it('has changed no tensor when it throws', () => {
    expect(outcome?.changed.slice(0, 50)).toEqual([]);
  });

  it('takes no symbol for any option', () => {
    expect(outcome?.acceptedOptions.filter((option) => !CHECKED_WHEN_CALLED.test(option))).toEqual([]);
  });
});
