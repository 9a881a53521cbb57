import { capture, nn, optim, type Tensor, tensor, zeros } from 'nabla';
import type { FirstCallWork } from '../../harness/work.js';
import { probe, seeds, uniform } from '../inputs.js';
import type { Task } from '../serve.js';
import type { Mode } from './training.js';

/** A function whose first call is of interest, and what it is called with. */
export interface Called {
  readonly fn: (...args: Tensor[]) => Tensor | Tensor[];
  readonly args: readonly Tensor[];
}

const PARTS_BEFORE = 300;

/** By `run` the function is called again as if it never had been, but in a process that knows it. */
export function firstCall(work: FirstCallWork, mode: Mode): Task {
  for (let i = 0; i < (work.before ?? 0); i++) {
    const { fn, args } = calledBy({ ...work, length: PARTS_BEFORE });
    (mode === 'captured' ? capture(fn) : fn)(...args);
  }
  const { fn, args } = calledBy(work);
  const call = () => (mode === 'captured' ? capture(fn) : fn)(...args);
  const first = () => {
    const results = [call()].flat();
    return results.length === 1 ? [...results[0]!.toTypedArray()] : probe(results.map((one) => one.toTypedArray()[0]!));
  };
  return { run: call, first };
}

export function calledBy({ network, length }: FirstCallWork): Called {
  switch (network) {
    case 'chain':
      return { fn: (x) => chained(x!, length), args: [tensor(uniform(5, seeds.x))] };
    case 'results':
      return {
        fn: (x) => Array.from({ length }, (_, i) => x!.mul(i / length)),
        args: [tensor(uniform(5, seeds.x))],
      };
    case 'lstm':
      return unrolled(length, false);
    case 'lstmStep':
      return unrolled(length, true);
  }
}

function chained(x: Tensor, length: number): Tensor {
  let y = x;
  for (let i = 0; i < length; i++) y = i % 2 === 0 ? y.add(0.5) : y.mul(0.75);
  return y;
}

const [INPUTS, HIDDEN, BATCH] = [8, 16, 4] as const;

/** A cell of an LSTM, written with what there is for any model, over a sequence: forward to the loss; or with the backward pass and a step of SGD too. */
function unrolled(steps: number, isTrained: boolean): Called {
  const { linear, mseLoss } = nn.functional;
  const parameter = (shape: readonly number[], i: number) =>
    tensor(
      uniform(
        shape.reduce((a, b) => a * b),
        seeds.weight + i,
        -0.25,
        0.25,
      ),
    )
      .reshape(shape)
      .requiresGrad_();
  const parameters = [[4 * HIDDEN, INPUTS], [4 * HIDDEN, HIDDEN], [4 * HIDDEN], [4 * HIDDEN]].map(parameter);
  const [wx, wh, bx, bh] = parameters as [Tensor, Tensor, Tensor, Tensor];
  const sgd = new optim.SGD(parameters, { lr: 0.1 });
  const fn = (x?: Tensor, target?: Tensor) => {
    if (isTrained) sgd.zeroGrad();
    let h = zeros([BATCH, HIDDEN]);
    let c = zeros([BATCH, HIDDEN]);
    for (let t = 0; t < steps; t++) {
      const gates = linear(x!.select(0, t), wx, bx).add(linear(h, wh, bh));
      const [input, forget, candidate, output] = gates.chunk(4, 1) as [Tensor, Tensor, Tensor, Tensor];
      c = forget.sigmoid().mul(c).add(input.sigmoid().mul(candidate.tanh()));
      h = output.sigmoid().mul(c.tanh());
    }
    const loss = mseLoss(h, target!);
    if (isTrained) {
      loss.backward();
      sgd.step();
    }
    return loss.detach();
  };
  const sequence = tensor(uniform(steps * BATCH * INPUTS, seeds.x)).reshape([steps, BATCH, INPUTS]);
  return { fn, args: [sequence, tensor(uniform(BATCH * HIDDEN, seeds.y)).reshape([BATCH, HIDDEN])] };
}
