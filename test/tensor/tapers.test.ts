import { readFileSync } from 'node:fs';
import * as nabla from 'nabla';
import { capture, DTypeError, hannWindow, kaiserWindow, type Tensor, ValueError } from 'nabla';
import { describe, expect, it } from 'vitest';
import { expectClose } from '../recorded.js';

interface Case {
  readonly name: string;
  readonly args: readonly unknown[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly float32: readonly number[];
  readonly float64: readonly number[];
}

/** See fixtures/tapers.py. */
const cases = JSON.parse(readFileSync(new URL('../fixtures/tapers.json', import.meta.url), 'utf8')) as Case[];

describe('windows of signals', () => {
  it.each(cases)('$name($args, $options) is that of PyTorch', ({ name, args, options, float32, float64 }) => {
    const make = Reflect.get(nabla, name) as (...args: unknown[]) => Tensor;
    const plain = make(...args, options);
    expect(plain.dtype).toBe('float32');
    // PyTorch computes these in float32.
    expectClose(plain, float32, 2e-6);
    expectClose(make(...args, { ...options, dtype: 'float64' }), float64, 1e-14);
  });

  it('are the same in captured functions', () => {
    const windowed = (x: Tensor) => x.mul(hannWindow(5)).add(kaiserWindow(5, false));
    const captured = capture(windowed);
    const x = nabla.arange(5);
    expect(captured(x).toArray()).toEqual(windowed(x).toArray());
    expect(captured(x.mul(2)).toArray()).toEqual(windowed(x.mul(2)).toArray());
  });

  it('take what new tensors take', () => {
    expect(hannWindow(3, { requiresGrad: true }).requiresGrad).toBe(true);
    expect(() => hannWindow(3, { dtype: 'int32' })).toThrow(DTypeError);
    expect(() => hannWindow(-1)).toThrow(ValueError);
    expect(() => hannWindow(-1)).toThrow('hannWindow: windowLength must be an integer, at least 0, got -1');
    expect(() => kaiserWindow(3, true, Number.NaN)).toThrow('kaiserWindow: beta must be a finite number, got NaN');
  });
});
