import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './exports.js';

/** A piece of code in the documentation. */
export interface Example {
  readonly file: string;
  /** The line of the file that the first line of the code is on. */
  readonly line: number;
  readonly code: string;
  /** False for ```ts no-run: its types are checked, and that is all. */
  readonly runs: boolean;
  /** What the block ```text that follows directly says it prints; null if none does. */
  readonly prints: string | null;
}

const FENCED = /^( *\*? ?)```ts( no-run)?\n([\s\S]*?)^\1```$(?:\n\n```text\n([\s\S]*?)^```$)?/gm;
const INLINE = /@example +(\S[^\n]*?)(?= @see|\s*\*\/|\n)/g;
const DOC_COMMENT = /\/\*\*(?:(?!\*\/)[\s\S])*\*\//g;

/** The examples of README.md, docs/ and the doc comments of lib/. */
export function collectExamples(): Example[] {
  const pages = ['README.md', ...filesIn('docs', '.md')];
  const sources = filesIn('lib', '.ts');
  return [
    ...pages.flatMap(fencedExamples),
    ...sources.flatMap((file) => [...fencedExamples(file), ...inlineExamples(file)]),
  ];
}

const filesIn = (folder: string, extension: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(extension))
    .map((name) => join(folder, name))
    .sort();

const read = (file: string): string => readFileSync(join(root, file), 'utf8');

const lineAt = (text: string, index: number): number => text.slice(0, index).split('\n').length;

function fencedExamples(file: string): Example[] {
  const text = read(file);
  return [...text.matchAll(FENCED)].map((match) => {
    const [, margin, noRun, code, prints] = match;
    const lines = code!.split('\n').map((line) => line.slice(margin!.length));
    return {
      file,
      line: lineAt(text, match.index) + 1,
      code: lines.join('\n'),
      runs: noRun === undefined,
      prints: prints ?? null,
    };
  });
}

/** `@example` with its code on the same line. */
function inlineExamples(file: string): Example[] {
  const text = read(file);
  return [...text.matchAll(DOC_COMMENT)].flatMap((comment) =>
    [...comment[0].matchAll(INLINE)].map((match) => ({
      file,
      line: lineAt(text, comment.index + match.index),
      code: `${match[1]}\n`,
      runs: true,
      prints: null,
    })),
  );
}
