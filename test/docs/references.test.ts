import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './exports.js';

// What the pages name is there: files, headings, scripts.

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'SECURITY.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const scripts = Object.keys((JSON.parse(read('package.json')) as { scripts: object }).scripts);

const found = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map((match) => match[1]!);

/** Headings as GitHub makes anchors of them. */
const anchorsOf = (path: string): string[] =>
  found(read(path), /^#+ (.*)$/gm).map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );

function linkWorks(page: string, link: string): boolean {
  const [path, anchor] = link.split('#') as [string, string?];
  const target = path === '' ? page : join(dirname(page), path);
  return existsSync(join(root, target)) && (anchor === undefined || anchorsOf(target).includes(anchor));
}

describe.each(pages)('%s', (page) => {
  const text = read(page);

  it('links to what exists', () => {
    const links = found(text, /\]\((?!https?:)([^)]+)\)/g);
    expect(links.filter((link) => !linkWorks(page, link))).toEqual([]);
  });

  it('names files that exist', () => {
    const files = found(text, /`((?:lib|test|native|examples|docs|bench|scripts)\/[\w./-]+)`/g);
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  it('names scripts that exist', () => {
    const names = found(text, /npm run (?:--silent )?([\w:-]+)/g);
    expect(names.filter((name) => !scripts.includes(name))).toEqual([]);
  });
});

it('the pages do refer to things', () => {
  const all = pages.map(read).join('\n');
  expect(found(all, /\]\((?!https?:)([^)]+)\)/g).length).toBeGreaterThan(15);
  expect(found(all, /npm run ([\w:-]+)/g).length).toBeGreaterThan(10);
});
