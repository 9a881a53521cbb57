import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

interface Page {
  readonly links: readonly string[];
  readonly anchors: ReadonlySet<string>;
}

const valuesOf = (html: string, pattern: RegExp): string[] =>
  [...html.matchAll(pattern)].map(([, value]) => decodeURIComponent(value!.replaceAll('&amp;', '&')));

/** Links of pages in a folder, and what pages load, that lead nowhere: `page: link`. Those with a scheme lead elsewhere, and do so only when clicked. */
export async function brokenLinks(folder: string): Promise<string[]> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  const pages = new Map<string, Page>();
  for (const file of files.filter((name) => name.endsWith('.html'))) {
    const html = await readFile(join(folder, file), 'utf8');
    pages.set(file, {
      links: valuesOf(html, /<(?:a|link|img|script|use)\b[^>]*?\s(?:href|src)="([^"]*)"/g),
      anchors: new Set(valuesOf(html, /\s(?:id|name)="([^"]*)"/g)),
    });
  }
  const known = new Set(files);
  const leads = (from: string, link: string): boolean => {
    const [path = '', anchor = ''] = link.split('#');
    const [name = ''] = path.split('?');
    const target = name === '' ? from : join(dirname(from), name);
    return known.has(target) && (anchor === '' || (pages.get(target)?.anchors.has(anchor) ?? true));
  };
  return [...pages].flatMap(([page, { links }]) =>
    links
      .filter((link) => !/^(https?|mailto|data):/.test(link) && !leads(page, link))
      .map((link) => `${page}: ${link}`),
  );
}

/** What pages would load from elsewhere. */
export async function loadedFromElsewhere(folder: string): Promise<string[]> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.html'));
  const found = await Promise.all(
    names.map(async (name) =>
      valuesOf(
        await readFile(join(folder, name), 'utf8'),
        /<(?:img|script|link|iframe)\b[^>]*?\s(?:href|src)="((?:https?:)?\/\/[^"]*)"/g,
      ).map((link) => `${name}: ${link}`),
    ),
  );
  return found.flat();
}
