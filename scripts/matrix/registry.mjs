// A registry of packages that are not published: registry.mjs FOLDER serves its tarballs on a port that it prints. Plain JavaScript in a process of its
// own: what tries the packages waits for the commands that it runs.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

const [folder = ''] = process.argv.slice(2);
const tarballs = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
const manifestOf = (tarball) =>
  JSON.parse(execFileSync('tar', ['-xzOf', join(folder, tarball), 'package/package.json'], { encoding: 'utf8' }));
const packages = new Map(
  tarballs.map((tarball) => {
    const manifest = manifestOf(tarball);
    return [manifest.name, { tarball, manifest }];
  }),
);

function describe({ tarball, manifest }, origin) {
  const bytes = readFileSync(join(folder, tarball));
  const dist = {
    tarball: `${origin}/${tarball}`,
    integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
    shasum: createHash('sha1').update(bytes).digest('hex'),
  };
  const { name, version } = manifest;
  return {
    name,
    'dist-tags': { latest: version },
    versions: { [version]: { ...manifest, dist } },
    time: { modified: '2020-01-01T00:00:00.000Z', [version]: '2020-01-01T00:00:00.000Z' },
  };
}

const server = createServer(({ url = '/', headers }, response) => {
  const path = decodeURIComponent(url.slice(1).replace(/\?.*/, ''));
  if (tarballs.includes(path)) return response.end(readFileSync(join(folder, path)));
  const found = packages.get(path);
  if (found === undefined) return response.writeHead(404).end('{}');
  return response
    .writeHead(200, { 'content-type': 'application/json' })
    .end(JSON.stringify(describe(found, `http://${headers.host}`)));
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
