import { type ComputeType, dtypes } from './dtype.js';
import { type Fold, foldNames, type MicroOp, microOpCode } from './micro-ops.js';
import type { View } from './view.js';

/**
 * A value lives once per element of the iteration space, or once per row of it. A row is what the folded axes span;
 * a program without folds has no rows and is run by `map`.
 */
export type Kind = 'element' | 'row';

/** `dst = op(a, b, c)` over slots; unused operands are -1. */
export interface MicroInstruction {
  readonly op: MicroOp;
  readonly dst: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

/** `dst = fold(src)`: an element slot into a row slot. */
export interface FoldInstruction {
  readonly fold: Fold;
  readonly src: number;
  readonly dst: number;
}

/** Element work over whole rows, then folds of it, then work on the row values. Later stages see earlier row values. */
export interface Stage {
  readonly elements: readonly MicroInstruction[];
  readonly folds: readonly FoldInstruction[];
  readonly rows: readonly MicroInstruction[];
}

/**
 * A micro-program. Its slots are numbered: inputs, outputs, parameters, constants, element registers, row registers.
 * Parameters are scalars given with each call, constants are part of the program; both can be read as elements and as row values.
 *
 * Only the last stage writes element outputs, and no instruction reads an input after an output of its kind was written, so
 * that an output may be the very same view as an input.
 *
 * `resident` keeps element registers from stage to stage: it is for rows that fit a block. `streamed` computes them again in
 * each stage from inputs and row values: it is for rows that are processed in several blocks. Row registers keep their values in both.
 */
export interface Program {
  readonly name: string;
  readonly compute: ComputeType;
  readonly inputs: readonly Kind[];
  readonly outputs: readonly Kind[];
  readonly params: number;
  readonly constants: readonly number[];
  readonly elementRegisters: number;
  readonly rowRegisters: number;
  readonly resident: readonly Stage[];
  readonly streamed: readonly Stage[];
}

/** What a matmul does to each finished tile: input 0 of the program is the product, `inputs` are its further inputs. */
export interface Epilogue {
  readonly program: Program;
  readonly params: readonly number[];
  readonly inputs: readonly View[];
}

/** How many operations an element takes. */
export function opsPerElement({ resident }: Program): number {
  const computes = ({ op }: MicroInstruction) => op !== 'copy' && op !== 'expand';
  return resident.reduce((sum, { elements, folds }) => sum + elements.filter(computes).length + folds.length, 0);
}

/** First slot of each group, and the number of slots. */
export function slotLayout(program: Program) {
  const outputs = program.inputs.length;
  const params = outputs + program.outputs.length;
  const constants = params + program.params;
  const elementRegisters = constants + program.constants.length;
  const rowRegisters = elementRegisters + program.elementRegisters;
  const count = rowRegisters + program.rowRegisters;
  return { outputs, params, constants, elementRegisters, rowRegisters, count };
}

/**
 * The program as the native core takes it, beside its constants as a Float64Array:
 *
 *     compute (0 float32, 1 float64), #inputs, #outputs, #params, #constants, #elementRegisters, #rowRegisters,
 *     kind of each input, kind of each output (0 element, 1 row),
 *     then twice (resident, streamed): #stages, and per stage #elements, #folds, #rows, followed by
 *     (op, dst, a, b, c) each, (fold, src, dst) each, (op, dst, a, b, c) each
 */
export function encodeProgram(program: Program): Int32Array {
  const kind = (k: Kind) => (k === 'element' ? 0 : 1);
  const micro = (i: MicroInstruction) => [microOpCode[i.op], i.dst, i.a, i.b, i.c];
  const stage = (s: Stage) => [
    s.elements.length,
    s.folds.length,
    s.rows.length,
    ...s.elements.flatMap(micro),
    ...s.folds.flatMap((f) => [foldNames.indexOf(f.fold), f.src, f.dst]),
    ...s.rows.flatMap(micro),
  ];
  return Int32Array.from([
    dtypes[program.compute].code,
    program.inputs.length,
    program.outputs.length,
    program.params,
    program.constants.length,
    program.elementRegisters,
    program.rowRegisters,
    ...program.inputs.map(kind),
    ...program.outputs.map(kind),
    program.resident.length,
    ...program.resident.flatMap(stage),
    program.streamed.length,
    ...program.streamed.flatMap(stage),
  ]);
}
