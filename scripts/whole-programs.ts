/** Writes native/whole_programs.h: the micro-programs of optimizers' updates, which the core has compiled as wholes. `npm run whole-programs` */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { nn, optim, randn, setNumThreads } from 'nabla';
import { backend, useBackend } from '../lib/backend/index.js';
import type { Program } from '../lib/backend/program.js';

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

/** More than once, and of a number that no number of a step is. */
const [STEPS, LENGTH] = [8, 100];

interface Update {
  readonly name: string;
  readonly program: Program;
  /** Of inputs: whether they have an element for each of the parameter's. */
  readonly walked: readonly boolean[];
}

function updatesOf([name, make]: Row): Update[] {
  const found = new Map<Program, Update>();
  const before = useBackend({
    ...backend,
    map: (program, params, inputs, outputs) => {
      const walked = inputs.map(({ shape }) => shape[0] === LENGTH);
      if (params.length === 0) found.set(program, { name, program, walked });
      return before.map(program, params, inputs, outputs);
    },
  });
  try {
    const parameter = new nn.Parameter(randn([LENGTH]));
    parameter.grad = randn([LENGTH]);
    const optimizer = make([parameter]);
    for (let i = 0; i < STEPS; i++) optimizer.step();
  } finally {
    useBackend(before);
  }
  return [...found.values()].filter(({ walked }) => walked.filter(Boolean).length > 1);
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
  const rows = new Map(UPDATES.flatMap(updatesOf).map((update) => [row(update).replace(/"[^"]*"/, ''), row(update)]));
  return `// Written by \`npm run whole-programs\`.
#pragma once

#include "whole.h"

namespace nabla {

// clang-format off
inline constexpr WholeProgram kWholePrograms[] = {
${[...rows.values()].join('\n')}
};
// clang-format on

inline constexpr int kWholeCount = sizeof(kWholePrograms) / sizeof(kWholePrograms[0]);

}  // namespace nabla
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  setNumThreads(1);
  await writeFile(HEADER, header());
}
