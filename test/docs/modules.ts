import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { collectExamples, type Example } from './examples.js';
import { entryPoints, exportsOf, root } from './exports.js';

/** An example as a module that checks itself. */
export interface ExampleModule {
  readonly source: string;
  /** Where its expectations are written, as `file:line`. */
  readonly expectations: readonly string[];
}

export interface WrittenExample extends ExampleModule {
  readonly example: Example;
  /** Where it is written, in a folder of all. */
  readonly path: string;
}

export const modulesOfExamples = (): WrittenExample[] =>
  collectExamples().map((example, i) => ({ example, path: `docs/example-${i}.mts`, ...moduleOf(example) }));

/** Writes them into a folder that looks like the project's own. */
export function writeModules(modules: readonly WrittenExample[], folder: string): void {
  for (const part of ['lib', 'node_modules', 'package.json']) symlinkSync(join(root, part), join(folder, part));
  mkdirSync(join(folder, 'docs'));
  for (const { path, source } of modules) writeFileSync(join(folder, path), source);
}

// `code; // comment`, `const name = code; // comment`
const COMMENTED = /^( *)(?:(?:const|let) (\w+)(?:: [^=]+)? = )?(\S.*;) +\/\/ (.*)$/;
const BEGINS_LIKE_A_VALUE =
  /^(tensor\(|Parameter |\[|\{|'|-?\d|-?Infinity|NaN|true\b|false\b|null\b|undefined\b|\w+Array\(|\w*Error: )/;
/** An example of how to document something. */
const DOC_COMMENT = /^ *\/?\*/;
const VALUE = /^(-?(?:\d[\d.e+-]*|Infinity)|NaN|true|false|null|undefined|'[^']*')/;
const NAMED_ERROR = /^(\w*Error): (.*)$/;
/** What may follow a value. */
const REMARK = /^($|[:;,] )/;

/**
 * Everything that nabla exports is in scope of an example without imports; one with imports has what it imports. The first line of the
 * code is the second line of the module.
 */
function moduleOf(example: Example): ExampleModule {
  const expectations: string[] = [];
  const lines = example.code.split('\n').map((line, i) => {
    const where = `${example.file}:${example.line + i}`;
    const checked = checkedLine(line, where);
    if (checked !== line) expectations.push(where);
    return checked;
  });
  const code = lines.join('\n');
  const hasImports = /^import /m.test(code);
  const head = `import { expectError, expectValue } from '${join(root, 'test/docs/expectations.js')}';`;
  const source = hasImports ? `${head}\n${code}` : `${head} ${IMPORTS} {\n${code}}\n`;
  return { source, expectations };
}

/** The line with its comment, if that is a value, made a check. */
function checkedLine(line: string, where: string): string {
  const comment = / \/\/ (.*)$/.exec(line)?.[1];
  const isProse = comment === undefined || !BEGINS_LIKE_A_VALUE.test(comment);
  if (isProse || DOC_COMMENT.test(line)) return line;
  const [, indent, name, code] = COMMENTED.exec(line) ?? [];
  if (code === undefined || !isBalanced(code)) {
    throw new Error(`${where}: a value must follow one whole statement on its line: ${line.trim()}`);
  }
  const expression = code.slice(0, -1);
  const quoted = (text: string) => JSON.stringify(text);
  const error = NAMED_ERROR.exec(comment);
  if (error !== null) {
    const [, type, message] = error;
    return `${indent}await expectError(async () => ${expression}, ${quoted(type!)}, ${quoted(message!)}, ${quoted(where)});`;
  }
  const value = leadingValue(comment);
  if (value === undefined) throw new Error(`${where}: begins like a value, but is none: ${comment}`);
  const rest = `${quoted(value)}, ${quoted(where)});`;
  return name === undefined
    ? `${indent}expectValue(${expression}, ${rest}`
    : `${indent}const ${name} = ${expression}; expectValue(${name}, ${rest}`;
}

/** The value a comment begins with: all of it, or what a remark follows; undefined if there is no telling. */
function leadingValue(comment: string): string | undefined {
  const simple = VALUE.exec(comment)?.[1];
  const ends = simple === undefined ? closingBrackets(comment) : [simple.length];
  const end = ends.find((at) => REMARK.test(comment.slice(at)) && isBalanced(comment.slice(0, at)));
  return end === undefined ? undefined : comment.slice(0, end);
}

const closingBrackets = (text: string): number[] => [...text.matchAll(/[)\]}]/g)].map(({ index }) => index + 1);

function isBalanced(text: string): boolean {
  let depth = 0;
  for (const char of text.replaceAll(/'[^']*'/g, '')) {
    if ('([{'.includes(char)) depth++;
    else if (')]}'.includes(char) && --depth < 0) return false;
  }
  return depth === 0;
}

/** `import { a, type B } from 'nabla';` for all of nabla. */
const IMPORTS = Object.entries(entryPoints)
  .map(([entry, file]) => {
    const names = exportsOf(file)
      .filter(({ path }) => !path.includes('.') && path !== 'var')
      .map(({ path, kind }) => (kind === 'interface' || kind === 'type' ? `type ${path}` : path));
    return `import { ${names.join(', ')} } from '${entry}';`;
  })
  .join(' ');
