import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { brokenLinks, loadedFromElsewhere } from '../../site/links.js';
import { listedPages, preparePages } from '../../site/pages.js';
import { root } from './exports.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nabla-site-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('the documentation site', () => {
  it('has every page of docs/ once', async () => {
    const pages = (await readdir(join(root, 'docs'))).filter((name) => name.endsWith('.md'));
    expect(
      listedPages()
        .filter((path) => path.startsWith('docs/'))
        .sort(),
    ).toEqual(pages.map((name) => `docs/${name}`).sort());
  });

  it('gives each page a title, a group, and links to what the site shows', async () => {
    const { readme, documents } = await preparePages(root, join(folder, 'pages'));
    expect(documents).toHaveLength(listedPages().length);
    const serving = await readFile(documents.find((file) => file.endsWith('serving.md'))!, 'utf8');
    expect(serving).toMatch(/^---\ntitle: "Serving"\ngroup: Guide\n---\n/);
    expect(serving).toContain('[examples/server.ts](../examples/server.ts.md)');
    const autograd = await readFile(documents.find((file) => file.endsWith('autograd.md'))!, 'utf8');
    expect(autograd).toContain('expressions that\nlib/expr/adjoint.ts derives');
    expect(await readFile(readme, 'utf8')).toContain('](docs/images/mnist.svg)');
  });
});

describe('the check of links', () => {
  it('finds files and anchors that are not there, and what is loaded from elsewhere', async () => {
    const page = (body: string) => `<html><body>${body}</body></html>`;
    await writeFile(
      join(folder, 'index.html'),
      page(
        '<a href="a.html#here">1</a> <a href="a.html#gone">2</a> <a href="b.html">3</a> <a href="#top">4</a> <h1 id="top"></h1>',
      ),
    );
    await writeFile(
      join(folder, 'a.html'),
      page(
        '<h2 id="here"></h2><a href="https://pytorch.org">5</a> <img src="no.png"> <script src="https://x.org/x.js"></script>',
      ),
    );
    expect((await brokenLinks(folder)).sort()).toEqual([
      'a.html: no.png',
      'index.html: a.html#gone',
      'index.html: b.html',
    ]);
    expect(await loadedFromElsewhere(folder)).toEqual(['a.html: https://x.org/x.js']);
  });
});
