import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { ValueError } from '../lib/errors.js';
import { checkOptions, nearestName } from '../lib/options.js';

describe('checkOptions', () => {
  const known = ['batchSize', 'shuffle', 'dropLast'];

  it('accepts known options and none', () => {
    expect(() => checkOptions('DataLoader', { shuffle: true }, known)).not.toThrow();
    expect(() => checkOptions('DataLoader', {}, known)).not.toThrow();
  });

  it('names the nearest option', () => {
    const check = () => checkOptions('DataLoader', { batchsize: 3 }, known);
    expect(check).toThrow(ValueError);
    expect(check).toThrow("DataLoader: unknown option 'batchsize'; did you mean 'batchSize'?");
  });

  it('lists the options when none is near', () => {
    expect(() => checkOptions('DataLoader', { colour: 1 }, known)).toThrow(
      "DataLoader: unknown option 'colour'; known: batchSize, shuffle, dropLast",
    );
    expect(() => checkOptions('Identity', { x: 1 }, [])).toThrow("Identity: unknown option 'x'; there are none");
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

describe('what can be options', () => {
  class Settings {
    shuffle = true;
  }
  it.each([null, 3, 'shuffle', [], new Map(), new Date(0), () => 0, Symbol('s')])('not %s', (options) => {
    expect(() => checkOptions('DataLoader', options as never, ['shuffle'])).toThrow(
      'DataLoader: expected an object of options, { shuffle }, got',
    );
  });

  it('objects of another realm, without a prototype, or of classes', () => {
    for (const options of [runInNewContext('({ shuffle: true })'), Object.create(null), new Settings()]) {
      expect(() => checkOptions('DataLoader', options, ['shuffle'])).not.toThrow();
    }
    const own = Object.defineProperty({}, '__proto__', { value: 1, enumerable: true });
    expect(() => checkOptions('DataLoader', own, ['shuffle'])).toThrow("unknown option '__proto__'");
  });
});
