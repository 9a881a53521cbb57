// What a user of the package does, in any runtime: app.mjs BACKEND FIXTURES [AREA ...] trains, in the background too, saves and loads, and runs recorded
// programs and cases; with areas, only the cases of these, for where everything is slow. It prints a line if all is right, and throws otherwise.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as nabla from 'nabla';
import { loadSafetensors, saveSafetensors } from 'nabla/io';
import { AREAS } from '../../test/conformance/format.js';
import { runFolder } from '../../test/conformance/run.js';
import { differences } from '../../test/programs/agreement.js';
import { run as lenet } from '../../test/programs/lenet.js';
import { run as mnistLstm } from '../../test/programs/mnist-lstm.js';
import type { Results } from '../../test/programs/program.js';
import { run as wordsTransformer } from '../../test/programs/words-transformer.js';

const { capture, manualSeed, nn, optim, randn } = nabla;
const [backend = '', fixtures = '', ...areas] = process.argv.slice(2);

const programs: Readonly<Record<string, () => Results>> = {
  lenet,
  'mnist-lstm': mnistLstm,
  'words-transformer': wordsTransformer,
};

/** A step of training, the data for it, and the model. */
function training() {
  manualSeed(7);
  const model = new nn.Sequential(new nn.Linear(4, 16), new nn.Tanh(), new nn.Linear(16, 1));
  const adam = new optim.AdamW(model.parameters(), { lr: 0.01 });
  const step = (x: nabla.Tensor, y: nabla.Tensor) => {
    adam.zeroGrad();
    const loss = nn.functional.mseLoss(model.forward(x), y);
    loss.backward();
    adam.step();
    return loss;
  };
  const x = randn([200, 4]);
  return { model, step, x, y: x.sum(1, true).sin() };
}

const valuesOf = (model: nabla.nn.Module) =>
  Object.entries(model.stateDict()).map(([name, value]) => [name, [...value.toTypedArray()]]);

/** A captured run in the background has the bits of plain steps. */
async function trainInBackground(): Promise<nabla.nn.Module> {
  const plain = training();
  const expected: number[] = [];
  for (let epoch = 0; epoch < 3; epoch++) {
    for (let at = 0; at < 200; at += 50) {
      expected.push(plain.step(plain.x.slice(0, at, at + 50), plain.y.slice(0, at, at + 50)).item());
    }
  }
  const captured = training();
  const losses = await capture(captured.step).run([captured.x, captured.y], { batchSize: 50, epochs: 3 });
  assert.deepEqual([...losses], expected);
  assert.deepEqual(valuesOf(captured.model), valuesOf(plain.model));
  assert.ok(expected.at(-1)! < expected[0]!);
  return captured.model;
}

async function saveAndLoad(model: nabla.nn.Module): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'nabla-'));
  try {
    const file = join(folder, 'model.safetensors');
    await saveSafetensors(file, model.stateDict());
    const other = training().model;
    other.loadStateDict(await loadSafetensors(file));
    assert.deepEqual(valuesOf(other), valuesOf(model));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function runPrograms(): void {
  for (const [name, run] of Object.entries(programs)) {
    const record = JSON.parse(readFileSync(join(fixtures, 'programs', `${name}.json`), 'utf8'));
    assert.deepEqual([...differences(run(), record)], [], name);
  }
}

async function runCases(): Promise<number> {
  let count = 0;
  for (const area of areas.length > 0 ? areas : AREAS) {
    const results = await runFolder(join(fixtures, 'conformance'), nabla, { area });
    const failed = results.filter(({ status }) => status !== 'passed');
    assert.deepEqual(failed, [], `cases of ${area}`);
    count += results.length;
  }
  return count;
}

assert.equal(nabla.backendName(), backend);
assert.throws(() => randn([2, 3]).matmul(randn([2, 3])), { name: 'ShapeError' });
assert.throws(() => randn([2, 3]).indexSelect(0, nabla.tensor([5], { dtype: 'int32' })), { name: 'ValueError' });
await saveAndLoad(await trainInBackground());
runPrograms();
console.log(`${backend}: ${Object.keys(programs).length} programs, ${await runCases()} cases`);
