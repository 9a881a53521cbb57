import type { Adapter } from '../adapter.js';
import type { Area, CaseOf, RecordedCase } from '../format.js';
import { runDefaultInit } from './default-init.js';
import { runErrors } from './errors.js';
import { runInit } from './init.js';
import { runLrSched } from './lr-sched.js';
import { runModules } from './modules.js';
import { runOps } from './ops.js';
import { runOptim } from './optim.js';
import { runRng } from './rng.js';

/** One per area: returns if nabla does what PyTorch did, throws a Mismatch, a NotSupported or what nabla threw. */
const RUNNERS: { readonly [A in Area]: (c: CaseOf<A>, adapter: Adapter) => void } = {
  rng: runRng,
  init: runInit,
  default_init: runDefaultInit,
  ops: runOps,
  modules: runModules,
  optim: runOptim,
  lr_sched: runLrSched,
  errors: runErrors,
};

export function runCase(c: RecordedCase, adapter: Adapter): void {
  run(c.area, c, adapter);
}

function run<A extends Area>(area: A, c: CaseOf<A>, adapter: Adapter): void {
  RUNNERS[area](c, adapter);
}
