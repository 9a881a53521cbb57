import { DONE } from '../outcome.js';
import type { Epilogue } from '../program.js';
import { allocate, release } from '../storage.js';
import { contiguousStrides, sizeOf, type View } from '../view.js';
import { indexAt } from './index-at.js';
import { run } from './interpreter.js';

/** How a window moves over the axes of its input: numbers for each of them. */
export interface Moves {
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  /** By how much the first place begins before the input, around which there are zeros. */
  readonly before: readonly number[];
}

/** The instruction `convolve`: the whole of it first, then the epilogue over it. */
export function convolve(
  input: View,
  weight: View,
  outputs: readonly View[],
  moves: Moves,
  epilogue: Epilogue | null,
): number {
  if (epilogue === null) {
    sumWindows(input, weight, outputs[0]!, moves);
    return DONE;
  }
  const { shape } = outputs[0]!;
  const storage = allocate(input.dtype, sizeOf(shape));
  const product: View = { storage, offset: 0, shape, strides: contiguousStrides(shape), dtype: input.dtype };
  sumWindows(input, weight, product, moves);
  const axes = [...shape.keys()];
  const result = run(epilogue.program, epilogue.params, [product, ...epilogue.inputs], outputs, shape, axes);
  release(storage);
  return result;
}

/** Sums in doubles, over channels and then elements of the window in order, each rounded once. */
function sumWindows(input: View, weight: View, out: View, moves: Moves): void {
  const [from, to, factors] = [elementsOf(input), elementsOf(out), elementsOf(weight)];
  const lines = linesOf(input, out, weight, moves);
  const sums = new Float64Array(lines.length);
  for (const channel of channelsOf(input, weight, out)) {
    for (const { taps, out } of lines.rows) {
      sums.fill(0);
      for (let c = 0; c < weight.shape[1]!; c++) {
        for (const { shift, term, start, end } of taps) {
          const factor = factors[channel.weight + c * weight.strides[1]! + term]!;
          let at = channel.input + c * input.strides[1]! + shift;
          for (let i = start; i < end; i++, at += lines.inputStep) sums[i]! += factor * from[at]!;
        }
      }
      const place = channel.out + out;
      for (let i = 0; i < sums.length; i++) to[place + i * lines.outStep] = sums[i]!;
    }
  }
}

/** The instruction `convolveWeight`: sums in doubles, over samples and then places in order, each rounded once. */
export function convolveWeight(input: View, weight: View, gradient: View, moves: Moves): number {
  const [from, to, gradients] = [elementsOf(input), elementsOf(weight), elementsOf(gradient)];
  const lines = linesOf(input, gradient, weight, moves);
  const sums = new Float64Array(sizeOf(weight.shape));
  const perChannel = sizeOf(weight.shape.slice(1));
  const window = sizeOf(weight.shape.slice(2));
  for (const channel of channelsOf(input, weight, gradient)) {
    for (let c = 0; c < weight.shape[1]!; c++) {
      for (const { taps, out } of lines.rows) {
        const place = channel.out + out;
        for (const { number, shift, start, end } of taps) {
          let at = channel.input + c * input.strides[1]! + shift;
          let sum = sums[channel.row * perChannel + c * window + number]!;
          for (let i = start; i < end; i++, at += lines.inputStep)
            sum += from[at]! * gradients[place + i * lines.outStep]!;
          sums[channel.row * perChannel + c * window + number] = sum;
        }
      }
    }
  }
  const sizes = weight.shape;
  for (let i = 0; i < sums.length; i++) to[weight.offset + offsetAt(i, sizes, weight.strides)] = sums[i]!;
  return DONE;
}

const elementsOf = ({ storage, dtype }: View) => storage.array(dtype);

function offsetAt(number: number, sizes: readonly number[], strides: readonly number[]): number {
  let [offset, rest] = [0, number];
  for (let axis = sizes.length - 1; axis >= 0; axis--) {
    offset += (rest % sizes[axis]!) * strides[axis]!;
    rest = Math.floor(rest / sizes[axis]!);
  }
  return offset;
}

/** Every channel of the output in every sample: where it begins, and where the first channel of its input and its weight do. */
function* channelsOf(input: View, weight: View, out: View) {
  const [samples, rows] = [out.shape[0]!, out.shape[1]!];
  const perGroup = rows / (input.shape[1]! / weight.shape[1]!);
  for (let sample = 0; sample < samples; sample++) {
    for (let row = 0; row < rows; row++) {
      const first = Math.floor(row / perGroup) * weight.shape[1]!;
      yield {
        row,
        input: input.offset + sample * input.strides[0]! + first * input.strides[1]!,
        weight: weight.offset + row * weight.strides[0]!,
        out: out.offset + sample * out.strides[0]! + row * out.strides[1]!,
      };
    }
  }
}

/** An element of the window, as the places of a row see it. */
interface Tap {
  readonly number: number;
  /** Where its factor is, from the window's beginning. */
  readonly term: number;
  /** Where the input has it at `start`, from the sample's beginning. */
  readonly shift: number;
  /** At which places of the row it is inside of the input. */
  readonly start: number;
  readonly end: number;
}

/** Rows of places along the last axis: where each begins in the output, and what it sees of the input. */
function linesOf(input: View, out: View, weight: View, { stride, dilation, before }: Moves) {
  const [whole, kernel, places] = [input, weight, out].map(({ shape }) => shape.slice(2));
  const [wholeSteps, kernelSteps, outSteps] = [input, weight, out].map(({ strides }) => strides.slice(2));
  const last = places!.length - 1;
  const rowSizes = places!.slice(0, -1);
  const inputStep = stride[last]! * wholeSteps![last]!;
  const window = Array.from({ length: sizeOf(kernel!) }, (_, number) => indexAt(number, kernel!));
  const tapsAt = (at: readonly number[]): Tap[] =>
    window.flatMap((inside, number) => {
      const first = inside.map((k, axis) => (at[axis] ?? 0) * stride[axis]! + k * dilation[axis]! - before[axis]!);
      if (first.some((index, axis) => axis < last && (index < 0 || index >= whole![axis]!))) return [];
      const start = Math.max(0, Math.ceil(-first[last]! / stride[last]!));
      const end = Math.min(places![last]!, Math.floor((whole![last]! - 1 - first[last]!) / stride[last]!) + 1);
      const shift = first.reduce((sum, index, axis) => sum + index * wholeSteps![axis]!, start * inputStep);
      const term = inside.reduce((sum, index, axis) => sum + index * kernelSteps![axis]!, 0);
      return [{ number, term, shift, start, end }];
    });
  const rows = Array.from({ length: sizeOf(rowSizes) }, (_, row) => ({
    taps: tapsAt(indexAt(row, rowSizes)),
    out: offsetAt(row, rowSizes, outSteps!),
  }));
  return { rows, length: places![last]!, inputStep, outStep: outSteps![last]! };
}
