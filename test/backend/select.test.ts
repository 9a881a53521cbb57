import { afterEach, describe, expect, it } from 'vitest';
import { backend, backendName, getNumThreads, setNumThreads, useBackend } from '../../lib/backend/index.js';
import { createJsBackend } from '../../lib/backend/js/js.js';
import { selectBackend } from '../../lib/backend/select.js';
import { ValueError } from '../../lib/errors.js';

describe('selectBackend', () => {
  it('forces the plain JavaScript one', () => {
    expect(selectBackend('js').name).toBe('js');
  });

  it('names what can be asked for', () => {
    expect(() => selectBackend('cuda')).toThrow(new ValueError('NABLA_BACKEND: expected js or native, got cuda'));
  });

  it('is what NABLA_BACKEND says in this process', () => {
    expect(backendName()).toBe(process.env.NABLA_BACKEND);
  });
});

describe('useBackend', () => {
  const selected = backend;
  afterEach(() => {
    useBackend(selected);
  });

  it('puts another in front and returns the one before', () => {
    const recorder = { ...createJsBackend() };
    expect(useBackend(recorder)).toBe(selected);
    expect(backend).toBe(recorder);
  });
});

it.each([0, -1, 1.5, Number.NaN])('setNumThreads refuses %f', (count) => {
  expect(() => setNumThreads(count)).toThrow(
    `setNumThreads: count must be an integer, between 1 and 1024, got ${count}`,
  );
});

it('setNumThreads takes a positive integer', () => {
  const before = getNumThreads();
  setNumThreads(before);
  expect(getNumThreads()).toBe(before);
});
