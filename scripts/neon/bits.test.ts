import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

const emulated = process.env.EMULATED_NODE!;
const host = process.env.HOST_NODE!;

/** What a script of digests prints, run by one Node or the other. */
function digestsOf(node: string, script: string, ...args: string[]): unknown {
  const env = { ...process.env, ...(node === host && { NABLA_PREBUILD: '' }) };
  return JSON.parse(execFileSync(node, ['--import', 'tsx', path(script), ...args], { env, encoding: 'utf8' }));
}

/** What the C library computes, whose bits are its own on every processor. */
const ofLibrary = expect.any(String);

it('maps and folds are those of the host', () => {
  const script = '../../test/backend/native-digest.ts';
  const library = { 'exp2 float64': ofLibrary, 'erf float64': ofLibrary, 'erfc float64': ofLibrary };
  expect(digestsOf(emulated, script)).toEqual({ ...(digestsOf(host, script) as object), ...library });
});

it('a training run, with its products of matrices, and operations are those of the host', () => {
  const script = '../../test/determinism/digest.ts';
  const names = ['BCE with logits, ELU, Sigmoid', 'float32 operations', 'float64 operations'];
  const digests = digestsOf(host, script, '2', ...names) as [object];
  expect(Object.keys(digests[0])).toEqual(names);
  expect(digestsOf(emulated, script, '2', ...names)).toEqual(digests);
});
