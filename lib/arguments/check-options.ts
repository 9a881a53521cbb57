import { describe } from '../describe.js';
import { ValueError } from '../errors.js';
import { hasNames } from '../realm.js';
import { unknownName } from './unknown-name.js';

/**
 * Refuses options that do not exist, so that a misspelled one is never silently ignored:
 * `DataLoader: unknown option 'batchsize'; did you mean 'batchSize'?`
 *
 * @param where what was called, as it starts the message
 * @param options what the caller passed
 * @param known every option there is
 */
export function checkOptions(where: string, options: object, known: readonly string[]): void {
  if (!hasNames(options)) {
    const example = known.length === 0 ? '{}' : `{ ${known.join(', ')} }`;
    throw new ValueError(`${where}: expected an object of options, ${example}, got ${describe(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw new ValueError(`${where}: ${unknownName('option', name, known)}`);
  }
}

/** Refuses what is neither true nor false. */
export function checkBoolean(where: string, name: string, value: unknown): void {
  if (typeof value !== 'boolean') {
    throw new ValueError(`${where}: ${name}: expected true or false, got ${describe(value)}`);
  }
}
