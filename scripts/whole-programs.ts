/**
 * Writes native/whole_programs.h: the element code of what programs have most, which the core has compiled as wholes: optimizers' updates, activations,
 * softmax, normalisation and losses. `npm run whole-programs`
 */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { capture, grad, nn, noGrad, optim, randint, randn, setNumThreads, type Tensor } from 'nabla';
import { backend, useBackend } from '../lib/backend/index.js';
import { type MicroInstruction, type Program, type Stage, slotLayout } from '../lib/backend/program.js';
import { sizeOf, type View } from '../lib/backend/view.js';

export const HEADER = fileURLToPath(new URL('../native/whole_programs.h', import.meta.url));

type Row = readonly [name: string, make: (parameters: nn.Parameter[]) => { step(): void }];

/** With the options that programs have most. */
export const UPDATES: readonly Row[] = [
  ['SGD', (p) => new optim.SGD(p, { lr: 0.1 })],
  ['SGD, weightDecay', (p) => new optim.SGD(p, { lr: 0.1, weightDecay: 0.1 })],
  ['SGD, momentum', (p) => new optim.SGD(p, { lr: 0.1, momentum: 0.9 })],
  ['SGD, momentum, nesterov', (p) => new optim.SGD(p, { lr: 0.1, momentum: 0.9, nesterov: true })],
  ['SGD, momentum, weightDecay', (p) => new optim.SGD(p, { lr: 0.1, momentum: 0.9, weightDecay: 0.1 })],
  ['Adam', (p) => new optim.Adam(p)],
  ['Adam, weightDecay', (p) => new optim.Adam(p, { weightDecay: 0.1 })],
  ['Adam, amsgrad', (p) => new optim.Adam(p, { amsgrad: true })],
  ['AdamW', (p) => new optim.AdamW(p)],
  ['AdamW, amsgrad', (p) => new optim.AdamW(p, { amsgrad: true })],
  ['NAdam', (p) => new optim.NAdam(p)],
  ['RAdam', (p) => new optim.RAdam(p)],
  ['Adamax', (p) => new optim.Adamax(p)],
  ['RMSprop', (p) => new optim.RMSprop(p)],
  ['RMSprop, momentum', (p) => new optim.RMSprop(p, { momentum: 0.9 })],
  ['Adagrad', (p) => new optim.Adagrad(p)],
  ['Adadelta', (p) => new optim.Adadelta(p)],
];

type Part = readonly [name: string, apply: (x: Tensor) => Tensor];

/** Between layers of a network. */
const ACTIVATIONS: readonly Part[] = [
  ['gelu', (x) => nn.functional.gelu(x)],
  ['gelu, tanh', (x) => nn.functional.gelu(x, { approximate: 'tanh' })],
  ['silu', (x) => nn.functional.silu(x)],
];

const targets = randint(0, 12, [8]);
const values = randn([8, 12]);
const layerNorm = new nn.LayerNorm(12);

/** Of rows, and losses. */
const FOLDS: readonly Part[] = [
  ['softmax', (x) => x.softmax(-1)],
  ['logSoftmax', (x) => x.logSoftmax(-1)],
  ['layerNorm', (x) => layerNorm.forward(x)],
  ['crossEntropy', (x) => nn.functional.crossEntropy(x, targets)],
  ['mseLoss', (x) => nn.functional.mseLoss(x, values)],
  ['l1Loss', (x) => nn.functional.l1Loss(x, values)],
  ['smoothL1Loss', (x) => nn.functional.smoothL1Loss(x, values)],
  ['binaryCrossEntropyWithLogits', (x) => nn.functional.binaryCrossEntropyWithLogits(x, values.sigmoid())],
];

const [lstm, gru] = [new nn.LSTM(8, 12), new nn.GRU(8, 12)];

/** What they do in each step of time, but for the first and last. */
const RECURRENCES: readonly Part[] = [
  ['LSTM', (x) => lstm.forward(x)[0]],
  ['GRU', (x) => gru.forward(x)[0]],
];

/** So often that nothing of the state is new. */
const STEPS = 8;
/** Of a parameter: no number of a step has so many elements. */
const SIZES = [8, 12];

interface Found {
  readonly name: string;
  readonly program: Program;
  /** Of inputs: whether they have an element for each of the parameter's. */
  readonly walked: readonly boolean[];
}

type Note = (found: Map<Program, Found>, program: Program, params: readonly number[], inputs: readonly View[]) => void;

/** An update reads a parameter and its gradient, at least. */
const noteUpdate =
  (name: string): Note =>
  (found, program, params, inputs) => {
    const walked = inputs.map(
      ({ shape, strides }) => sizeOf(shape) === sizeOf(SIZES) && strides.every((one) => one > 0),
    );
    const isUpdate = params.length === 0 && walked.filter(Boolean).length > 1;
    if (isUpdate) found.set(program, { name, program, walked });
  };

const noteAll =
  (name: string): Note =>
  (found, program, _, inputs) => {
    const walked = inputs.map(({ strides }) => strides.some((one) => one > 0));
    if (walked.some(Boolean)) found.set(program, { name, program, walked });
  };

/** Calls `act`, and returns what is noted of the maps and epilogues that it comes to: those of captured programs, and those called one by one. */
function programsIn(act: () => void, noteLinked: Note, noteCalled: Note = noteLinked): Found[] {
  const found = new Map<Program, Found>();
  const before = useBackend({
    ...backend,
    map: (program, params, inputs, outputs) => {
      noteCalled(found, program, params, inputs);
      return before.map(program, params, inputs, outputs);
    },
    fold: (program, params, inputs, outputs, outer, inner) => {
      noteCalled(found, program, params, inputs);
      return before.fold(program, params, inputs, outputs, outer, inner);
    },
    link: (instructions, ports) => {
      for (const one of instructions) {
        if (one.op === 'map' || one.op === 'fold') noteLinked(found, one.program, one.params, one.inputs);
        if (one.op !== 'matmul' || one.epilogue === null) continue;
        const { program, params, inputs } = one.epilogue;
        // The product, which is as large as what becomes of it, is input 0.
        noteLinked(found, program, params, [one.outputs[0]!, ...inputs]);
      }
      return before.link(instructions, ports);
    },
  });
  try {
    act();
  } finally {
    useBackend(before);
  }
  return [...found.values()];
}

/** By themselves, and in a captured step whose gradients are clipped. */
function updatesOf([name, make]: Row): Found[] {
  const parameter = new nn.Parameter(randn(SIZES));
  const x = randn([3, SIZES[0]!]);
  const plain = make([parameter]);
  const clipped = make([parameter]);
  const step = capture((x: Tensor) => {
    parameter.grad = null;
    x.matmul(parameter).square().sum().backward();
    nn.utils.clipGradNorm_([parameter], 1);
    clipped.step();
  });
  return [
    ...programsIn(() => {
      parameter.grad = randn(SIZES);
      for (let i = 0; i < STEPS; i++) plain.step();
    }, noteUpdate(name)),
    ...programsIn(
      () => {
        for (let i = 0; i < STEPS; i++) step(x);
      },
      noteUpdate(`${name}, clipped`),
    ),
  ];
}

/** By itself, and between the layers of a network that is trained and asked. */
function activationsOf([name, apply]: Part): Found[] {
  const [below, above] = [new nn.Linear(8, 12), new nn.Linear(12, 4)];
  const network = (x: Tensor): Tensor => above.forward(apply(below.forward(x)));
  const gradient = randn([16, 4]);
  const train = capture((x: Tensor) => {
    below.zeroGrad();
    network(x).backward(gradient);
  });
  const answer = capture((x: Tensor) => noGrad(() => network(x)));
  return programsIn(() => {
    apply(randn(SIZES, { requiresGrad: true })).backward(randn(SIZES));
    for (const step of [train, answer]) step(randn([16, 8]));
  }, noteAll(name));
}

/** By themselves, and captured. */
function foldsOf([name, apply]: Part): Found[] {
  const both = (x: Tensor): Tensor => {
    const leaf = x.detach().requiresGrad_();
    const y = apply(leaf);
    return grad([y], [leaf], { gradOutputs: y.ndim > 0 ? [x] : null })[0]!;
  };
  const step = capture(both);
  return programsIn(() => {
    for (const one of [both, step]) one(randn([8, 12]));
    apply(randn([8, 12]));
  }, noteAll(name));
}

/** In captured training: what many steps of time have in common. */
function recurrencesOf([name, apply]: Part): Found[] {
  const gradient = randn([STEPS, 4, 12]);
  const step = capture((x: Tensor) => {
    const output = apply(x);
    output.backward(gradient);
    return output.detach();
  });
  const times = new Map<Program, number>();
  const noteOften: Note = (found, program, params, inputs) => {
    times.set(program, (times.get(program) ?? 0) + 1);
    if (times.get(program)! >= STEPS / 2) noteAll(name)(found, program, params, inputs);
  };
  const act = () => {
    for (let i = 0; i < 2; i++) step(randn([STEPS, 4, 8]));
  };
  return programsIn(act, noteOften, () => {});
}

/** As native/whole.h has them, which the header asserts. */
const LOADED = 1;
const ONE_VALUE = 2;
const OF_ROW = 4;
const STORED = 8;

const MOST_SLOTS = 32;
const MOST_OPERATIONS = 32;

/** What a slot is that is read before it is written. */
function kindOf({ program, walked }: Found, slot: number): number {
  const { inputs, outputs } = program;
  const layout = slotLayout(program);
  if (slot < layout.outputs) return inputs[slot] === 'row' ? OF_ROW : walked[slot] ? LOADED : ONE_VALUE;
  if (slot < layout.params) return outputs[slot - layout.outputs] === 'row' ? OF_ROW : LOADED;
  if (slot < layout.elementRegisters) return ONE_VALUE;
  return slot < layout.rowRegisters ? LOADED : OF_ROW;
}

const operandsOf = ({ a, b, c }: MicroInstruction) => [a, b, c].filter((slot) => slot >= 0);

/** Whether anybody but a stage's element code has a slot that it writes. */
function isNeeded(program: Program, stages: readonly Stage[], stage: number, slot: number): boolean {
  return (
    slot < slotLayout(program).params ||
    stages
      .slice(stage)
      .some(
        ({ elements, folds }, later) =>
          folds.some(({ src }) => src === slot) || (later > 0 && elements.some((m) => operandsOf(m).includes(slot))),
      )
  );
}

/** What the core compares a stage's element code with. */
function codeOf(found: Found, stages: readonly Stage[], stage: number): string | null {
  const slots: number[] = [];
  const kinds: number[] = [];
  const number = (slot: number, written: boolean): number => {
    if (slot < 0) return -1;
    if (!slots.includes(slot)) kinds[slots.push(slot) - 1] = written ? 0 : kindOf(found, slot);
    const at = slots.indexOf(slot);
    if (written && isNeeded(found.program, stages, stage, slot)) kinds[at]! |= STORED;
    return at;
  };
  const code = stages[stage]!.elements.map((m) => {
    const [a, b, c] = [number(m.a, false), number(m.b, false), number(m.c, false)];
    return `{MicroOp::${m.op}, ${[number(m.dst, true), a, b, c].join(', ')}}`;
  });
  const fits = slots.length <= MOST_SLOTS && code.length <= MOST_OPERATIONS;
  return fits ? `${slots.length}, ${code.length}, {${kinds.join(', ')}}, {${code.join(', ')}}` : null;
}

/** Code of fewer operations is as fast in loops of its own, and so are copies. What counts positions has none. */
const isWorthIt = ({ elements }: Stage): boolean =>
  elements.filter(({ op }) => op !== 'expand').length > 1 &&
  elements.some(({ op }) => op !== 'copy') &&
  elements.every(({ op }) => op !== 'position');

/** The header, as it should be. */
export function header(): string {
  // Two names may come to the same.
  const names = new Map<string, string>();
  const found = [
    ...UPDATES.flatMap(updatesOf),
    ...ACTIVATIONS.flatMap(activationsOf),
    ...FOLDS.flatMap(foldsOf),
    ...RECURRENCES.flatMap(recurrencesOf),
  ];
  for (const one of found) {
    for (const stages of [one.program.resident, one.program.streamed]) {
      for (const [i, stage] of stages.entries()) {
        const code = isWorthIt(stage) ? codeOf(one, stages, i) : null;
        if (code !== null && !names.has(code)) names.set(code, one.name);
      }
    }
  }
  const blind = new Set(
    [...names.keys()].map((code) => code.replace(/\{[\d, ]*\}/, (kinds) => kinds.replaceAll('2', '1'))),
  );
  if (blind.size < names.size)
    throw new Error('two rows differ only in which inputs are one value: the core finds the first');
  const rows = [...names].map(([code, name]) => `    {${code}},  // ${name}`);
  return `// Written by \`npm run whole-programs\`.
#pragma once

#include "whole.h"

namespace nabla {

static_assert(kWholeSlots == ${MOST_SLOTS} && kWholeOperations == ${MOST_OPERATIONS});
static_assert(kLoaded == ${LOADED} && kOneValue == ${ONE_VALUE} && kOfRow == ${OF_ROW} && kStored == ${STORED});

// Each file has its own: nothing of an instruction set may be known by a name outside of it.
// clang-format off
constexpr WholeProgram kWholePrograms[] = {
${rows.join('\n')}
};
// clang-format on

constexpr int kWholeCount = sizeof(kWholePrograms) / sizeof(kWholePrograms[0]);

}  // namespace nabla
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  setNumThreads(1);
  await writeFile(HEADER, header());
}
