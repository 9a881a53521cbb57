import { type ComputeType, isBool, isInteger, type TypedArray } from '../dtype.js';
import type { Loops } from '../loops.js';
import type { View } from '../view.js';
import type { Block } from './block-loops.js';
import { forEachRun, innerStride } from './runs.js';

/** Where a slot's values are: element `i` of the tile at hand is `block[at + i]`. */
export interface Slot {
  readonly block: Block;
  at: number;
}

/**
 * An input or output seen as one long sequence in the order of an iteration. Where that is how it lies in memory, and of the type the
 * program computes in, tiles are read and written in place; otherwise they pass through a register, converted.
 */
export class Operand implements Slot {
  readonly block: Block;
  at = 0;
  /** Whether all that was stored fits the type it was stored as. */
  fits = true;
  readonly #view: View;
  readonly #loops: Loops;
  readonly #inPlace: boolean;

  constructor(view: View, loops: Loops, compute: ComputeType, register: Block) {
    this.#view = view;
    this.#loops = loops;
    this.#inPlace = view.dtype === compute && isSequential(loops);
    this.block = this.#inPlace ? (view.storage.array(compute) as Block) : register;
  }

  /** Makes the slot stand for elements [start, start + count), without values yet. */
  seek(start: number): void {
    if (this.#inPlace) this.at = this.#view.offset + start;
  }

  /** Makes the slot hold elements [start, start + count). */
  load(start: number, count: number): void {
    this.seek(start);
    if (this.#inPlace) return;
    const source = this.#view.storage.array(this.#view.dtype);
    const stride = innerStride(this.#loops, 0);
    const register = this.block;
    let to = 0;
    forEachRun(this.#loops, [this.#view.offset], start, count, ([from], length) => {
      load(register, to, source, from!, stride, length);
      to += length;
    });
  }

  /** Brings what the slot holds to elements [start, start + count). int32 keeps the integer part, 0 where that does not fit; bool whether it is not 0. */
  store(start: number, count: number): void {
    if (this.#inPlace) return;
    const target = this.#view.storage.array(this.#view.dtype);
    const stride = innerStride(this.#loops, 0);
    const register = this.block;
    const { dtype } = this.#view;
    if (isInteger(dtype) && !allFitInt32(register, count)) this.fits = false;
    const store = isBool(dtype) ? storeTruth : isInteger(dtype) ? storeIntegers : storeValues;
    let from = 0;
    forEachRun(this.#loops, [this.#view.offset], start, count, ([to], length) => {
      store(target, to!, stride, register, from, length);
      from += length;
    });
  }
}

const isSequential = ({ sizes, strides }: Loops): boolean =>
  sizes.length === 0 || (sizes.length === 1 && strides[0]![0] === 1);

function load(d: Block, di: number, a: TypedArray, ai: number, stride: number, n: number): void {
  for (let i = 0; i < n; i++) d[di + i] = a[ai + i * stride]!;
}

function storeValues(d: TypedArray, di: number, stride: number, a: Block, ai: number, n: number): void {
  for (let i = 0; i < n; i++) d[di + i * stride] = a[ai + i]!;
}

/** Whether the integer part of `x` is an int32; NaN is none. */
export const fitsInt32 = (x: number): boolean => x > -2147483649 && x < 2147483648;

function allFitInt32(a: Block, n: number): boolean {
  for (let i = 0; i < n; i++) if (!fitsInt32(a[i]!)) return false;
  return true;
}

function storeIntegers(d: TypedArray, di: number, stride: number, a: Block, ai: number, n: number): void {
  for (let i = 0; i < n; i++) d[di + i * stride] = fitsInt32(a[ai + i]!) ? a[ai + i]! : 0;
}

function storeTruth(d: TypedArray, di: number, stride: number, a: Block, ai: number, n: number): void {
  for (let i = 0; i < n; i++) d[di + i * stride] = a[ai + i] !== 0 ? 1 : 0;
}
