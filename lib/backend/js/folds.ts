import type { Fold } from '../micro-ops.js';
import type { Slot } from './operand.js';

/** Some columns of some rows: element `(row, column)` of a tile is at `row * rowStep + column * columnStep` of a slot. */
export interface Tile {
  readonly rows: number;
  readonly columns: number;
  readonly rowStep: number;
  readonly columnStep: number;
  /** Where its first column is in the whole row. */
  readonly column: number;
  /** Where its first element is in the order of the iteration. */
  readonly start: number;
}

/** Folds rows tile by tile, in doubles. Over no elements a sum is 0, a product 1, a minimum and a maximum infinite, an index 0. */
export interface Folder {
  reset(): void;
  add(source: Slot, tile: Tile): void;
  /** Writes the results of the first `rows` rows. */
  finish(target: Slot, rows: number): void;
}

export function newFolder(fold: Fold, rows: number): Folder {
  switch (fold) {
    case 'sum':
      return new SumFolder(rows);
    case 'prod':
      return new ProductFolder(rows);
    case 'min':
      return new ExtremeFolder(rows, -1);
    case 'max':
      return new ExtremeFolder(rows, 1);
    case 'argmin':
      return new ArgFolder(rows, -1);
    case 'argmax':
      return new ArgFolder(rows, 1);
    default:
      return fold satisfies never;
  }
}

class SumFolder implements Folder {
  readonly #sums: Float64Array;

  constructor(rows: number) {
    this.#sums = new Float64Array(rows);
  }

  reset(): void {
    this.#sums.fill(0);
  }

  add({ block, at }: Slot, { rows, columns, rowStep, columnStep }: Tile): void {
    for (let row = 0; row < rows; row++) {
      let sum = this.#sums[row]!;
      for (let c = 0, i = at + row * rowStep; c < columns; c++, i += columnStep) sum += block[i]!;
      this.#sums[row] = sum;
    }
  }

  finish({ block, at }: Slot, rows: number): void {
    for (let row = 0; row < rows; row++) block[at + row] = this.#sums[row]!;
  }
}

class ProductFolder implements Folder {
  readonly #products: Float64Array;

  constructor(rows: number) {
    this.#products = new Float64Array(rows);
  }

  reset(): void {
    this.#products.fill(1);
  }

  add({ block, at }: Slot, { rows, columns, rowStep, columnStep }: Tile): void {
    for (let row = 0; row < rows; row++) {
      let product = this.#products[row]!;
      for (let c = 0, i = at + row * rowStep; c < columns; c++, i += columnStep) product *= block[i]!;
      this.#products[row] = product;
    }
  }

  finish({ block, at }: Slot, rows: number): void {
    for (let row = 0; row < rows; row++) block[at + row] = this.#products[row]!;
  }
}

/** The maximum of `sign * x`, times `sign`; NaN if any element is. */
class ExtremeFolder implements Folder {
  readonly #best: Float64Array;
  readonly #sign: 1 | -1;

  constructor(rows: number, sign: 1 | -1) {
    this.#best = new Float64Array(rows);
    this.#sign = sign;
  }

  reset(): void {
    this.#best.fill(Number.NEGATIVE_INFINITY);
  }

  add({ block, at }: Slot, { rows, columns, rowStep, columnStep }: Tile): void {
    const sign = this.#sign;
    for (let row = 0; row < rows; row++) {
      let best = this.#best[row]!;
      for (let c = 0, i = at + row * rowStep; c < columns; c++, i += columnStep) {
        const value = sign * block[i]!;
        if (value > best || Number.isNaN(value)) best = value;
      }
      this.#best[row] = best;
    }
  }

  finish({ block, at }: Slot, rows: number): void {
    for (let row = 0; row < rows; row++) block[at + row] = this.#sign * this.#best[row]!;
  }
}

/** Where the maximum of `sign * x` is first reached; where the first NaN is, if there is one. */
class ArgFolder implements Folder {
  readonly #best: Float64Array;
  readonly #positions: Float64Array;
  readonly #sign: 1 | -1;

  constructor(rows: number, sign: 1 | -1) {
    this.#best = new Float64Array(rows);
    this.#positions = new Float64Array(rows);
    this.#sign = sign;
  }

  reset(): void {
    this.#best.fill(Number.NEGATIVE_INFINITY);
    this.#positions.fill(0);
  }

  add({ block, at }: Slot, { rows, columns, rowStep, columnStep, column }: Tile): void {
    const sign = this.#sign;
    for (let row = 0; row < rows; row++) {
      let best = this.#best[row]!;
      for (let c = 0, i = at + row * rowStep; c < columns && !Number.isNaN(best); c++, i += columnStep) {
        const value = sign * block[i]!;
        if (value > best || Number.isNaN(value)) {
          best = value;
          this.#positions[row] = column + c;
        }
      }
      this.#best[row] = best;
    }
  }

  finish({ block, at }: Slot, rows: number): void {
    for (let row = 0; row < rows; row++) block[at + row] = this.#positions[row]!;
  }
}
