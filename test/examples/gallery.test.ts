import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadMnist } from 'nabla/data';
import { describe, expect, it } from 'vitest';
import * as charRnn from '../../examples/gallery/char-rnn.js';
import * as convnet from '../../examples/gallery/convnet.js';
import * as dcgan from '../../examples/gallery/dcgan.js';
import * as dqn from '../../examples/gallery/dqn.js';
import * as graphAttention from '../../examples/gallery/graph-attention.js';
import * as realnvp from '../../examples/gallery/realnvp.js';
import * as seq2seq from '../../examples/gallery/seq2seq.js';
import * as siren from '../../examples/gallery/siren.js';
import { shades } from '../../examples/lib/shades.js';
import { tensor } from '../../lib/index.js';
import { writeDigits } from './digits.js';

const quiet = () => {};
const gallery = join(import.meta.dirname, '../../examples/gallery');

describe('the gallery', () => {
  it('is listed', async () => {
    const listed = await readFile(join(gallery, 'README.md'), 'utf8');
    const programs = (await readdir(gallery)).filter((name) => name.endsWith('.ts'));
    expect(programs.filter((name) => !listed.includes(`[${name}](${name})`))).toEqual([]);
    expect(programs).toHaveLength(8);
  });

  it('classifies digits by convolutions', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nabla-gallery-'));
    await writeDigits(folder);
    const lines: string[] = [];
    expect(await convnet.run(await loadMnist(folder), 3, (line) => lines.push(line))).toBe(1);
    expect(lines).toHaveLength(3);
    await rm(folder, { recursive: true });
  });

  it('reads names, and invents some', () => {
    const { losses, names } = charRnn.run(60, quiet);
    expect(losses[0]).toBeCloseTo(Math.log(27), 0);
    expect(losses.at(-1)).toBeLessThan(1.4);
    expect(names.filter((name) => /^[a-z]{2,12}$/.test(name)).length).toBeGreaterThan(7);
  });

  it('writes backwards', () => {
    const { losses, accuracy } = seq2seq.run(120, quiet);
    expect(losses[0]).toBeCloseTo(Math.log(10), 0);
    expect(losses.at(-1)).toBeLessThan(0.5);
    expect(accuracy).toBeGreaterThan(0.5);
  });

  it('makes images', () => {
    const { losses, images } = dcgan.run(100, quiet);
    expect(losses.flat().every((loss) => loss > 0 && loss < 10)).toBe(true);
    expect(images.shape).toEqual([2, 16, 16]);
    // By then the generator begins to see that there is nothing at the edge, and the judge has not won.
    expect(images.select(1, 0).mean().item()).toBeLessThan(-0.3);
    expect(losses.slice(-20).some(([, forged]) => forged < 3)).toBe(true);
  });

  it('finds the sides of a graph', () => {
    expect(graphAttention.run(60, quiet)).toBeGreaterThan(0.8);
  });

  it('learns a density', () => {
    const { before, after, flow } = realnvp.run(100, quiet);
    expect(before).toBeGreaterThan(2.5);
    expect(after).toBeLessThan(1.5);
    const x = realnvp.moons(5);
    const z = [...flow.couplings].reduce((y, coupling) => coupling.forward(y).z, x);
    const back = [...flow.couplings].reduceRight((y, coupling) => coupling.inverse(y), z);
    expect(back.sub(x).abs().max().item()).toBeLessThan(1e-4);
  });

  it('finds a way', () => {
    expect(dqn.run(1000, quiet).isSolved).toBe(true);
  });

  it('is an image', () => {
    const { losses, error } = siren.run(100, quiet);
    expect(losses.at(-1)).toBeLessThan(1e-3);
    expect(error).toBeLessThan(0.03);
  });
});

describe('shades', () => {
  it('are darker for more', () => {
    const image = tensor([
      [0, 0.55],
      [-1, 2],
    ]);
    expect(shades(image)).toBe('  ++\n  @@');
    expect(shades(image, -1, 2)).toBe('--++\n  @@');
  });
});
