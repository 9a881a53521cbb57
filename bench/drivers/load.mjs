/** Loads a library, says what that took, and waits: load.mjs SPECIFIER [FOLDER]. Plain JavaScript, so that nothing but Node takes part. */
import { writeSync } from 'node:fs';
import { createRequire } from 'node:module';

const [specifier, folder] = process.argv.slice(2);
const start = performance.now();
if (folder === undefined) await import(specifier);
else createRequire(folder)(specifier);
const loadSeconds = (performance.now() - start) / 1000;

writeSync(3, `${JSON.stringify({ name: specifier, version: '', loadSeconds })}\n`);
process.stdin.resume();
