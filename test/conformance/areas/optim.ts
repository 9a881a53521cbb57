import type { Adapter } from '../adapter.js';
import { asOptions } from '../arrange.js';
import { CaseValues } from '../case-values.js';
import { checkTensor, checkValues, type ToleranceOf, tolerance } from '../compare.js';
import type { OptimCase, OptimStep } from '../format.js';
import type { Tensor } from '../library.js';
import { Mismatch } from '../outcome.js';

/** Ten steps on the same parameters, compared after each. */
export function runOptim(c: OptimCase, adapter: Adapter): void {
  const ids = c.params.map(({ t }) => t);
  const values = new CaseValues(adapter, c.tensors, ids);
  const parameters = ids.map((id) => values.tensor(id));
  const optimizer = adapter.optimizer(c.name, groups(c, parameters, values), values.named(c.kwargs));
  const closure = objective(c, parameters, values, adapter);
  c.steps.forEach((step, i) => {
    setGradients(parameters, step, values);
    const loss = closure === undefined ? optimizer.step() : optimizer.step(closure);
    const when = `after step ${i + 1}`;
    step.expected.forEach(({ t }, p) => {
      checkTensor(`parameter ${p} ${when}`, parameters[p]!, values.record(t), allowedAt(c, i));
    });
    if (step.loss !== undefined) checkLoss(when, adapter.number(loss), step.loss, allowedAt(c, i));
  });
}

function groups(c: OptimCase, parameters: readonly Tensor[], values: CaseValues): unknown[] {
  if (c.groups === undefined) return [...parameters];
  return c.groups.map(({ params, kwargs }) => ({
    params: params.map((index) => parameters[index]),
    ...asOptions(Object.entries(values.named(kwargs))),
  }));
}

function setGradients(parameters: readonly Tensor[], step: OptimStep, values: CaseValues): void {
  step.grads?.forEach((ref, p) => {
    parameters[p]!.grad = ref === null ? null : values.tensor(ref.t);
  });
}

/** The closure of an optimizer that evaluates the loss itself: mean((X W^T + b - Y)^2). */
function objective(
  c: OptimCase,
  [weight, bias]: readonly Tensor[],
  values: CaseValues,
  adapter: Adapter,
): (() => Tensor) | undefined {
  if (c.objective === undefined || weight === undefined || bias === undefined) return undefined;
  const { functional } = adapter.nabla.nn;
  const [x, y] = [values.tensor(c.objective.X.t), values.tensor(c.objective.Y.t)];
  return () => {
    weight.grad = null;
    bias.grad = null;
    const loss = functional.mseLoss(functional.linear(x, weight, bias), y);
    loss.backward();
    return loss;
  };
}

function allowedAt(c: OptimCase, step: number): ToleranceOf {
  if (c.name === 'Muon') return () => ({ atol: 2e-2 * Number(c.kwargs.lr ?? 1e-3), rtol: 0 });
  return tolerance('out', c.noise?.steps?.[step], c.name === 'LBFGS' ? { f32: 1e-3, f64: 1e-3 } : {});
}

function checkLoss(when: string, actual: number | undefined, expected: number, allowed: ToleranceOf): void {
  if (actual === undefined) throw new Mismatch(`loss ${when}: step returned none`);
  checkValues(`loss ${when}`, [actual], [expected], allowed('f64'));
}
