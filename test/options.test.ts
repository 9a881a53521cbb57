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
