import { inspect, isDeepStrictEqual } from 'node:util';
import { runInThisContext } from 'node:vm';
import { Tensor } from 'nabla';
import { expect } from 'vitest';

// What the modules made of examples call.

const RELATIVE_TOLERANCE = 1e-4;

const met = new Set<string>();

/** Where expectations were met since the last call. */
export function takeMet(): string[] {
  const places = [...met];
  met.clear();
  return places;
}

/**
 * Compares with a value as documentation shows it. Tensors, and what contains them, as they print, but for spaces; everything else as
 * the JavaScript it is, numbers within a relative 1e-4.
 */
export function expectValue(actual: unknown, text: string, where: string): void {
  const printed = printsAsText(actual);
  const expected: unknown = printed ? withoutSpaces(text) : runInThisContext(`(${text})`);
  const shown = printed ? withoutSpaces(inspect(actual, { depth: null })) : actual;
  if (!isClose(shown, expected)) expect.fail(`${where}: expected ${text}, got ${inspect(actual, { depth: null })}`);
  met.add(where);
}

const printsAsText = (value: unknown): boolean =>
  value instanceof Tensor ||
  ArrayBuffer.isView(value) ||
  (typeof value === 'object' && value !== null && Object.values(value).some(printsAsText));

const withoutSpaces = (text: string): string => text.replaceAll(/\s/g, '');

function isClose(actual: unknown, expected: unknown): boolean {
  if (typeof actual === 'number' && typeof expected === 'number') {
    const near = Math.abs(actual - expected) <= RELATIVE_TOLERANCE * Math.abs(expected);
    return near || Object.is(actual, expected);
  }
  if (!Array.isArray(actual) || !Array.isArray(expected)) return isDeepStrictEqual(actual, expected);
  return actual.length === expected.length && actual.every((value, i) => isClose(value, expected[i]));
}

/** Runs what must fail, and compares the error's name and message; `…` in the text stands for anything. */
export async function expectError(run: () => unknown, name: string, text: string, where: string): Promise<void> {
  let outcome: unknown;
  try {
    outcome = await run();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const shown = `${error.name}: ${error.message.replaceAll(/\s+/g, ' ')}`;
    const parts = `${name}: ${text}`.split('…').map((part) => part.trim());
    const matches = parts.length === 1 ? shown === parts[0] : inOrder(shown, parts);
    if (!matches) expect.fail(`${where}: expected ${name}: ${text}, got ${shown}`);
    met.add(where);
    return;
  }
  expect.fail(`${where}: expected ${name}: ${text}, got ${inspect(outcome)}`);
}

function inOrder(text: string, parts: readonly string[]): boolean {
  let at = 0;
  for (const part of parts) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return true;
}
