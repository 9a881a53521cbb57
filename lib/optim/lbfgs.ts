import type { ArgumentsOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { unknownName } from '../arguments/unknown-name.js';
import { enableGrad, noGrad } from '../autograd/mode.js';
import { isFloat } from '../backend/dtype.js';
import { recording } from '../backend/index.js';
import { describe } from '../describe.js';
import { CaptureError, ShapeError, ValueError } from '../errors.js';
import { zeros } from '../ops/creation.js';
import { cat } from '../ops/joining.js';
import * as kinds from '../tensor/kinds.js';
import { show } from '../tensor/shape.js';
import { isTensor, peekGrad, shapeOf, type Tensor } from '../tensor/tensor.js';
import type { Group, ParamGroup, Params } from './groups.js';
import { Optimizer } from './optimizer.js';
import { directed, rate, rateOf } from './parameters.js';
import { rule } from './rule.js';
import { type Point, strongWolfe } from './strong-wolfe.js';

const searching = signature(
  'params, /, lr, maxIter, maxEval, toleranceGrad, toleranceChange, historySize, lineSearchFn',
  {
    params: directed.params,
    /** How far to go along a direction, or how far a line search looks first; a 0-d tensor may hold it. Default: 1. */
    lr: rate.default(1),
    /** The most directions that one step takes. Default: 20. */
    maxIter: kinds.integerFrom(0).default(20),
    /** About how often the loss may be computed in a step. Default: null, a quarter more than `maxIter`. */
    maxEval: kinds.integerFrom(0).optional(),
    /** Gradients of which no element is larger end a step. Default: 1e-7. */
    toleranceGrad: kinds.real.default(1e-7),
    /** Changes of the loss and of parameters that are no larger end a step. Default: 1e-9. */
    toleranceChange: kinds.real.default(1e-9),
    /** How many of the last changes a direction is made of. Default: 100. */
    historySize: kinds.integerFrom(1).default(100),
    /** How to look for the best point along a direction. Default: null, not at all. */
    lineSearchFn: kinds.choice('strong_wolfe').optional(),
  },
);

export interface LBFGSOptions extends OptionsOf<typeof searching> {}

/** What L-BFGS keeps, for all parameters together (laid end to end), as the state of the first. */
export interface LBFGSState {
  /** How often the loss was computed, and how many directions were taken. */
  funcEvals: number;
  nIter: number;
  /** The last direction, and how far it was followed. */
  d?: Tensor | null;
  t?: number | null;
  /** The last changes of the gradient and of the parameters, the oldest first, and 1 over their products. */
  oldDirs?: Tensor[] | null;
  oldStps?: Tensor[] | null;
  ro?: number[] | null;
  /** The scale of the first estimate of the inverse second derivatives. */
  HDiag?: number | null;
  /** The gradient and the loss of before. */
  prevFlatGrad?: Tensor | null;
  prevLoss?: number | null;
}

const NUMBERS = ['funcEvals', 'nIter', 't', 'HDiag', 'prevLoss'] as const;
const VECTORS = ['d', 'prevFlatGrad'] as const;
const HISTORIES = ['oldDirs', 'oldStps'] as const;
const ENTRIES: readonly string[] = [...NUMBERS, ...VECTORS, ...HISTORIES, 'ro'];

const isNumber = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value);
const isVector = (value: unknown): boolean => isTensor(value) && shapeOf(value).length === 1 && isFloat(value.dtype);

/** Refuses what is no state; whether vectors are as long as the parameters together, a step looks at. */
function checkState(where: string, state: object): void {
  const expect = (name: string, holds: boolean, expected: string) => {
    if (!holds)
      throw new ValueError(`${where}: its ${name} must be ${expected}, got ${describe(Reflect.get(state, name))}`);
  };
  const at = (name: string): unknown => Reflect.get(state, name) ?? null;
  for (const name in state) {
    if (!ENTRIES.includes(name)) throw new ValueError(`${where}: its state: ${unknownName('entry', name, ENTRIES)}`);
  }
  for (const name of NUMBERS) {
    const orNull = name !== 'funcEvals' && name !== 'nIter';
    expect(name, isNumber(at(name)) || (orNull && at(name) === null), 'a finite number');
  }
  for (const name of VECTORS) expect(name, at(name) === null || isVector(at(name)), 'a vector of floats');
  const list = (name: string): readonly unknown[] => (Array.isArray(at(name)) ? (at(name) as unknown[]) : []);
  for (const name of HISTORIES) {
    const isHistory = list(name).length === list('ro').length && list(name).every(isVector);
    expect(name, isHistory, 'as many vectors of floats as ro has numbers');
  }
  expect('ro', list('ro').every(isNumber), 'an array of finite numbers');
}

/** A state with numbers and lists of vectors, where files have tensors of them. */
function unpack(state: object): object {
  const unpacked = Object.entries(state).map(([name, value]: [string, unknown]) => {
    if (!isTensor(value)) return [name, value];
    const isSingle = (NUMBERS as readonly string[]).includes(name) && value.numel() === 1;
    if (isSingle) return [name, value.item()];
    if ((HISTORIES as readonly string[]).includes(name) && value.ndim === 2) return [name, value.unbind(0)];
    return [name, name === 'ro' && value.ndim === 1 ? [...value.toTypedArray()] : value];
  });
  return Object.fromEntries(unpacked) as object;
}

const LBFGS_RULE = rule<LBFGSOptions>()({
  name: 'LBFGS',
  takes: searching,
  counters: {},
  state: {},
  checkState,
  unpack,
  flags: () => ({}),
  numbers: () => ({}),
});

/** What one direction after the other is made of. */
type Memory = { [K in Exclude<keyof LBFGSState, 'funcEvals' | 'nIter' | 't'>]-?: NonNullable<LBFGSState[K]> } & {
  t: number;
};

const largest = (x: Tensor): number => x.abs().max().item();
const dot = (a: Tensor, b: Tensor): number => a.mul(b).sum().item();

/** The direction to go from a gradient: the steepest, turned by what the last changes say of the second derivatives. */
function directionOf(
  gradient: Tensor,
  { oldDirs, oldStps, ro, HDiag }: Pick<Memory, 'oldDirs' | 'oldStps' | 'ro' | 'HDiag'>,
): Tensor {
  const shares: number[] = [];
  let q = gradient.neg();
  for (let i = oldDirs.length - 1; i >= 0; i--) {
    shares[i] = dot(oldStps[i]!, q) * ro[i]!;
    q = q.sub(oldDirs[i]!.mul(shares[i]!));
  }
  let direction = q.mul(HDiag);
  for (let i = 0; i < oldDirs.length; i++) {
    const back = dot(oldDirs[i]!, direction) * ro[i]!;
    direction = direction.add(oldStps[i]!.mul(shares[i]! - back));
  }
  return direction;
}

/** What is remembered, with the change that the last step brought. */
function remembered(
  memory: Memory,
  gradient: Tensor,
  historySize: number,
): Pick<Memory, 'oldDirs' | 'oldStps' | 'ro' | 'HDiag'> {
  const change = gradient.sub(memory.prevFlatGrad);
  const step = memory.d.mul(memory.t);
  const product = dot(change, step);
  if (!(product > 1e-10)) return memory;
  const last = <T>(list: readonly T[], next: T): T[] => [...list, next].slice(-historySize);
  return {
    oldDirs: last(memory.oldDirs, change),
    oldStps: last(memory.oldStps, step),
    ro: last(memory.ro, 1 / product),
    HDiag: product / dot(change, change),
  };
}

/**
 * L-BFGS: makes directions of the last changes of parameters and gradients, which tell of second derivatives. A step takes several of them,
 * and computes the loss again for each with the closure that it is given: `zeroGrad`, the loss, `backward`, and the loss as result.
 *
 * It goes by values all the way, so a captured function cannot contain a step; the closure may call one, which is as fast.
 *
 * @throws ValueError for options that make no sense, for more than one group, and without a closure; CaptureError in a captured function
 * @example
 * ```ts
 * const w = tensor([3, -2], { requiresGrad: true });
 * const lbfgs = new optim.LBFGS([w], { lineSearchFn: 'strong_wolfe' });
 * const first = lbfgs.step(() => {
 *   lbfgs.zeroGrad();
 *   const loss = w.sub(tensor([1, 5])).pow(4).sum();
 *   loss.backward();
 *   return loss;
 * });
 * first.item(); // 2417
 * w.sub(tensor([1, 5])).abs().max().item() < 0.05; // true
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.optim.LBFGS.html
 */
export class LBFGS extends Optimizer<LBFGSOptions, LBFGSState> {
  constructor(...args: ArgumentsOf<typeof searching, LBFGSOptions, { params: Params<LBFGSOptions> }>) {
    super(LBFGS_RULE, args);
  }

  override addParamGroup(group: ParamGroup<LBFGSOptions>): void {
    if (this.paramGroups.length > 0) throw new ValueError('LBFGS: takes one group of parameters, got another');
    super.addParamGroup(group);
  }

  protected override perform<T>(closure: (() => T) | null): T | undefined {
    if (closure === null)
      throw new ValueError('LBFGS.step: closure must be a function that computes the loss, got none');
    if (recording !== null) {
      recording.refuse(
        new CaptureError(
          'LBFGS.step: goes by values, and replays run without JavaScript; call it outside, with a closure that calls the captured function',
        ),
      );
    }
    this.check();
    return noGrad(() => new Search(this, closure).run());
  }
}

/** One step of L-BFGS. */
class Search<T> {
  readonly #optimizer: LBFGS;
  readonly #group: Group<LBFGSOptions>;
  readonly #closure: () => T;

  constructor(optimizer: LBFGS, closure: () => T) {
    this.#optimizer = optimizer;
    this.#group = optimizer.paramGroups[0]!;
    this.#closure = closure;
  }

  run(): T {
    const { maxIter, historySize, toleranceGrad, toleranceChange, lineSearchFn } = this.#group;
    const maxEval = this.#group.maxEval ?? Math.floor((maxIter * 5) / 4);
    const lr = rateOf(this.#group.lr);
    const saved = this.#saved();
    const result = enableGrad(this.#closure);
    let [loss, gradient, evaluations, iterations] = [lossOf(result), this.#gradient(), 1, 0];
    let isOver = largest(gradient) <= toleranceGrad;
    let memory = memoryOf(saved, gradient);
    while (!isOver && iterations < maxIter) {
      iterations++;
      const isFirst = memory === null;
      const history = memory === null ? NO_HISTORY : remembered(memory, gradient, historySize);
      const d = directionOf(gradient, history);
      const before = { loss, slope: dot(gradient, d) };
      const t = isFirst ? Math.min(1, 1 / gradient.abs().sum().item()) * lr : lr;
      memory = { ...history, d, t, prevFlatGrad: gradient, prevLoss: loss };
      if (before.slope > -toleranceChange) break;
      const isLast = iterations === maxIter;
      if (lineSearchFn !== null) {
        const found = this.#search({ t: 0, loss, gradient, slope: before.slope }, d, t, maxEval - evaluations);
        ({ loss, gradient } = found.point);
        memory = { ...memory, t: found.point.t };
        this.#move(d, memory.t);
        evaluations += found.evaluations;
      } else {
        this.#move(d, t);
        if (!isLast) {
          [loss, gradient] = [lossOf(enableGrad(this.#closure)), this.#gradient()];
          evaluations++;
        }
      }
      isOver =
        isLast ||
        evaluations >= maxEval ||
        largest(gradient) <= toleranceGrad ||
        largest(d.mul(memory.t)) <= toleranceChange ||
        Math.abs(loss - before.loss) < toleranceChange;
    }
    this.#keep({ ...memory, funcEvals: saved.funcEvals + evaluations, nIter: saved.nIter + iterations });
    return result;
  }

  get #parameters(): Tensor[] {
    return this.#group.params;
  }

  /** What was kept, if its vectors are as long as the parameters together. */
  #saved(): LBFGSState {
    const saved = this.#optimizer.state.get(this.#parameters[0]!) ?? { funcEvals: 0, nIter: 0 };
    const count = this.#parameters.reduce((sum, parameter) => sum + parameter.numel(), 0);
    if (count === 0) throw new ShapeError('LBFGS.step: the parameters have no elements');
    for (const vector of [saved.d, saved.prevFlatGrad, ...(saved.oldDirs ?? []), ...(saved.oldStps ?? [])]) {
      if (vector === null || vector === undefined || vector.numel() === count) continue;
      throw new ShapeError(
        `LBFGS.step: the parameters have ${count} elements, but the state ${show(vector.shape)}; make a new optimizer, or clear its state`,
      );
    }
    return saved;
  }

  #keep(state: LBFGSState): void {
    this.#optimizer.state.set(this.#parameters[0]!, state);
  }

  /** The gradients laid end to end; zeros where there are none. */
  #gradient(): Tensor {
    const parts = this.#parameters.map(
      (parameter) => peekGrad(parameter) ?? zeros(shapeOf(parameter), { dtype: parameter.dtype }),
    );
    return cat(parts.map((part) => part.reshape([-1])));
  }

  /** Moves the parameters along a direction. */
  #move(d: Tensor, t: number): void {
    let at = 0;
    for (const parameter of this.#parameters) {
      const count = parameter.numel();
      parameter.add_(d.narrow(0, at, count).reshape(shapeOf(parameter)).mul(t).to(parameter.dtype));
      at += count;
    }
  }

  /** Looks for the best point along a direction; the parameters are where they were afterwards, even if the closure fails. */
  #search(start: Point, d: Tensor, first: number, most: number): { point: Point; evaluations: number } {
    const origin = this.#parameters.map((parameter) => parameter.clone());
    const at = (t: number): Point => {
      try {
        this.#move(d, t);
        const loss = lossOf(enableGrad(this.#closure));
        const gradient = this.#gradient();
        return { t, loss, gradient, slope: dot(gradient, d) };
      } finally {
        this.#parameters.forEach((parameter, i) => {
          parameter.copy_(origin[i]!);
        });
      }
    };
    return strongWolfe(start, at, first, largest(d), most);
  }
}

const NO_HISTORY = { oldDirs: [], oldStps: [], ro: [], HDiag: 1 };

/** What was kept of the steps before; null before the first direction. */
function memoryOf(saved: LBFGSState, gradient: Tensor): Memory | null {
  const { d, t, oldDirs, oldStps, ro, HDiag, prevFlatGrad, prevLoss } = saved;
  if (!d || !prevFlatGrad) return null;
  return {
    d,
    t: t ?? 0,
    oldDirs: oldDirs ?? [],
    oldStps: oldStps ?? [],
    ro: ro ?? [],
    HDiag: HDiag ?? 1,
    prevFlatGrad: prevFlatGrad.to(gradient.dtype),
    prevLoss: prevLoss ?? 0,
  };
}

/** The loss that a closure gives. */
function lossOf(value: unknown): number {
  if (typeof value === 'number') return value;
  if (isTensor(value) && value.numel() === 1) return value.item();
  throw new ValueError(
    `LBFGS.step: the closure must return the loss, a number or a tensor of one, got ${describe(value)}`,
  );
}
