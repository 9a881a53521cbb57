/** Writes native/whole_programs.h: the micro-programs of optimizers' updates, which the core has compiled as wholes. `npm run whole-programs` */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { capture, nn, optim, randn, setNumThreads, type Tensor } from 'nabla';
import { backend, useBackend } from '../lib/backend/index.js';
import type { Program } from '../lib/backend/program.js';
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

/** So often that nothing of the state is new. */
const STEPS = 8;
/** Of a parameter: no number of a step has so many elements. */
const SIZES = [8, 12];

interface Update {
  readonly name: string;
  readonly program: Program;
  /** Of inputs: whether they have an element for each of the parameter's. */
  readonly walked: readonly boolean[];
}

/** Calls `act`, and returns the updates among the maps that it comes to: what reads a parameter and its gradient, at least. */
function updatesIn(name: string, act: () => void): Update[] {
  const found = new Map<Program, Update>();
  const note = (program: Program, params: readonly number[], inputs: readonly View[]) => {
    const walked = inputs.map(
      ({ shape, strides }) => sizeOf(shape) === sizeOf(SIZES) && strides.every((one) => one > 0),
    );
    const isUpdate = params.length === 0 && walked.filter(Boolean).length > 1;
    if (isUpdate) found.set(program, { name, program, walked });
  };
  const before = useBackend({
    ...backend,
    map: (program, params, inputs, outputs) => {
      note(program, params, inputs);
      return before.map(program, params, inputs, outputs);
    },
    link: (instructions, ports) => {
      for (const one of instructions) if (one.op === 'map') note(one.program, one.params, one.inputs);
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
function updatesOf([name, make]: Row): Update[] {
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
    ...updatesIn(name, () => {
      parameter.grad = randn(SIZES);
      for (let i = 0; i < STEPS; i++) plain.step();
    }),
    ...updatesIn(`${name}, clipped`, () => {
      for (let i = 0; i < STEPS; i++) step(x);
    }),
  ];
}

/** What the core compares a program with; two names may come to the same. */
function row({ name, program, walked }: Update): string {
  const { inputs, outputs, constants, elementRegisters, resident } = program;
  const code = resident[0]!.elements.map(({ op, dst, a, b, c }) => `{MicroOp::${op}, ${[dst, a, b, c].join(', ')}}`);
  const mask = walked.reduce((bits, is, i) => bits | (Number(is) << i), 0);
  const counts = [inputs.length, outputs.length, constants.length, elementRegisters, mask, code.length];
  return `    {"${name}", ${counts.join(', ')}, {${code.join(', ')}}},`;
}

/** The header, as it should be. */
export function header(): string {
  const rows = new Map<string, string>();
  for (const update of UPDATES.flatMap(updatesOf)) {
    const code = row(update).replace(/"[^"]*"/, '');
    if (!rows.has(code)) rows.set(code, row(update));
  }
  return `// Written by \`npm run whole-programs\`.
#pragma once

#include "whole.h"

namespace nabla {

// Each file has its own: nothing of an instruction set may be known by a name outside of it.
// clang-format off
constexpr WholeProgram kWholePrograms[] = {
${[...rows.values()].join('\n')}
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
