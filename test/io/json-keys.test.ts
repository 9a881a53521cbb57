import { describe, expect, it } from 'vitest';
import { duplicateKey } from '../../lib/io/json-keys.js';

describe('duplicateKey', () => {
  it.each([
    ['{}'],
    ['{"a": 1, "b": {"a": 2, "b": 3}, "c": {"a": 4}}'],
    ['{"a": ["a", "a"], "b": "a"}'],
    ['{"a\\"": 1, "a": 2, "\\\\": {"\\\\\\"": "}"}}'],
  ])('finds none in %s', (json) => {
    expect(() => JSON.parse(json)).not.toThrow();
    expect(duplicateKey(json)).toBeUndefined();
  });

  it.each([
    ['{"a": 1, "a": 2}', 'a'],
    ['{"x": {"b": {}, "c": 1, "b" \n: 2}}', 'b'],
    ['{"x": [{"é": 1, "\\u00e9": 2}]}', 'é'],
    ['{"__proto__": 1, "__proto__": 2}', '__proto__'],
    ['{"a": "}", "a": 2}', 'a'],
  ])('finds the one in %s', (json, key) => {
    expect(duplicateKey(json)).toBe(key);
  });
});
