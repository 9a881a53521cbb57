import { describe } from '../describe.js';
import { ShapeError, ValueError } from '../errors.js';
import { requireOneType } from '../tensor/check.js';
import { LONGEST_LIST, show } from '../tensor/shape.js';
import { isTensor, shapeOf, type Tensor } from '../tensor/tensor.js';
import { contracted, type Labelled } from './labels.js';
import { tensorsOf } from './operands.js';
import { diagonalOf } from './strided.js';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ELLIPSIS = '...';

/** What a term says of a tensor: letters, and where its other dimensions are (`...`), if anywhere. */
type Term = readonly string[];

/** Dimensions that an ellipsis stands for, counted from the last; letters follow them. */
const MOST_DIMS = 12;

function termOf(text: string): Term {
  const term = text.match(/\.\.\.|./gs) ?? [];
  const wrong = term.find((part) => part !== ELLIPSIS && !/^[a-zA-Z]$/.test(part));
  if (wrong !== undefined) {
    throw new ValueError(`einsum: expected letters, '...', ',' and '->' in the equation, got ${describe(wrong)}`);
  }
  if (term.filter((part) => part === ELLIPSIS).length > 1)
    throw new ValueError(`einsum: '...' appears more than once in ${describe(text)}`);
  return term;
}

interface Equation {
  readonly inputs: readonly Term[];
  readonly output: Term | null;
}

function parse(equation: string): Equation {
  const [left, right, ...more] = equation.replaceAll(/\s/g, '').split('->');
  if (more.length > 0) throw new ValueError(`einsum: '->' appears more than once in ${describe(equation)}`);
  return { inputs: left!.split(',').map(termOf), output: right === undefined ? null : termOf(right) };
}

/** A term of the form in which each tensor is followed by a list: numbers from 0 to 51, and '...'. */
function termOfList(list: unknown, name: string): Term {
  const isPart = (part: unknown) => part === ELLIPSIS || (typeof part === 'number' && LETTERS[part] !== undefined);
  if (!Array.isArray(list) || list.length > LONGEST_LIST || !list.every(isPart)) {
    throw new ValueError(`einsum: ${name} must be an array of numbers from 0 to 51 and '...', got ${describe(list)}`);
  }
  const term = list.map((part) => (part === ELLIPSIS ? ELLIPSIS : LETTERS[part]!));
  if (term.filter((part) => part === ELLIPSIS).length > 1)
    throw new ValueError(`einsum: '...' appears more than once in ${name}`);
  return term;
}

function readLists(args: readonly unknown[]): [Equation, readonly Tensor[]] {
  const count = Math.floor(args.length / 2);
  const places = Array.from({ length: count }, (_, i) => i);
  const tensors = tensorsOf(
    'einsum',
    places.map((i) => args[2 * i]),
  );
  const inputs = places.map((i) => termOfList(args[2 * i + 1], `list ${i}`));
  return [{ inputs, output: args.length % 2 === 0 ? null : termOfList(args.at(-1), 'the last list') }, tensors];
}

/** The tensor with one dimension for each label: the diagonal where a label is repeated. */
function labelled(term: Term, x: Tensor, i: number): Labelled {
  const letters = term.filter((part) => part !== ELLIPSIS).length;
  const others = x.ndim - letters;
  if (others < 0 || (others > 0 && !term.includes(ELLIPSIS))) {
    const least = term.includes(ELLIPSIS) ? 'at least ' : '';
    throw new ShapeError(
      `einsum: expected ${least}${letters} dimensions of operand ${i} (${term.join('')}), got shape ${show(x.shape)}`,
    );
  }
  const labels = term.flatMap((part) =>
    part === ELLIPSIS ? Array.from({ length: others }, (_, k) => others - 1 - k) : [labelOf(part)],
  );
  let tensor = x;
  for (let last = labels.length - 1; last >= 0; last--) {
    const first = labels.indexOf(labels[last]!);
    if (first === last) continue;
    if (shapeOf(tensor)[first] !== shapeOf(tensor)[last]) {
      throw new ShapeError(
        `einsum: '${LETTERS[labels[last]! - MOST_DIMS]}' is repeated for dims of operand ${i} that differ in size: ${show(x.shape)}`,
      );
    }
    const [label] = labels.splice(last, 1);
    labels.splice(first, 1);
    labels.push(label!);
    tensor = diagonalOf('einsum', tensor, 0, first, last);
    last = labels.length;
  }
  return { tensor, labels };
}

const labelOf = (letter: string): number => MOST_DIMS + LETTERS.indexOf(letter);

/** Without one that is given: what an ellipsis stands for, then the letters that appear once, in alphabetical order. */
function implied(inputs: readonly Term[]): Term {
  const letters = inputs.flat().filter((part) => part !== ELLIPSIS);
  const once = letters.filter((letter) => letters.indexOf(letter) === letters.lastIndexOf(letter));
  return [ELLIPSIS, ...once.sort()];
}

function outputLabels({ inputs, output }: Equation, others: number): number[] {
  const term = output ?? implied(inputs);
  const used = new Set(inputs.flat());
  term.forEach((part, i) => {
    if (part === ELLIPSIS) return;
    if (term.indexOf(part) !== i) throw new ValueError(`einsum: '${part}' appears more than once in the output`);
    if (!used.has(part)) throw new ValueError(`einsum: '${part}' of the output appears in no operand`);
  });
  return term.flatMap((part) =>
    part === ELLIPSIS ? Array.from({ length: others }, (_, k) => others - 1 - k) : [labelOf(part)],
  );
}

/** Sizes of one label are equal, or 1. */
function checkSizes(operands: readonly Labelled[]): void {
  const sizes = new Map<number, number>();
  for (const [i, { tensor, labels }] of operands.entries()) {
    for (const [axis, label] of labels.entries()) {
      const size = shapeOf(tensor)[axis]!;
      const known = sizes.get(label) ?? 1;
      if (known !== 1 && size !== 1 && known !== size) {
        const what = label < MOST_DIMS ? "a dim of '...'" : `'${LETTERS[label - MOST_DIMS]}'`;
        throw new ShapeError(`einsum: ${what} has size ${size} in operand ${i}, and ${known} before`);
      }
      sizes.set(label, Math.max(size === 1 ? known : size, 0));
    }
  }
}

export function einsum(equation: string, operands: readonly Tensor[]): Tensor;
export function einsum(operand: Tensor, labels: readonly (number | '...')[], ...more: readonly unknown[]): Tensor;
/**
 * Sums of products, in Einstein's notation: a letter for each dimension of each operand, and those of the result. What has one letter is walked
 * together; letters that the result has not are summed over; a letter twice in one operand takes its diagonal; `...` stands for the other
 * dimensions, which are broadcast. Without `->` the result has the letters that appear once, in alphabetical order.
 *
 * Instead of an equation each operand may be followed by a list of numbers (0 to 51) and `'...'`, and the last list be that of the result.
 * Several operands are multiplied from left to right.
 *
 * @throws ValueError for an equation that says nothing; ShapeError if sizes do not fit it; DTypeError if element types differ
 * @example
 * ```ts
 * einsum('ij,jk->ik', ones([2, 3]), ones([3, 4])).shape; // [2, 4]
 * einsum('ii', tensor([[1, 2], [3, 4]])); // tensor(5.)
 * einsum('...ij->...ji', ones([5, 2, 3])).shape; // [5, 3, 2]
 * einsum(tensor([1, 2]), [0], tensor([3, 4]), [1], [1, 0]); // tensor([[3., 6.], [4., 8.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.einsum.html
 */
export function einsum(equation: string, ...operands: readonly Tensor[]): Tensor;
export function einsum(...args: readonly unknown[]): Tensor {
  const [first, ...rest] = args;
  if (typeof first !== 'string' && !isTensor(first)) {
    throw new ValueError(`einsum: expected an equation as a text, or a tensor and its list, got ${describe(first)}`);
  }
  const [equation, tensors] = typeof first === 'string' ? [parse(first), tensorsOf('einsum', rest)] : readLists(args);
  const { inputs } = equation;
  if (inputs.length !== tensors.length) {
    throw new ValueError(`einsum: the equation is of ${inputs.length} operands, got ${tensors.length}`);
  }
  requireOneType('einsum', tensors[0]!, ...tensors.slice(1));
  const others = Math.max(
    ...inputs.map((term, i) => tensors[i]!.ndim - term.filter((part) => part !== ELLIPSIS).length),
  );
  const operands = inputs.map((term, i) => labelled(term, tensors[i]!, i));
  checkSizes(operands);
  return contracted(operands, outputLabels(equation, Math.max(0, others)));
}
