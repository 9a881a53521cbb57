/**
 * A small GPT that reads a text, character by character, and writes some: `npx tsx examples/char-gpt.ts`, or with a file to read. Without one it reads nabla's
 * own documentation, and at the end writes what looks like it.
 *
 * The whole step is captured: which parts of the text are read, forward, backward, clipping and AdamW. The text is written with the keys and values of what came before.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { arange, capture, manualSeed, nn, noGrad, optim, randint, type Tensor, take, tensor } from 'nabla';
import { gpt2 } from 'nabla/models';
import { isMain } from './lib/main.js';

export interface Options {
  readonly steps: number;
  /** Characters that the model sees. */
  readonly context: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly batch: number;
}

export const defaults: Options = { steps: 1500, context: 64, width: 128, layers: 4, heads: 4, batch: 12 };

/** Learns a text, and writes so many characters after a beginning of it. */
export function run(text: string, options: Options, count: number, log: (line: string) => void) {
  const { steps, context, width, layers, heads, batch } = options;
  const letters = [...new Set(text)].sort();
  const codes = new Map(letters.map((letter, i) => [letter, i]));
  const ids = tensor(
    [...text].map((letter) => codes.get(letter)!),
    { dtype: 'int32' },
  );

  manualSeed(0);
  const model = gpt2({
    vocabSize: letters.length,
    nPositions: context,
    nEmbd: width,
    nLayer: layers,
    nHead: heads,
    dropout: 0,
  });
  const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-3, weightDecay: 0.1 });
  const schedule = new optim.lrScheduler.CosineAnnealingLR(optimizer, steps);

  const step = capture((): Tensor => {
    const starts = randint(0, ids.numel() - context, [batch, 1]);
    const window = take(ids, starts.add(arange(context + 1, { dtype: 'int32' }))); // [batch, context + 1]
    const { logits } = model.forward(window.narrow(1, 0, context));
    const loss = nn.functional.crossEntropy(logits.flatten(0, 1), window.narrow(1, 1, context).flatten());
    optimizer.zeroGrad();
    loss.backward();
    nn.utils.clipGradNorm_(model.parameters(), 1);
    optimizer.step();
    schedule.step();
    return loss;
  });

  const write = (): string => {
    let written = text.slice(0, context / 2);
    const end = written.length + count;
    while (written.length < end) {
      const seen = [...written.slice(-context / 2)].map((letter) => codes.get(letter)!);
      const more = { maxNewTokens: Math.min(context / 2, end - written.length), temperature: 0.8, topK: 10 };
      const all = noGrad(() => model.eval().generate(tensor([seen], { dtype: 'int32' }), more));
      written += Array.from(all.select(0, 0).toTypedArray(), (code) => letters[code]!)
        .slice(seen.length)
        .join('');
    }
    model.train();
    return written;
  };

  log(`${text.length.toLocaleString('en')} characters, ${letters.length} different ones, ${size(model)} parameters`);
  const losses: number[] = [];
  for (let i = 1; i <= steps; i++) {
    losses.push(step().item());
    if (i % 100 === 0) log(`step ${i}: loss ${mean(losses.slice(-50)).toFixed(3)}`);
  }
  const written = write();
  log(`\n${written}`);
  return { losses, written };
}

const size = (model: nn.Module): string =>
  model
    .parameters()
    .reduce((sum, parameter) => sum + parameter.numel(), 0)
    .toLocaleString('en');

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** The pages of the documentation, one after the other. */
export async function documentation(): Promise<string> {
  const folder = join(import.meta.dirname, '../docs');
  const pages = (await readdir(folder)).filter((name) => name.endsWith('.md') && name !== 'coming-from-pytorch.md');
  const texts = await Promise.all(pages.sort().map((name) => readFile(join(folder, name), 'utf8')));
  return texts.join('\n');
}

if (isMain(import.meta.url)) {
  const [file] = process.argv.slice(2);
  run(file === undefined ? await documentation() : await readFile(file, 'utf8'), defaults, 600, console.log);
}
