#!/usr/bin/env node
// What prebuildify calls in place of node-gyp, as `rebuild --arch=<arch> ...`: it builds with CMake, for any Node with Node-API 8.
import { execFileSync } from 'node:child_process';

const arch = process.argv.find((argument) => argument.startsWith('--arch='))?.slice('--arch='.length) ?? process.arch;
execFileSync('cmake-js', ['rebuild', '--arch', arch], { stdio: 'inherit' });
