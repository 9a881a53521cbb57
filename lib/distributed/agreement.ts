import { createHash } from 'node:crypto';
import { NablaError } from '../errors.js';
import { zeros } from '../ops/creation.js';
import { storageOf } from '../tensor/tensor.js';
import { exchange } from './exchange.js';
import type { World } from './world.js';

const HASH_WORDS = 4;

function hash(text: string): Int32Array {
  const bytes = createHash('sha256').update(text).digest();
  return Int32Array.from({ length: HASH_WORDS }, (_, i) => bytes.readInt32LE(4 * i));
}

/** Refuses to go on where ranks differ in something that must be the same on all: texts that say what it is, by name. */
export function requireAgreement(where: string, { rank, size }: World, texts: Readonly<Record<string, string>>): void {
  const names = Object.keys(texts);
  const width = names.length * HASH_WORDS;
  const all = zeros([size, width], { dtype: 'int32' });
  const words = storageOf(all).array('int32') as Int32Array;
  names.forEach((name, i) => {
    words.set(hash(texts[name]!), rank * width + i * HASH_WORDS);
  });
  exchange('gather', [all], Number.POSITIVE_INFINITY);
  const partOf = (of: number, i: number) =>
    words
      .subarray(of * width + i * HASH_WORDS)
      .subarray(0, HASH_WORDS)
      .join();
  names.forEach((name, i) => {
    const others = Array.from({ length: size }, (_, of) => of).filter((of) => partOf(of, i) !== partOf(0, i));
    if (others.length === 0) return;
    throw new NablaError(
      `${where}: ranks disagree about ${name}: ${others.length === 1 ? 'rank' : 'ranks'} ${others.join(', ')} ${others.length === 1 ? 'has' : 'have'} ` +
        `others than rank 0; here, on rank ${rank}: ${shortened(texts[name]!)}`,
      'ERR_NABLA_DISTRIBUTED',
    );
  });
}

const LONGEST = 200;

const shortened = (text: string): string => (text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`);
