import { defineAsync } from '../../arguments/define.js';
import type { FunctionOf } from '../../arguments/forms.js';
import { kind } from '../../arguments/kind.js';
import { signature } from '../../arguments/signature.js';
import { describe } from '../../describe.js';
import { FormatError, ValueError } from '../../errors.js';
import { readTensors, type TensorRecord } from '../../io/safetensors.js';
import type { AnyOptimizer } from '../../optim/lr-scheduler/scheduler.js';
import { isOptimizer } from '../../optim/optimizer.js';
import { absolutePath } from '../../path.js';
import { isRecord } from '../../realm.js';
import * as kinds from '../../tensor/kinds.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { SavedOptimizer } from './parts.js';

const loading = signature('path, optimizer, /', {
  path: kinds.path,
  optimizer: kind('an Optimizer', (value): value is SavedOptimizer => isOptimizer(value)),
});

/** Options that say how PyTorch computes, and not what. */
const HOW: readonly string[] = ['foreach', 'fused', 'capturable', 'differentiable', 'param_names'];

/** What schedulers note in groups there; here they have it themselves. */
const SCHEDULERS: readonly string[] = ['max_lr', 'min_lr', 'base_momentum', 'max_momentum', 'swa_lr'];

/** `exp_avg` is `expAvg` here. */
const camelCase = (name: string): string =>
  name.replaceAll(/_([a-zA-Z])/g, (_, letter: string) => letter.toUpperCase());

/**
 * Loads the state of one of PyTorch's optimizers into the same optimizer here, from a safetensors file with tensors `state.<parameter>.<name>` and,
 * if options are to be loaded too, the metadata `param_groups`. In Python:
 *
 * ```python
 * def as_tensor(value):
 *     if isinstance(value, list):  # L-BFGS has lists
 *         return torch.stack([as_tensor(one) for one in value])
 *     return torch.as_tensor(value, dtype=torch.float64 if isinstance(value, float) else None)
 *
 * saved = optimizer.state_dict()
 * tensors = {f"state.{i}.{name}": as_tensor(value)
 *            for i, state in saved["state"].items() for name, value in state.items()
 *            if name != "al" and value is not None and not (isinstance(value, list) and not value)}
 * save_file(tensors, "adam.safetensors", {"param_groups": json.dumps(saved["param_groups"])})
 * ```
 *
 * What schedulers noted in groups (`max_lr` and the like) is left out: here they keep it themselves. Parameters must come in the same order. Everything is checked before anything changes.
 *
 * @throws FormatError for a file that is foreign or damaged; ValueError for a state or options that are not of this optimizer; ShapeError or
 *   DTypeError for a state of another shape or type than its parameter
 * @example
 * ```ts
 * const tensors = { 'state.0.step': tensor(3), 'state.0.exp_avg': ones([2]), 'state.0.exp_avg_sq': ones([2]) };
 * await saveSafetensors('adam.safetensors', tensors);
 * const adam = new optim.Adam([zeros([2], { requiresGrad: true })]);
 * await loadTorchOptimizer('adam.safetensors', adam);
 * adam.stateDict().state[0]!.step; // 3
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.optim.Optimizer.state_dict.html
 */
export const loadTorchOptimizer: FunctionOf<Promise<void>, typeof loading> = defineAsync(
  'loadTorchOptimizer',
  loading,
  async (path, given) => {
    const optimizer = given as AnyOptimizer;
    const file = absolutePath('loadTorchOptimizer', path);
    const { tensors, metadata } = await readTensors('loadTorchOptimizer', file);
    const own = optimizer.stateDict().paramGroups;
    const paramGroups = metadata.param_groups === undefined ? own : groupsIn(file, metadata.param_groups, own);
    optimizer.loading(file, { state: statesIn(file, tensors), paramGroups })();
  },
);

function statesIn(file: string, tensors: TensorRecord): Record<string, Record<string, Tensor>> {
  const states: Record<string, Record<string, Tensor>> = {};
  for (const [name, value] of Object.entries(tensors)) {
    const [, parameter, entry] = /^state\.(\d+)\.(\w+)$/.exec(name) ?? [];
    if (parameter === undefined) {
      throw new FormatError(`${file}: expected tensors named state.<parameter>.<name>, got ${describe(name)}`);
    }
    states[parameter] ??= {};
    states[parameter][camelCase(entry!)] = value;
  }
  return states;
}

/** The options of groups as they are called here. */
function groupsIn(file: string, text: string, own: readonly object[]): object[] {
  const groups = parsed(text);
  if (!Array.isArray(groups) || !groups.every(isRecord)) {
    throw new FormatError(`${file}: param_groups must be a list of objects as JSON`);
  }
  return groups.map((group, i) => {
    const options = Object.entries(group).filter(([name]) => !HOW.includes(name) && !SCHEDULERS.includes(name));
    return Object.fromEntries(
      options.flatMap(([name, value]) => {
        // PyTorch's AdamW is an Adam with this option set; here it is what AdamW is.
        const isImplied =
          name === 'decoupled_weight_decay' && own[i] !== undefined && !('decoupledWeightDecay' in own[i]);
        if (!isImplied) return [[camelCase(name), value]];
        if (value === true) return [];
        throw new ValueError(
          `${file}: group ${i} is of an Adam whose weight decay is not decoupled; load it into an optim.Adam`,
        );
      }),
    );
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
