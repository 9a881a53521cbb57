import type { ComputeType } from '../../lib/backend/dtype.js';
import { type MicroOp, microOps } from '../../lib/backend/micro-ops.js';
import type { Kind, Program } from '../../lib/backend/program.js';
import { compile, type Expr, input } from '../../lib/expr/index.js';

/** The program of one operation on as many inputs as it takes. */
export function singleOp(op: MicroOp, compute: ComputeType): Program {
  const { arity } = microOps[op];
  const slot = (i: number) => (i < arity ? i : -1);
  const stages = [{ elements: [{ op, dst: arity, a: slot(0), b: slot(1), c: slot(2) }], folds: [], rows: [] }];
  return {
    name: op,
    compute,
    inputs: Array.from({ length: arity }, (): Kind => 'element'),
    outputs: ['element'],
    params: 0,
    constants: [],
    elementRegisters: 0,
    rowRegisters: 0,
    resident: stages,
    streamed: stages,
  };
}

/** Compiles what `body` makes of element inputs. */
export function programOf(
  compute: ComputeType,
  inputs: number,
  body: (...x: Expr[]) => Expr | Expr[],
  params = 0,
): Program {
  const kinds = Array.from({ length: inputs }, (): Kind => 'element');
  const roots = body(...kinds.map((kind, i) => input(i, kind)));
  return compile({ name: 'test', compute, inputs: kinds, params }, [roots].flat());
}
