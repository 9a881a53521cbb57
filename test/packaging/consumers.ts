import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const root = resolve(import.meta.dirname, '../..');
const run = promisify(execFile);

/** Uses what is public, and shows that what is not is not there. */
const PROGRAM = `
import { capture, nn, ones, optim, tensor, type Tensor } from 'nabla';
import { DataLoader, TensorDataset } from 'nabla/data';
import { saveSafetensors } from 'nabla/io';
import { Accuracy } from 'nabla/training';

const x: Tensor = ones([2, 3]);
const sizes: readonly number[] = x.shape;
const model = new nn.Linear(3, 1);
const sgd = new optim.SGD(model.parameters(), { lr: 0.1 });
export const step = capture((batch: Tensor) => model.forward(batch).sum());
export const loader = new DataLoader(new TensorDataset(x, tensor(sizes)), { batchSize: 2 });
export const saved: Promise<void> = saveSafetensors('x', { x, w: model.weight });
export const accuracy = new Accuracy({ topK: 1 });
tensor(new Float32Array(4)).toTypedArray();
sgd.step();
export class Net extends nn.Module<[Tensor], Tensor> {
  body = new nn.Sequential(new nn.Linear(3, 2), new nn.ReLU());
  heads = new nn.ModuleDict({ mean: new nn.Linear(2, 1) });
  layers = new nn.ModuleList([new nn.Tanh()]);
  scales = new nn.ParameterDict({ mean: x });
  override forward(batch: Tensor): Tensor {
    const [values, indices] = this.heads.mean.forward(this.body.forward(batch)).max(1);
    return values.add(indices).mul(this.scales.mean);
  }
}
// @ts-expect-error
x.sum({ dimension: 1 });
// @ts-expect-error
x.storage;
// @ts-expect-error
x.node;
// @ts-expect-error
x.takeGrad(x);
// @ts-expect-error
x.shape = [1];
// @ts-expect-error
x.shape[0] = 1;
// @ts-expect-error
x.offset = 1;
`;

/** The same package from CommonJS, which Node 20.19 and newer can load so. */
const REQUIRING = `
import nabla = require('nabla');
import io = require('nabla/io');
const x: nabla.Tensor = nabla.ones([2]);
export const saved: Promise<void> = io.saveSafetensors('x', { x });
// @ts-expect-error
nabla.noSuchName;
`;

export interface Consumer {
  readonly name: string;
  readonly file: 'app.ts' | 'app.cts';
  readonly options: Readonly<Record<string, unknown>>;
  /** The first version of TypeScript that can do it. */
  readonly since?: number;
  /** Whether the suite compiles it; `npm run test:types` compiles all. */
  readonly inSuite?: true;
}

const withNode = { types: ['node'] };
const withoutNode = { types: [] };
const bundler = { module: 'ESNext', moduleResolution: 'bundler' };

/** How programs that use nabla are compiled. All are strict, and check our declarations too. */
export const consumers: readonly Consumer[] = [
  { inSuite: true, name: 'nodenext', file: 'app.ts', options: { module: 'NodeNext', ...withNode } },
  { name: 'nodenext, no @types/node', file: 'app.ts', options: { module: 'NodeNext', ...withoutNode } },
  { name: 'node16', file: 'app.ts', options: { module: 'Node16', ...withNode } },
  { inSuite: true, name: 'node16, no @types/node', file: 'app.ts', options: { module: 'Node16', ...withoutNode } },
  { name: 'bundler', file: 'app.ts', options: { ...bundler, ...withNode } },
  {
    inSuite: true,
    name: 'bundler, DOM',
    file: 'app.ts',
    options: { ...bundler, ...withoutNode, lib: ['ES2023', 'DOM'] },
  },
  {
    name: 'not exactOptionalPropertyTypes',
    file: 'app.ts',
    options: { module: 'NodeNext', exactOptionalPropertyTypes: false, ...withNode },
  },
  { name: 'CommonJS', file: 'app.cts', options: { module: 'NodeNext', ...withNode }, since: 5.8, inSuite: true },
];

/** Of a package: `dist`, in the place that package.json gives it. */
export interface Installed {
  readonly dist: string;
  /** Where `@types/node` is. */
  readonly modules: string;
}

/** What a compiler says of a program; nothing where all is well. */
export async function compile(tsc: string, { dist, modules }: Installed, { file, options }: Consumer): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'nabla-consumer-'));
  try {
    const installed = join(folder, 'node_modules/nabla');
    await mkdir(installed, { recursive: true });
    await mkdir(join(folder, 'node_modules/@types'));
    await symlink(join(root, 'package.json'), join(installed, 'package.json'));
    await symlink(dist, join(installed, 'dist'));
    if ((options.types as string[]).includes('node')) {
      for (const name of ['@types/node', 'undici-types']) {
        await symlink(join(modules, name), join(folder, 'node_modules', name));
      }
    }
    const strict = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true };
    const target = { target: 'ES2022', lib: ['ES2023'], noEmit: true, declaration: true, skipLibCheck: false };
    // Links stay what they are, so that the package is found where it would be installed.
    const compilerOptions = { ...strict, ...target, preserveSymlinks: true, ...options };
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }));
    await writeFile(join(folder, file), file === 'app.cts' ? REQUIRING : PROGRAM);
    const { stdout } = await run(process.execPath, [tsc, '-p', folder]).catch((error: { stdout: string }) => error);
    return stdout;
  } finally {
    await rm(folder, { recursive: true });
  }
}
