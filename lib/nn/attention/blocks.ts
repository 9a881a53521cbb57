import { recordsGradients, withGrad } from '../../autograd/mode.js';
import { type BackwardRule, record } from '../../autograd/node.js';
import { backend } from '../../backend/index.js';
import type { Program } from '../../backend/program.js';
import { sizeOf } from '../../backend/view.js';
import * as e from '../../expr/index.js';
import { fill_ } from '../../ops/conversion.js';
import { arange, ones } from '../../ops/creation.js';
import { add_, mul } from '../../ops/pointwise.js';
import { matmul } from '../../ops/products.js';
import { tril } from '../../ops/triangles.js';
import { narrow, transpose, unsqueeze } from '../../ops/views.js';
import { emptyOf } from '../../tensor/empty.js';
import type { Generator } from '../../tensor/generator.js';
import { sumTo, viewAs } from '../../tensor/layout.js';
import type { Shape } from '../../tensor/shape.js';
import { operandOf, shapeOf, type Tensor } from '../../tensor/tensor.js';
import { dropping } from '../layers/dropout.js';
import { drawKept, type Kept, keptReader } from './kept.js';
import { passing } from './passing.js';
import { causalWeightsInto, slopeInto, slopeOf, weightsInto, weightsOf } from './weights.js';

// Attention of long sequences, some queries at a time, forward and backward: weights are computed again where gradients need them, and no matrix
// of all scores is ever there.

/** From so many scores of a head on there are blocks. */
const MANY = 2 ** 20;
const LEAST_ROWS = 64;
const MOST_BLOCKS = 64;

/** How many queries a block has; null where all scores are computed at once. It follows from the two lengths alone, and so do the bits. */
export function rowsOfBlocks(length: number, keys: number): number | null {
  const rows = Math.max(LEAST_ROWS, Math.ceil(length / MOST_BLOCKS));
  return length * keys < MANY || length <= rows ? null : rows;
}

interface Attending {
  readonly rows: number;
  readonly scale: number;
  readonly isCausal: boolean;
  readonly dropoutP: number;
}

/** The queries from `start` on, and how many of the keys they may see: where they are causal, none beyond the last of them. */
interface Block {
  readonly start: number;
  readonly rows: number;
  readonly keys: number;
}

function blocksOf(length: number, keys: number, { rows, isCausal }: Attending): Block[] {
  const count = Math.ceil(length / rows);
  return Array.from({ length: count }, (_, i) => {
    const start = i * rows;
    const end = Math.min(length, start + rows);
    return { start, rows: end - start, keys: isCausal ? Math.min(end, keys) : keys };
  });
}

/** What is read beside the gradient. */
interface Operands {
  readonly query: Tensor;
  readonly key: Tensor;
  readonly value: Tensor;
  readonly mask: Tensor | null;
  readonly kept: Kept | null;
  /** 0, 1, 2, … where rows are causal: which query, and which key. */
  readonly places: Tensor | null;
}

const queriesOf = (x: Tensor, { start, rows }: Block): Tensor => narrow(x, -2, start, rows);
const keysOf = (x: Tensor, { keys }: Block): Tensor => narrow(x, -2, 0, keys);
const turned = (x: Tensor): Tensor => transpose(x, -2, -1);

/** The rows of a mask that are a block's: one row is for all. */
const rowsOf = (mask: Tensor, block: Block): Tensor => (mask.shape.at(-2) === 1 ? mask : queriesOf(mask, block));

/** Memory for the scores of a block, which every block writes over: of one size, though causal blocks need less. */
class Room {
  readonly #memory: Tensor;
  readonly #lead: Shape;

  constructor(query: Tensor, keys: number, rows: number) {
    this.#lead = shapeOf(query).slice(0, -2);
    this.#memory = emptyOf([sizeOf(this.#lead) * rows * keys], query.dtype);
  }

  of({ rows, keys }: Block): Tensor {
    const shape = [...this.#lead, rows, keys];
    return viewAs(narrow(this.#memory, 0, 0, sizeOf(shape)), shape);
  }
}

/** Puts the weights of a block into `out`. */
function weigh(out: Tensor, { query, key, mask, places }: Operands, block: Block, scale: number): void {
  multiply(out, queriesOf(query, block), turned(keysOf(key, block)));
  if (places === null) weightsInto(out, scale, mask && rowsOf(mask, block));
  else {
    const row = unsqueeze(narrow(places, 0, block.start, block.rows), 1);
    causalWeightsInto(out, scale, narrow(places, 0, 0, block.keys), row);
  }
}

/** What dropout does to the weights of a block, or to what flows into them, in place. */
function dropper({ kept }: Operands, { rows, dropoutP }: Attending): (block: Block) => (x: Tensor) => void {
  if (kept === null) return () => () => {};
  const keptOf = keptReader(kept, rows);
  return ({ start, rows, keys }) => {
    const which = keptOf(start, rows, keys);
    return (x) => dropping.applyInPlace(x, [which, dropFactor(dropoutP)]);
  };
}

const dropFactor = (p: number): number => (p === 1 ? 0 : 1 / (1 - p));

type Float = 'float32' | 'float64';

const program = (name: string, build: (product: e.Expr, factor: e.Expr, sum: e.Expr) => e.Expr, inputs: number) => {
  const made: Partial<Record<Float, Program>> = {};
  return (compute: Float): Program => {
    const root = build(e.input(0, 'element'), e.param(0), e.input(1, 'element'));
    made[compute] ??= e.compile({ name, compute, inputs: Array(inputs).fill('element'), params: 1 }, [root]);
    return made[compute];
  };
};

const scaling = program('scaledProduct', (product, factor) => e.mul(product, factor), 1);
const accumulating = program('addedProduct', (product, factor, sum) => e.add(sum, e.mul(product, factor)), 2);

/** out = a b · factor, or out + that. */
function multiply(out: Tensor, a: Tensor, b: Tensor, factor = 1, isSum = false): void {
  const written = operandOf(out);
  const epilogue = isSum ? accumulating : scaling;
  const after = { program: epilogue(out.dtype as Float), params: [factor], inputs: isSum ? [written] : [] };
  backend.matmul(operandOf(a), operandOf(b), [written], factor === 1 && !isSum ? null : after);
}

type Gradients = readonly [query: Tensor | null, key: Tensor | null, value: Tensor | null, mask: Tensor | null];

function gradients(g: Tensor, operands: Operands, attending: Attending, needs: readonly boolean[]): Gradients {
  const { query, key, value, mask } = operands;
  const room = (x: Tensor, i: number): Tensor | null => (needs[i] ? emptyOf(shapeOf(x), x.dtype) : null);
  const [dQuery, dKey, dValue] = [query, key, value].map(room) as [Tensor | null, Tensor | null, Tensor | null];
  const dMask = mask === null ? null : room(mask, 3);
  const blocks = blocksOf(shapeOf(query).at(-2)!, shapeOf(key).at(-2)!, attending);
  // The last block sees every key that any does, so that what it leaves is what the others add to.
  const seen = blocks.at(-1)!.keys;
  for (const x of [dKey, dValue]) if (x !== null) fill_(narrow(x, -2, seen, shapeOf(x).at(-2)! - seen), 0);
  if (dMask !== null) fill_(dMask, 0);
  const { scale, rows } = attending;
  passing(() => {
    const [weights, flows] = [new Room(query, seen, rows), new Room(query, seen, rows)];
    const dropOf = dropper(operands, attending);
    for (const block of blocks.toReversed()) {
      const isSum = block !== blocks.at(-1);
      const [own, slope] = [weights.of(block), flows.of(block)];
      const gRows = queriesOf(g, block);
      passing(() => {
        const drop = dropOf(block);
        weigh(own, operands, block, scale);
        multiply(slope, gRows, turned(keysOf(value, block)));
        drop(slope);
        slopeInto(slope, own);
        drop(own);
        if (dValue !== null) multiply(keysOf(dValue, block), turned(own), gRows, 1, isSum);
        if (dQuery !== null) multiply(queriesOf(dQuery, block), slope, keysOf(key, block), scale);
        if (dKey !== null) multiply(keysOf(dKey, block), turned(slope), queriesOf(query, block), scale, isSum);
        if (dMask !== null) add_(rowsOf(dMask, block), sumTo(slope, shapeOf(rowsOf(dMask, block))));
      });
    }
  });
  return [dQuery, dKey, dValue, dMask];
}

/** The same as operations that are recorded themselves, of all rows at once. */
function recorded(g: Tensor, { query, key, value, mask, kept }: Operands, attending: Attending): Gradients {
  const { scale, isCausal, dropoutP } = attending;
  const [length, keys] = [shapeOf(query).at(-2)!, shapeOf(key).at(-2)!];
  const seen = isCausal ? tril(ones([length, keys], { dtype: 'bool' })) : mask;
  const weights = weightsOf(matmul(query, turned(key)), scale, seen);
  const which = kept && keptReader(kept, length)(0, length, keys);
  const drop = (x: Tensor): Tensor => (which === null ? x : dropping.apply([x, which, dropFactor(dropoutP)]));
  const slope = slopeOf(drop(matmul(g, turned(value))), weights);
  return [
    mul(matmul(slope, key), scale),
    mul(matmul(turned(slope), query), scale),
    matmul(turned(drop(weights)), g),
    mask?.requiresGrad ? sumTo(slope, shapeOf(mask)) : null,
  ];
}

interface Attended extends Attending {
  readonly hasMask: boolean;
  readonly isDropped: boolean;
}

const rule: BackwardRule<Attended> = {
  name: 'ScaledDotProductAttention',
  backward: (g, saved, attended, needs) => {
    const { hasMask, isDropped, isCausal } = attended;
    const [query, key, value, ...rest] = saved as [Tensor, Tensor, Tensor, ...Tensor[]];
    const mask = hasMask ? rest.shift()! : null;
    const kept = isDropped ? { words: rest.shift()!, powers: rest.shift()! } : null;
    const operands = { query, key, value, mask, kept, places: isCausal ? rest.shift()! : null };
    const all = recordsGradients() ? recorded(g, operands, attended) : gradients(g, operands, attended, needs);
    return hasMask ? all : all.slice(0, 3);
  },
};

/**
 * Attention of as many queries at a time as `rows` says.
 *
 * @param query (…, L, E), with as many heads and batches as `key`, (…, S, E), and `value`, (…, S, V)
 * @param mask of at least two dimensions
 */
export function attendInBlocks(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  mask: Tensor | null,
  attending: Attending,
  generator: Generator | null,
): Tensor {
  const [length, keys] = [shapeOf(query).at(-2)!, shapeOf(key).at(-2)!];
  const { rows, scale, isCausal, dropoutP } = attending;
  const scores = [...shapeOf(query).slice(0, -1), keys];
  const out = emptyOf(shapeOf(query).with(-1, shapeOf(value).at(-1)!), query.dtype);
  const isDropped = dropoutP > 0;
  const [kept, places] = withGrad(false, () => {
    const drawn = isDropped ? drawKept(scores, dropoutP, generator) : null;
    const counted = isCausal ? arange(Math.max(length, keys), { dtype: 'float32' }) : null;
    const operands = { query, key, value, mask, kept: drawn, places: counted };
    passing(() => {
      const blocks = blocksOf(length, keys, attending);
      const room = new Room(query, blocks.at(-1)!.keys, rows);
      const dropOf = dropper(operands, attending);
      for (const block of blocks) {
        const own = room.of(block);
        passing(() => {
          weigh(own, operands, block, scale);
          dropOf(block)(own);
          multiply(queriesOf(out, block), own, keysOf(value, block));
        });
      }
    });
    return [drawn, counted];
  });
  const inputs = mask === null ? [query, key, value] : [query, key, value, mask];
  const saved = [...inputs, ...(kept === null ? [] : [kept.words, kept.powers]), ...(places === null ? [] : [places])];
  return record(out, rule, inputs, saved, { ...attending, hasMask: mask !== null, isDropped });
}
