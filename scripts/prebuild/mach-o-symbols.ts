// Prints the demangled symbols of an object for macOS as nm would, for scripts/check-symbols.sh: the address, which nobody asks for, the kind and the name.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readMachO } from './mach-o.js';

const { symbols } = readMachO(readFileSync(process.argv[2]!));
const input = symbols.map((symbol) => `0 T ${symbol}\n`).join('');
process.stdout.write(execFileSync('c++filt', ['--strip-underscore'], { input, encoding: 'utf8' }));
