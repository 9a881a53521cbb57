import { sizeOf } from '../backend/view.js';
import { owned } from '../tensor/layout.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';
import { mul } from './pointwise.js';
import { matmul } from './products.js';
import { sum } from './reductions.js';
import { permute, reshape, squeeze } from './views.js';

// Products of tensors whose dimensions have labels: equal ones are walked together.

/** A tensor with a label for each of its dimensions, all different. */
export interface Labelled {
  readonly tensor: Tensor;
  readonly labels: readonly number[];
}

const sizeAt = ({ tensor, labels }: Labelled, label: number): number | undefined =>
  shapeOf(tensor)[labels.indexOf(label)];

/** Without the dimensions of one element that others have more of. */
function withoutRepeated(operand: Labelled, isRepeated: (label: number) => boolean): Labelled {
  const dropped = operand.labels.flatMap((label, axis) => (isRepeated(label) ? [axis] : []));
  if (dropped.length === 0) return operand;
  return {
    tensor: squeeze(operand.tensor, dropped),
    labels: operand.labels.filter((_, axis) => !dropped.includes(axis)),
  };
}

function summed({ tensor, labels }: Labelled, over: (label: number) => boolean): Labelled {
  const axes = labels.flatMap((label, axis) => (over(label) ? [axis] : []));
  if (axes.length === 0) return { tensor, labels };
  return { tensor: sum(tensor, axes, { dtype: tensor.dtype }), labels: labels.filter((label) => !over(label)) };
}

const arranged = ({ tensor, labels }: Labelled, order: readonly number[]): Tensor =>
  permute(
    tensor,
    order.map((label) => labels.indexOf(label)),
  );

/** The product of two, summed over the labels that are not kept. */
function product(a: Labelled, b: Labelled, isKept: (label: number) => boolean): Labelled {
  const left = summed(a, (label) => !isKept(label) && !b.labels.includes(label));
  const right = summed(b, (label) => !isKept(label) && !a.labels.includes(label));
  const shared = left.labels.filter((label) => right.labels.includes(label));
  const [batch, inner] = [shared.filter(isKept), shared.filter((label) => !isKept(label))];
  const rows = left.labels.filter((label) => !shared.includes(label));
  const columns = right.labels.filter((label) => !shared.includes(label));
  const labels = [...batch, ...rows, ...columns];
  const sizes = (from: Labelled, of: readonly number[]) => of.map((label) => sizeAt(from, label)!);
  const shape = [...sizes(left, batch), ...sizes(left, rows), ...sizes(right, columns)];
  const count = (from: Labelled, of: readonly number[]) => sizeOf(sizes(from, of));
  const first = arranged(left, [...batch, ...rows, ...inner]);
  const second = arranged(right, [...batch, ...inner, ...columns]);
  if (inner.length === 0) {
    const spread = (sizesOf: readonly number[], ones: readonly number[]) => [...sizesOf, ...ones.map(() => 1)];
    const x = reshape(first, spread(shapeOf(first), columns));
    const y = reshape(second, [...sizes(right, batch), ...rows.map(() => 1), ...sizes(right, columns)]);
    return { tensor: mul(x, y), labels };
  }
  const x = reshape(first, [...sizes(left, batch), count(left, rows), count(left, inner)]);
  const y = reshape(second, [...sizes(right, batch), count(right, inner), count(right, columns)]);
  return { tensor: reshape(matmul(x, y), shape), labels };
}

/**
 * The product of all, from left to right, summed over the labels that are not in the output. Dimensions of one element are broadcast to those of
 * the same label. Of one operand that nothing is summed of, a view.
 */
export function contracted(operands: readonly Labelled[], output: readonly number[]): Tensor {
  const sizes = new Map<number, number>();
  for (const { tensor, labels } of operands) {
    labels.forEach((label, axis) => {
      const size = shapeOf(tensor)[axis]!;
      if (size !== 1 || !sizes.has(label)) sizes.set(label, size);
    });
  }
  const fitting = operands.map((operand) =>
    withoutRepeated(operand, (label) => sizeAt(operand, label) === 1 && sizes.get(label) !== 1),
  );
  const result = fitting.slice(1).reduce((product_, next, i) => {
    const later = fitting.slice(i + 2).flatMap(({ labels }) => labels);
    return product(product_, next, (label) => output.includes(label) || later.includes(label));
  }, fitting[0]!);
  const left = summed(result, (label) => !output.includes(label));
  const ordered = arranged(left, output);
  return operands.length === 1 && left === result ? ordered : owned(ordered);
}
