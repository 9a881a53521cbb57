import { describe, expect, it } from 'vitest';
import { nearestName, unknownName } from '../../lib/arguments/unknown-name.js';

describe('unknownName', () => {
  const known = ['batchSize', 'shuffle', 'dropLast'];

  it('names the nearest', () => {
    expect(unknownName('option', 'batchsize', known)).toBe("unknown option 'batchsize'; did you mean 'batchSize'?");
  });

  it('lists all when none is near', () => {
    expect(unknownName('option', 'colour', known)).toBe("unknown option 'colour'; known: batchSize, shuffle, dropLast");
    expect(unknownName('option', 'x', [])).toBe("unknown option 'x'; there are none");
  });
});

describe('nearestName', () => {
  it('forgives case, separators and slips', () => {
    const known = ['momentum', 'weightDecay', 'lr'];
    expect(nearestName('weight_decay', known)).toBe('weightDecay');
    expect(nearestName('momentun', known)).toBe('momentum');
    expect(nearestName('mometnum', known)).toBe('momentum');
    expect(nearestName('LR', known)).toBe('lr');
    expect(nearestName('somethingElse', known)).toBeUndefined();
  });
});

describe('names that are not looked for', () => {
  it('are too long to be a slip', () => {
    const long = 'a'.repeat(129);
    expect(nearestName(long, [long])).toBeUndefined();
    expect(nearestName('a'.repeat(128), ['a'.repeat(127)])).toBe('a'.repeat(127));
  });

  it('come after as many as a hint is worth', () => {
    const names = Array.from({ length: 1000 }, (_, i) => `${i}`.padStart(100, 'y'));
    const wanted = `z${names[0]!.slice(1)}`;
    expect(nearestName(wanted, names)).toBe(names[0]);
    expect(nearestName(wanted, [...names.map((name) => name.replaceAll('y', 'x')), names[0]!])).toBeUndefined();
  });
});
