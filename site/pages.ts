import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

function gallery(): string[] {
  const programs = ['convnet', 'char-rnn', 'seq2seq', 'dcgan', 'graph-attention', 'realnvp', 'dqn', 'siren'];
  return ['gallery/README.md', ...programs.map((name) => `gallery/${name}.ts`)];
}

/** The pages in the order in which they are read, by the group of the navigation that they are in. */
const GROUPS = {
  Guide: [
    'tensors',
    'autograd',
    'modules',
    'distributions',
    'data',
    'training',
    'capture',
    'distributed',
    'scaling',
    'serving',
  ].map((name) => `docs/${name}.md`),
  Reference: ['coming-from-pytorch', 'numerics', 'errors', 'performance', 'peers', 'packaging', 'support'].map(
    (name) => `docs/${name}.md`,
  ),
  Examples: [
    'backprop-sequential.ts',
    'backprop-module.ts',
    'mnist.ts',
    'convnet.ts',
    'char-gpt.ts',
    'distributed.ts',
    'mpijob.json',
    'server.ts',
    'Dockerfile',
    ...gallery(),
  ].map((name) => `examples/${name}`),
  Project: [
    'docs/architecture.md',
    'docs/adding-an-operation.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
    'CHANGELOG.md',
    'LICENSE',
  ],
};

export interface Pages {
  readonly readme: string;
  readonly documents: readonly string[];
}

/** Every page of the guide, as it is to be listed here. */
export const listedPages = (): readonly string[] => Object.values(GROUPS).flat();

/** Copies the pages to a folder, with a title and a group each, and links that lead to pages. */
export async function preparePages(root: string, folder: string): Promise<Pages> {
  const read = (path: string) => readFile(join(root, path), 'utf8');
  const write = async (path: string, text: string): Promise<string> => {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
    return file;
  };
  const documents: string[] = [];
  for (const [group, paths] of Object.entries(GROUPS)) {
    for (const path of paths) documents.push(await write(pageOf(path), titled(await read(path), path, group)));
  }
  await cp(join(root, 'docs/images'), join(folder, 'docs/images'), { recursive: true });
  return { readme: await write('README.md', linked(await read('README.md'), 'README.md')), documents };
}

const pageOf = (path: string): string => (path.endsWith('.md') ? path : `${path}.md`);

function titled(text: string, path: string, group: string): string {
  const [, title = path] = (path.endsWith('.md') && /^# (.*)\n/.exec(text)) || [];
  const body = path.endsWith('.md')
    ? linked(text.replace(/^# .*\n/, ''), path)
    : `\`\`\`${languageOf(path)}\n${text}\`\`\`\n`;
  return `---\ntitle: ${JSON.stringify(title)}\ngroup: ${group}\n---\n\n${body}`;
}

const languageOf = (path: string): string => (path.endsWith('.ts') ? 'ts' : 'text');

/** Links to what is shown as a page lead there; what is not in the site, such as sources, is named without a link. */
const linked = (text: string, from: string): string =>
  text
    .replaceAll(
      /(?<!!)\[([^\]]*)\]\((?!https?:|#)([^)#]+)(#[^)]*)?\)/g,
      (link, words: string, path: string, anchor = '') => {
        const target = join(dirname(from), path);
        if (target === 'README.md') return link;
        if (!listedPages().includes(target)) return words;
        return `[${words}](${pageOf(path)}${anchor})`;
      },
    )
    .replaceAll(/^```ts no-run$/gm, '```ts');
