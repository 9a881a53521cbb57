/** Makes the documentation site in build/site: pages that need no server and no network. Fails where a link leads nowhere. */
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Application, LogLevel } from 'typedoc';
import { brokenLinks, loadedFromElsewhere } from './links.js';
import { preparePages } from './pages.js';
import { spellSignaturesOut } from './signatures.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = `${root}build/site`;
const sources = `${root}build/site-pages`;

await rm(sources, { recursive: true, force: true });
const { readme, documents } = await preparePages(root, sources);
const app = await Application.bootstrapWithPlugins({
  name: 'nabla',
  entryPoints: ['index', 'data/index', 'distributed/index', 'io/index', 'models/index', 'training/index'].map(
    (name) => `${root}lib/${name}.ts`,
  ),
  tsconfig: `${root}tsconfig.build.json`,
  readme,
  projectDocuments: [...documents],
  basePath: root,
  customCss: `${root}site/style.css`,
  customJs: `${root}site/open-guide.js`,
  favicon: `${root}site/nabla.svg`,
  excludeInternal: true,
  excludePrivate: true,
  excludeProtected: true,
  includeVersion: true,
  searchInDocuments: true,
  searchInComments: true,
  hideGenerator: true,
  sort: ['kind', 'instance-first', 'alphabetical-ignoring-documents'],
  sortEntryPoints: false,
  headings: { readme: false, document: true },
  navigation: { includeGroups: true, includeCategories: false, includeFolders: false, compactFolders: false },
  groupOrder: ['Guide', 'Reference', 'Modules', 'Examples', 'Project'],
  validation: { notExported: false, invalidLink: true },
  logLevel: LogLevel.Error,
});
spellSignaturesOut(app);
const project = await app.convert();
if (project === undefined) process.exit(1);
await app.generateDocs(project, out);

const broken = [...(await brokenLinks(out)), ...(await loadedFromElsewhere(out))];
for (const link of broken) console.error(`leads nowhere: ${link}`);
console.log(`${out}/index.html`);
if (broken.length > 0 || app.logger.hasErrors()) process.exit(1);
