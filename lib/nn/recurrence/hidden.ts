import { recordsGradients, withGrad } from '../../autograd/mode.js';
import { type BackwardRule, record } from '../../autograd/node.js';
import { cat } from '../../ops/joining.js';
import { linear, matmul } from '../../ops/products.js';
import { transpose } from '../../ops/views.js';
import { arrive, type Gathering, gathering } from '../../tensor/gathering.js';
import { sumTo } from '../../tensor/layout.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import type { Hidden, Weights } from './steps.js';

// The products of hidden states with one matrix, step by step. Their gradients of that matrix are one product over all steps, instead of one for
// each that are added up: the matrix is large, and a step has few rows.

/** A step: the gradient of its product, and its hidden state. */
interface Step {
  readonly g: Tensor;
  readonly h: Tensor;
}

interface Call {
  readonly steps: Gathering<Step>;
  /** What was added is the bias, whose gradient is taken with that of the matrix. */
  readonly isBias: boolean;
}

const rule: BackwardRule<Call> = {
  name: 'Linear',
  backward: (g, [h, weight], { steps, isBias }, [hNeeds]) => [
    hNeeds === true ? matmul(g, weight!) : null,
    arrive(steps, { g, h: h! }),
    ...(isBias ? [] : [g]),
  ],
};

/** W_hh h + what is added, for all steps of a layer in one direction. */
export function hiddenOf({ weightHh, biasHh }: Weights): Hidden {
  if (!recordsGradients() || !weightHh.requiresGrad) return (h, added) => linear(h, weightHh, added);
  const inputs = biasHh === null ? [weightHh] : [weightHh, biasHh];
  const steps = gathering<Step>('Linear', inputs, (arrived, needs) => {
    const g = cat(arrived.map((step) => step.g));
    const isBiasWanted = biasHh !== null && needs[1] === true && addsBias;
    return [
      needs[0] === true ? matmul(transpose(g, 0, 1), cat(arrived.map((step) => step.h))) : null,
      ...(biasHh === null ? [] : [isBiasWanted ? sumTo(g, shapeOf(biasHh)) : null]),
    ];
  });
  let addsBias = false;
  return (h, added) => {
    const isBias = added !== null && added === biasHh;
    addsBias ||= isBias;
    const out = withGrad(false, () => linear(h, weightHh, added));
    const inputs = added === null || isBias ? [h, steps.handle] : [h, steps.handle, added];
    return record(out, rule, inputs, [h, weightHh], { steps, isBias: inputs.length === 2 });
  };
}
