import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { DType } from '../../lib/backend/dtype.js';
import { formatTensor } from '../../lib/tensor/print.js';

type Value = number | string | boolean;

/** See fixtures/print.py. */
interface Case {
  readonly values:
    | readonly Value[]
    | { range: number }
    | { repeat: Value; times: number; except: Record<string, Value> };
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly requiresGrad: boolean;
  readonly gradFn: string | null;
  readonly text: string;
}

const cases = JSON.parse(readFileSync(new URL('../fixtures/print.json', import.meta.url), 'utf8')) as Case[];

const names: Readonly<Record<string, number>> = { nan: Number.NaN, inf: Infinity, '-inf': -Infinity, '-0': -0 };
const decode = (value: Value): number => (typeof value === 'string' ? names[value]! : Number(value));

function valuesOf({ values, dtype }: Case): number[] {
  if ('range' in values) return Array.from({ length: values.range }, (_, i) => i);
  const encoded =
    'repeat' in values ? Array.from({ length: values.times }, (_, i) => values.except[i] ?? values.repeat) : values;
  return encoded.map(decode).map(dtype === 'float32' ? Math.fround : Number);
}

describe('formatTensor', () => {
  test.each(cases)('prints as PyTorch: $dtype $shape $text', (recorded) => {
    const { shape, dtype, requiresGrad, gradFn } = recorded;
    const text = formatTensor(valuesOf(recorded), shape, dtype, { requiresGrad, gradFn: gradFn ?? undefined });
    expect(text).toBe(recorded.text);
  });
});
