import { NablaError } from '../../errors.js';
import type { ComputeType } from '../dtype.js';
import { planLoops } from '../loops.js';
import { DONE, MISFIT } from '../outcome.js';
import { type Kind, type MicroInstruction, type Program, type Stage, slotLayout } from '../program.js';
import { sizeOf, type View } from '../view.js';
import { BLOCK, type Block, blockLoop, newBlock } from './block-loops.js';
import { type Folder, newFolder, type Tile } from './folds.js';
import { Operand, type Slot } from './operand.js';

/**
 * How rows and their columns (what the folded axes span) are ordered as one sequence, and how much of it a tile takes. Whichever
 * lies closer in memory is inner; a tile is then always one stretch of the sequence, of several whole inner runs or part of one.
 */
interface Plan {
  readonly rows: number;
  readonly columns: number;
  readonly columnsAreInner: boolean;
  readonly tileRows: number;
  readonly tileColumns: number;
}

/** An operand and whether it has a value per element or per row. */
interface BoundOperand {
  readonly kind: Kind;
  readonly operand: Operand;
}

/** What slots hold, and the operands that fill some of them. */
interface Bindings {
  readonly slots: readonly Slot[];
  readonly inputs: readonly BoundOperand[];
  readonly outputs: readonly BoundOperand[];
}

/** Runs a program over `shape`, folding `axes`: the instruction `fold`, and with all axes folded into one row, `map`. Returns as they do. */
export function run(
  program: Program,
  params: readonly number[],
  inputs: readonly View[],
  outputs: readonly View[],
  shape: readonly number[],
  axes: readonly number[],
): number {
  const kept = [...shape.keys()].filter((axis) => !axes.includes(axis));
  const plan = planTiles(shape, kept, axes);
  const bind = (view: View, kind: Kind, slot: number): BoundOperand => {
    const order = plan.columnsAreInner ? [...kept, ...axes] : [...axes, ...kept];
    const loops = planLoops(shape, [view], kind === 'row' ? kept : order);
    return { kind, operand: new Operand(view, loops, program.compute, register(program.compute, slot)) };
  };
  const boundInputs = inputs.map((view, i) => bind(view, program.inputs[i]!, i));
  const boundOutputs = outputs.map((view, i) => bind(view, program.outputs[i]!, inputs.length + i));
  const slots = [...boundInputs, ...boundOutputs].map(({ operand }) => operand as Slot);
  fillSlots(slots, program, params, plan);
  runRows(program, plan, { slots, inputs: boundInputs, outputs: boundOutputs });
  return boundOutputs.every(({ operand }) => operand.fits) ? DONE : MISFIT;
}

function planTiles(shape: readonly number[], kept: readonly number[], axes: readonly number[]): Plan {
  const rows = sizeOf(kept.map((axis) => shape[axis]!));
  const columns = sizeOf(axes.map((axis) => shape[axis]!));
  const columnsAreInner = kept.length === 0 || axes.at(-1) === shape.length - 1;
  const inner = columnsAreInner ? columns : rows;
  const tileInner = Math.min(inner, BLOCK);
  const tileOuter = Math.min(columnsAreInner ? rows : columns, Math.floor(BLOCK / Math.max(1, tileInner)));
  return columnsAreInner
    ? { rows, columns, columnsAreInner, tileRows: tileOuter, tileColumns: tileInner }
    : { rows, columns, columnsAreInner, tileRows: tileInner, tileColumns: tileOuter };
}

/** Adds to the operands' slots those of parameters and constants, repeated as far as a tile goes, and the registers. */
function fillSlots(slots: Slot[], program: Program, params: readonly number[], { tileRows, tileColumns }: Plan): void {
  const layout = slotLayout(program);
  const scalars = [...params, ...program.constants];
  const length = Math.max(tileRows, tileRows * tileColumns);
  for (let slot = layout.params; slot < layout.count; slot++) {
    const block = register(program.compute, slot);
    if (slot < layout.elementRegisters) block.fill(scalars[slot - layout.params]!, 0, length);
    slots.push({ block, at: 0 });
  }
}

function runRows(program: Program, plan: Plan, bound: Bindings): void {
  const stages = plan.tileColumns === plan.columns ? program.resident : program.streamed;
  const folders = stages.map((stage) => stage.folds.map(({ fold }) => newFolder(fold, plan.tileRows)));
  for (let row = 0; row < plan.rows; row += plan.tileRows) {
    const rows = Math.min(plan.tileRows, plan.rows - row);
    for (const { kind, operand } of bound.inputs) if (kind === 'row') operand.load(row, rows);
    for (const { kind, operand } of bound.outputs) if (kind === 'row') operand.seek(row);
    stages.forEach((stage, i) => {
      for (const folder of folders[i]!) folder.reset();
      for (let column = 0; column < plan.columns; column += plan.tileColumns) {
        runTile(stage, folders[i]!, tileAt(plan, row, column), bound, stage === stages.at(-1));
      }
      stage.folds.forEach(({ dst }, f) => {
        folders[i]![f]!.finish(bound.slots[dst]!, rows);
      });
      for (const instruction of stage.rows) runLoop(instruction, bound.slots, rows);
    });
    for (const { kind, operand } of bound.outputs) if (kind === 'row') operand.store(row, rows);
  }
}

function tileAt(plan: Plan, row: number, column: number): Tile {
  const rows = Math.min(plan.tileRows, plan.rows - row);
  const columns = Math.min(plan.tileColumns, plan.columns - column);
  return plan.columnsAreInner
    ? { rows, columns, rowStep: columns, columnStep: 1, column, start: row * plan.columns + column }
    : { rows, columns, rowStep: 1, columnStep: rows, column, start: column * plan.rows + row };
}

function runTile(stage: Stage, folders: readonly Folder[], tile: Tile, bound: Bindings, isLast: boolean): void {
  const { slots, inputs, outputs } = bound;
  const count = tile.rows * tile.columns;
  for (const { kind, operand } of inputs) if (kind === 'element') operand.load(tile.start, count);
  for (const { kind, operand } of outputs) if (kind === 'element') operand.seek(tile.start);
  for (const instruction of stage.elements) runElements(instruction, slots, tile);
  stage.folds.forEach(({ src }, i) => {
    folders[i]!.add(slots[src]!, tile);
  });
  if (isLast) for (const { kind, operand } of outputs) if (kind === 'element') operand.store(tile.start, count);
}

function runElements(instruction: MicroInstruction, slots: readonly Slot[], tile: Tile): void {
  if (instruction.op === 'position') fillPositions(slots[instruction.dst]!, tile);
  else if (instruction.op === 'expand') expandRows(slots[instruction.dst]!, slots[instruction.a]!, tile);
  else runLoop(instruction, slots, tile.rows * tile.columns);
}

const unused: Slot = { block: new Float32Array(0), at: 0 };

function runLoop({ op, dst, a, b, c }: MicroInstruction, slots: readonly Slot[], count: number): void {
  if (op === 'position' || op === 'expand') throw new NablaError(`${op} gives elements, not row values`);
  const d = slots[dst]!;
  const x = a < 0 ? unused : slots[a]!;
  const y = b < 0 ? unused : slots[b]!;
  const z = c < 0 ? unused : slots[c]!;
  blockLoop(op)(count, d.block, d.at, x.block, x.at, y.block, y.at, z.block, z.at);
}

function fillPositions({ block, at }: Slot, { rows, columns, rowStep, columnStep, column }: Tile): void {
  for (let r = 0; r < rows; r++) {
    for (let c = 0, i = at + r * rowStep; c < columns; c++, i += columnStep) block[i] = column + c;
  }
}

function expandRows({ block, at }: Slot, row: Slot, { rows, columns, rowStep, columnStep }: Tile): void {
  for (let r = 0; r < rows; r++) {
    const value = row.block[row.at + r]!;
    for (let c = 0, i = at + r * rowStep; c < columns; c++, i += columnStep) block[i] = value;
  }
}

const registers: Record<ComputeType, Block[]> = { float32: [], float64: [] };

/** One block per slot number, kept from call to call: programs do not run inside one another. */
function register(compute: ComputeType, slot: number): Block {
  const blocks = registers[compute];
  while (blocks.length <= slot) blocks.push(newBlock(compute, BLOCK));
  return blocks[slot]!;
}
