import { recordsGradients, withGrad } from '../../autograd/mode.js';
import { type BackwardRule, record } from '../../autograd/node.js';
import { cat } from '../../ops/joining.js';
import { linear, matmul } from '../../ops/products.js';
import { reshape, transpose } from '../../ops/views.js';
import { filledOf } from '../../tensor/empty.js';
import { arrive, type Gathering, gathering } from '../../tensor/gathering.js';
import { sumTo } from '../../tensor/layout.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import type { Hidden, Steps, Weights } from './steps.js';

// The products of hidden states with one matrix, step by step. Their gradients are taken for all steps together: that of the matrix is one product,
// instead of one for each step that are added up, because the matrix is large and a step has few rows; and what it is made of is the gradient of what
// the inputs contributed.

/** A step: the gradient of its product, and its hidden state. */
interface Step {
  readonly time: number;
  readonly g: Tensor;
  readonly h: Tensor;
}

interface Call {
  readonly steps: Gathering<Step>;
  readonly time: number;
}

const rule: BackwardRule<Call> = {
  name: 'Linear',
  backward: (g, [h, weight], { steps, time }, [hNeeds]) => [
    hNeeds === true ? matmul(g, weight!) : null,
    arrive(steps, { time, g, h: h! }),
  ],
};

/** What the inputs of all steps contribute, as one tensor and as those of the steps, whose rows follow each other in it. */
export interface Entered {
  readonly whole: Tensor;
  readonly parts: readonly Tensor[];
}

/** W_hh h + what is added, for all steps of a layer in one direction: what the step's input contributes, or else the bias. */
export function hiddenOf({ addsBias }: Steps, { weightHh, biasHh }: Weights, { whole, parts }: Entered): Hidden {
  if (!recordsGradients() || !weightHh.requiresGrad) return (h, added) => linear(h, weightHh, added);
  const times = new Map(parts.map((part, time) => [part, time]));
  const other = addsBias ? biasHh : whole;
  const inputs = other === null ? [weightHh] : [weightHh, other];
  const steps = gathering<Step>('Linear', inputs, (arrived, [weightNeeds, otherNeeds]) => {
    const inOrder = [...arrived].sort((a, b) => a.time - b.time);
    const g = cat(inOrder.map((step) => step.g));
    const ofOther = (to: Tensor) => (addsBias ? sumTo(g, shapeOf(to)) : reshape(ofAll(parts, inOrder, g), shapeOf(to)));
    return [
      weightNeeds === true ? matmul(transpose(g, 0, 1), cat(inOrder.map((step) => step.h))) : null,
      ...(other === null ? [] : [otherNeeds === true ? ofOther(other) : null]),
    ];
  });
  let calls = 0;
  return (h, added) => {
    const time = addsBias ? calls++ : times.get(added!)!;
    const out = withGrad(false, () => linear(h, weightHh, added));
    return record(out, rule, [h, steps.handle], [h, weightHh], { steps, time });
  };
}

/** The gradients of all steps, zeros for those that nothing came from. */
function ofAll(parts: readonly Tensor[], arrived: readonly Step[], joined: Tensor): Tensor {
  if (arrived.length === parts.length) return joined;
  const byTime = new Map(arrived.map(({ time, g }) => [time, g]));
  return cat(parts.map((part, time) => byTime.get(time) ?? filledOf(shapeOf(part), 0, part.dtype)));
}
