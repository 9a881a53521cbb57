/** The recorded format as types. Every value was computed by PyTorch; names and arguments are PyTorch's own. */

export type ElementType = 'f32' | 'f64' | 'i64' | 'i32' | 'i16' | 'i8' | 'u8' | 'bool';

export interface TensorRecord {
  readonly dtype: ElementType;
  readonly shape: readonly number[];
  /** The elements in row-major order, little endian. */
  readonly b64: string;
}

/** A JSON value that stands for a Python value: `{"t": 3}` is tensor 3, `{"float": "inf"}` a float JSON cannot hold. */
export type Encoded = null | boolean | number | string | readonly Encoded[] | { readonly [key: string]: Encoded };

export interface TensorRef {
  readonly t: number;
}

export type NamedValues = Readonly<Record<string, Encoded>>;
export type NamedTensors = Readonly<Record<string, TensorRef>>;

/** A tensor of the case and the value expected for it; `t: null` says that no gradient reaches it. */
export interface ExpectedFor {
  readonly of: number;
  readonly t: number | null;
}

/** PyTorch's own rounding error on this sample; null where it could not be measured. */
export interface Noise {
  readonly out?: number | null;
  readonly grad?: number | null;
  readonly steps?: readonly (number | null)[];
}

interface CaseHead {
  readonly id: string;
  readonly name: string;
  readonly variant: string;
  readonly tier: 'core' | 'extended';
  readonly dtype: ElementType;
  readonly tensors: readonly TensorRecord[];
  readonly noise?: Noise;
  readonly ties?: boolean;
  readonly dup_index?: boolean;
}

interface Arguments {
  readonly args: readonly Encoded[];
  readonly kwargs: NamedValues;
}

interface Constructor {
  readonly ctor_args: readonly Encoded[];
  readonly ctor_kwargs: NamedValues;
}

interface Differentiated {
  readonly expected: Encoded;
  readonly requires_grad: readonly number[];
  readonly upstream?: readonly (TensorRef | null)[];
  readonly grads?: readonly ExpectedFor[];
  readonly mutated?: readonly ExpectedFor[];
}

export interface OpsCase extends CaseHead, Arguments, Differentiated {
  readonly area: 'ops';
  readonly call: string;
}

export interface ModulesCase extends CaseHead, Constructor, Arguments, Differentiated {
  readonly area: 'modules';
  readonly mode: 'train' | 'eval';
  readonly params: NamedTensors;
  readonly buffers: NamedTensors;
  readonly buffers_after?: NamedTensors;
  readonly param_grads?: Readonly<Record<string, TensorRef | null>>;
}

export interface OptimStep {
  readonly expected: readonly TensorRef[];
  readonly grads?: readonly (TensorRef | null)[];
  readonly loss?: number;
}

export interface OptimCase extends CaseHead {
  readonly area: 'optim';
  readonly kwargs: NamedValues;
  readonly params: readonly TensorRef[];
  readonly groups?: readonly { readonly params: readonly number[]; readonly kwargs: NamedValues }[];
  readonly objective?: { readonly X: TensorRef; readonly Y: TensorRef };
  readonly steps: readonly OptimStep[];
}

export interface SchedulerSpec {
  readonly name: string;
  readonly kwargs: NamedValues;
}

export interface LrSchedCase extends CaseHead {
  readonly area: 'lr_sched';
  readonly scheduler: SchedulerSpec;
  readonly optimizer: SchedulerSpec & { readonly group_lrs: readonly number[] };
  readonly metrics?: readonly number[];
  readonly expected_lr: readonly (readonly number[])[];
  readonly expected_momentum?: readonly (readonly number[])[];
}

interface Seeded extends CaseHead {
  readonly seed: number;
  /** One uniform drawn right afterwards: the stream was consumed to the same place. */
  readonly next_rand?: TensorRef;
}

export interface InitCase extends Seeded, Arguments {
  readonly area: 'init';
  /** Absent for `calculate_gain`, whose expected value is a number. */
  readonly shape?: readonly number[];
  readonly expected: TensorRef | number;
}

export interface RandomCall {
  readonly name: string;
  readonly call: string;
  readonly size: number;
  readonly expected: TensorRef;
}

export interface RngCase extends Seeded, Partial<RandomCall> {
  readonly area: 'rng';
  readonly name: string;
  readonly calls?: readonly RandomCall[];
}

export interface DefaultInitCase extends Seeded, Constructor {
  readonly area: 'default_init';
  readonly params: NamedTensors;
  readonly buffers: NamedTensors;
}

interface RefusedHead extends CaseHead {
  readonly area: 'errors';
  readonly requires_grad?: readonly number[];
  readonly error: { readonly type: string; readonly message: string };
}

export type ErrorsCase = RefusedHead &
  (
    | ({ readonly kind: 'op'; readonly call: string } & Arguments)
    | ({ readonly kind: 'module'; readonly error_on: 'construct' | 'forward' } & Constructor & Arguments)
    | { readonly kind: 'optim'; readonly params: Encoded; readonly kwargs: NamedValues }
    | ({ readonly kind: 'init'; readonly shape: readonly number[] } & Arguments)
  );

interface Cases {
  readonly rng: RngCase;
  readonly init: InitCase;
  readonly default_init: DefaultInitCase;
  readonly ops: OpsCase;
  readonly modules: ModulesCase;
  readonly optim: OptimCase;
  readonly lr_sched: LrSchedCase;
  readonly errors: ErrorsCase;
}

export type Area = keyof Cases;
export type CaseOf<A extends Area> = Cases[A];
export type RecordedCase = CaseOf<Area>;

/** In the order of the closing table; also the files' names. */
export const AREAS = [
  'rng',
  'init',
  'default_init',
  'ops',
  'modules',
  'optim',
  'lr_sched',
  'errors',
] as const satisfies readonly Area[];
