import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const tsc = join(root, 'node_modules/.bin/tsc');
const run = promisify(execFile);

/** Uses what is public, and shows that what is not is not there. */
const consumer = `
import { capture, nn, ones, optim, tensor, type Tensor } from 'nabla';
import { DataLoader, TensorDataset } from 'nabla/data';
import { saveSafetensors } from 'nabla/io';

const x: Tensor = ones([2, 3]);
const sizes: readonly number[] = x.shape;
const model = new nn.Linear(3, 1);
const sgd = new optim.SGD(model.parameters(), { lr: 0.1 });
export const step = capture((batch: Tensor) => model.forward(batch).sum());
export const loader = new DataLoader(new TensorDataset(x, tensor(sizes)), { batchSize: 2 });
export const saved: Promise<void> = saveSafetensors('x', { x, w: model.weight });
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

test('a strict program that checks our declarations too compiles, and sees nothing internal', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nabla-declarations-'));
  try {
    const types = join(folder, 'dist');
    await run(tsc, ['-p', join(root, 'tsconfig.build.json'), '--emitDeclarationOnly', '--outDir', types]);
    const paths = {
      nabla: [join(types, 'index.d.ts')],
      'nabla/data': [join(types, 'data/index.d.ts')],
      'nabla/io': [join(types, 'io/index.d.ts')],
      'nabla/training': [join(types, 'training/index.d.ts')],
    };
    const strict = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true };
    const target = {
      target: 'ES2023',
      lib: ['ES2023'],
      module: 'NodeNext',
      types: ['node'],
      noEmit: true,
      declaration: true,
    };
    const compilerOptions = { ...strict, ...target, skipLibCheck: false, paths };
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['app.ts'] }));
    await writeFile(join(folder, 'app.ts'), consumer);
    const output = await run(tsc, ['-p', folder]).catch(({ stdout }: { stdout: string }) => ({ stdout }));
    expect(output.stdout).toBe('');
  } finally {
    await rm(folder, { recursive: true });
  }
});
