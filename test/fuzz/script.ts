import * as nabla from 'nabla';
import * as data from 'nabla/data';
import * as distributed from 'nabla/distributed';
import * as io from 'nabla/io';
import * as models from 'nabla/models';
import * as training from 'nabla/training';

const packages = {
  nabla,
  'nabla/data': data,
  'nabla/distributed': distributed,
  'nabla/io': io,
  'nabla/models': models,
  'nabla/training': training,
};

/** The names of some text that a package exports. */
function importsOf(text: string, from: object): string {
  const words = new Set(text.match(/(?<![.\w'])[A-Za-z_]\w*/g));
  return Object.keys(from)
    .filter((name) => words.has(name))
    .sort()
    .join(', ');
}

/** A module that people can run, of code that uses nabla. */
export function asModule(code: string): string {
  const imports = Object.entries(packages).map(([name, exported]) => [name, importsOf(code, exported)]);
  const lines = imports
    .filter(([, names]) => names !== '')
    .map(([name, names]) => `import { ${names} } from '${name}';`);
  return [...lines, '', code].join('\n');
}

const everything = { ...nabla, ...data, ...distributed, ...io, ...models, ...training };

/** Runs statements that use nabla, and gives what they return. */
export function evaluate<T>(code: string): T {
  return new Function('nabla', `'use strict'; const { ${importsOf(code, everything)} } = nabla; ${code}`)(
    everything,
  ) as T;
}

export const indent = (lines: readonly string[], by = 2): string =>
  lines.join('\n').replace(/^(?=.)/gm, ' '.repeat(by));
