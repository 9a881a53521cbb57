import { sizeOf } from '../../backend/view.js';
import type { Expr } from '../../expr/index.js';
import * as e from '../../expr/index.js';
import { copy_, fill_ } from '../../ops/conversion.js';
import { tensor } from '../../ops/creation.js';
import { bernoulli_ } from '../../ops/random.js';
import { narrow, reshape, unsqueeze } from '../../ops/views.js';
import { emptyOf } from '../../tensor/empty.js';
import { Formula } from '../../tensor/formula.js';
import type { Generator } from '../../tensor/generator.js';
import { viewAs } from '../../tensor/layout.js';
import type { Shape } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { passing } from './passing.js';

/** Of one number: float32 holds integers of so many bits. */
const BITS = 24;
const POWERS = Array.from({ length: BITS }, (_, i) => 2 ** i);

/** As many draws at a time: what they take beside their bits is gone before the next. */
const PARTS = 32;

const packing = new Formula('dropout', (kept, power) => e.rowSum(e.mul(kept, power)));
const unpacking = new Formula('dropout', (word, power) => {
  const below = (by: Expr): Expr => e.floor(e.div(word, by));
  return e.ne(below(power), e.mul(2, below(e.mul(2, power))));
});

/** Which weights dropout keeps, a bit each: the whole matrix of them is wanted twice, forward and backward. */
export interface Kept {
  /** (…, L, ⌈S / 24⌉), float32. */
  readonly words: Tensor;
  readonly powers: Tensor;
}

/** Draws for weights of `shape`, (…, L, S), in the order in which dropout draws for the whole of them. */
export function drawKept(shape: Shape, p: number, generator: Generator | null): Kept {
  const keys = shape.at(-1)!;
  const count = Math.ceil(keys / BITS);
  const rows = sizeOf(shape.slice(0, -1));
  const words = emptyOf([rows, count], 'float32');
  const powers = tensor(POWERS);
  // Nothing is kept, which takes nothing from the stream.
  if (p === 1) return { words: reshape(fill_(words, 0), shape.with(-1, count)), powers };
  const most = Math.ceil(rows / PARTS);
  passing(() => {
    const padded = fill_(emptyOf([most, count * BITS], 'bool'), 0);
    for (let start = 0; start < rows; start += most) {
      const size = Math.min(most, rows - start);
      const part = narrow(padded, 0, 0, size);
      passing(() => {
        copy_(narrow(part, 1, 0, keys), bernoulli_(emptyOf([size, keys], 'bool'), 1 - p, { generator }));
        const bits = reshape(part, [size, count, BITS]);
        packing.write(narrow(words, 0, start, size), [bits, powers], {
          shape: shapeOf(bits),
          axes: [2],
          keepdim: false,
        });
      });
    }
  });
  return { words: reshape(words, shape.with(-1, count)), powers };
}

/** Which weights of `rows` queries from `start` on are kept, of the first `keys`: bool, in memory that the next ones write over. */
export function keptReader({ words, powers }: Kept, most: number) {
  const [lead, count] = [shapeOf(words).slice(0, -2), words.shape.at(-1)!];
  const memory = emptyOf([sizeOf(lead) * most * count * BITS], 'bool');
  return (start: number, rows: number, keys: number): Tensor => {
    const shape = [...lead, rows, count, BITS];
    const bits = viewAs(narrow(memory, 0, 0, sizeOf(shape)), shape);
    unpacking.write(bits, [unsqueeze(narrow(words, -2, start, rows), -1), powers], null, 'float32');
    return narrow(viewAs(bits, [...lead, rows, count * BITS]), -1, 0, keys);
  };
}
