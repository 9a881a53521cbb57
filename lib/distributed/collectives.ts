import { defineAsync } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { nothing, signature } from '../arguments/signature.js';
import { isBool, isInteger } from '../backend/dtype.js';
import type { CollectiveKind } from '../backend/js/collective.js';
import { sizeOf } from '../backend/view.js';
import { DTypeError, ValueError } from '../errors.js';
import { copy_ } from '../ops/conversion.js';
import { convert } from '../tensor/basics.js';
import { zeros } from '../ops/creation.js';
import { select } from '../ops/views.js';
import * as kinds from '../tensor/kinds.js';
import type { Tensor } from '../tensor/tensor.js';
import { exchangeApart } from './exchange.js';
import { inOrder, worldFor } from './world.js';

/** How elements of all ranks become one. */
export type ReduceOp = 'sum' | 'mean' | 'product' | 'minimum' | 'maximum';

const reducing = signature('input, /, op, *, deterministic', {
  input: kinds.tensor,
  /** How the elements of all ranks become one. Default: 'sum'. */
  op: kinds.choice('sum', 'mean', 'product', 'minimum', 'maximum').default('sum'),
  /** Whether to add in a fixed order, so that all runs give the same bits; else as MPI_Allreduce does. Default: true. */
  deterministic: kinds.boolean.default(true),
});

const spreading = signature('input, /, root', {
  input: kinds.tensor,
  /** Whose values all ranks get. Default: 0. */
  root: kinds.integerFrom(0).default(0),
});

const gathering = signature('input, /', { input: kinds.tensor });

export interface AllReduceOptions extends OptionsOf<typeof reducing> {}
export interface BroadcastOptions extends OptionsOf<typeof spreading> {}

/** Has a copy of `x` exchanged; the tensor stays as it is, whatever is done with it meanwhile. */
async function exchanged(where: string, kind: CollectiveKind, x: Tensor, root = 0): Promise<Tensor> {
  const { size } = worldFor(where);
  const own = convert(x.detach(), x.dtype);
  if (size > 1) await inOrder(where, () => exchangeApart(where, kind, root, own));
  return own;
}

/**
 * Σ over all ranks of a tensor that has the same shape on each, or its mean, product, minimum or maximum; every rank gets the same bits. NaN wins over
 * all numbers; int32 wraps around. On a thread of its own, so that the event loop is free. Ranks are added in a fixed tree: (0 + 1) + (2 + 3), and so on.
 *
 * @throws DTypeError for bools, and for a mean of integers; NablaError where ranks call something else, or a rank does not answer
 * @example
 * ```ts
 * import { tensor } from 'nabla';
 * import { allReduce, init } from 'nabla/distributed';
 *
 * await init();
 * await allReduce(tensor([1, 2])); // tensor([1., 2.])
 * ```
 * @see https://pytorch.org/docs/stable/distributed.html#torch.distributed.all_reduce
 */
export const allReduce: FunctionOf<Promise<Tensor>, typeof reducing, AllReduceOptions> = defineAsync(
  'allReduce',
  reducing,
  async (x, op, deterministic) => {
    if (isBool(x.dtype))
      throw new DTypeError('allReduce: expected floats or integers, got bool; convert it with .to()');
    if (op === 'mean' && isInteger(x.dtype)) {
      throw new DTypeError('allReduce: a mean needs floats, got int32; convert it with .float()');
    }
    const { size } = worldFor('allReduce');
    const kind = op === 'mean' ? 'sum' : op;
    const result = await exchanged('allReduce', kind === 'sum' && !deterministic ? 'anySum' : kind, x);
    return op === 'mean' ? result.div_(size) : result;
  },
);

/**
 * The values that one rank has. Every rank gives a tensor of the same shape and type.
 *
 * @throws ValueError for a root that is no rank; NablaError where ranks call something else, or a rank does not answer
 * @example
 * ```ts
 * import { tensor } from 'nabla';
 * import { broadcast, init } from 'nabla/distributed';
 *
 * await init();
 * await broadcast(tensor([1, 2])); // tensor([1., 2.])
 * ```
 * @see https://pytorch.org/docs/stable/distributed.html#torch.distributed.broadcast
 */
export const broadcast: FunctionOf<Promise<Tensor>, typeof spreading, BroadcastOptions> = defineAsync(
  'broadcast',
  spreading,
  async (x, root) => {
    const { size } = worldFor('broadcast');
    if (root >= size) throw new ValueError(`broadcast: root must be a rank, from 0 to ${size - 1}, got ${root}`);
    return exchanged('broadcast', 'broadcast', x, root);
  },
);

/**
 * What every rank has, in the order of ranks. Every rank gives a tensor of the same shape and type.
 *
 * @throws NablaError where ranks call something else, or a rank does not answer
 * @example
 * ```ts
 * import { tensor } from 'nabla';
 * import { allGather, init } from 'nabla/distributed';
 *
 * await init();
 * await allGather(tensor([1, 2])); // [tensor([1., 2.])]
 * ```
 * @see https://pytorch.org/docs/stable/distributed.html#torch.distributed.all_gather
 */
export const allGather: FunctionOf<Promise<Tensor[]>, typeof gathering> = defineAsync(
  'allGather',
  gathering,
  async (x) => {
    const { rank, size } = worldFor('allGather');
    const all = zeros([size, ...x.shape], { dtype: x.dtype });
    copy_(select(all, 0, rank), x.detach());
    if (size > 1 && sizeOf(x.shape) > 0) {
      await inOrder('allGather', () => exchangeApart('allGather', 'gather', 0, all));
    }
    return Array.from({ length: size }, (_, of) => convert(select(all, 0, of), x.dtype));
  },
);

/**
 * Waits until every rank is here.
 *
 * @throws NablaError where ranks call something else, or a rank does not answer
 * @example
 * ```ts
 * import { barrier, init } from 'nabla/distributed';
 *
 * await init();
 * await barrier();
 * ```
 * @see https://pytorch.org/docs/stable/distributed.html#torch.distributed.barrier
 */
export const barrier: () => Promise<void> = defineAsync('barrier', nothing, async () => {
  await exchanged('barrier', 'sum', zeros([1], { dtype: 'int32' }));
});
