/**
 * What a driver can be asked to do. Every driver makes the same operands (see `drivers/inputs.ts`), float32 unless its library
 * knows only float64, and does one of these per iteration, through the interface that the library's users have.
 */
export type Work =
  | MatmulWork
  | MapWork
  | RecordedWork
  | InPlaceWork
  | RowsWork
  | VocabularyWork
  | ChainWork
  | LossWork
  | ConvolutionWork
  | TrainingWork
  | ConvnetWork
  | MomentumWork
  | UpdateWork
  | RecipeWork
  | EpochWork
  | ManyWork
  | NetworkWork
  | InferenceWork
  | FirstCallWork
  | PeakWork
  | CopyWork
  | LoadWork;

/** a[m, k] * b[k, n]; a transposed operand is stored the other way round. */
export interface MatmulWork {
  readonly kind: 'matmul';
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

export const mapOps = ['add', 'relu', 'sigmoid', 'tanh', 'exp', 'gelu'] as const;
export type MapOp = (typeof mapOps)[number];

/** An elementwise operation with a result of its own, not recorded for a backward pass. */
export interface MapWork {
  readonly kind: 'map';
  readonly op: MapOp;
  readonly size: number;
}

/** An elementwise operation whose backward pass is recorded. */
export interface RecordedWork {
  readonly kind: 'recorded';
  readonly op: MapOp;
  readonly size: number;
}

/** An elementwise operation that overwrites its operand: no memory is asked for. */
export interface InPlaceWork {
  readonly kind: 'inPlace';
  readonly op: Exclude<MapOp, 'exp' | 'gelu'>;
  readonly size: number;
}

export const rowOps = ['sum', 'meanOverRows', 'meanOverColumns', 'softmax', 'layerNorm'] as const;
export type RowOp = (typeof rowOps)[number];

/**
 * On x[rows, columns]: the sum of all; the mean of each column (over the rows) or of each row (over the columns); softmax, and
 * (x - mean) / sqrt(var + 1e-5), of each row.
 */
export interface RowsWork {
  readonly kind: 'rows';
  readonly op: RowOp;
  readonly rows: number;
  readonly columns: number;
}

export const vocabularyOps = [
  'topk',
  'sort',
  'cumsum',
  'indexRows',
  'scatterAdd',
  'embedding',
  'batchNorm2d',
  'inverse',
  'orthogonal',
] as const;
export type VocabularyOp = (typeof vocabularyOps)[number];

/**
 * Of `size` elements the thousandth part that is largest, all in order, and their sums so far; `size` rows of a table [65536, 64]; `size` elements
 * added to 4096 places; an embedding of so many tokens of 30,000 in 256 numbers, and the normalisation of `size` channels of 32 images of 28 x 28, forward
 * and backward; the inverse of a matrix [size, size], and `orthogonal_` on one.
 */
export interface VocabularyWork {
  readonly kind: 'vocabulary';
  readonly op: VocabularyOp;
  readonly size: number;
}

export const chainOps = ['add', 'relu', 'tanh', 'gelu', 'softmax', 'layerNorm', 'meanOverColumns'] as const;
export type ChainOp = (typeof chainOps)[number];

/** On x[rows, columns]: the operation three times, between them `2 y + x`. */
export interface ChainWork {
  readonly kind: 'chain';
  readonly op: ChainOp;
  readonly rows: number;
  readonly columns: number;
}

export const lossNames = ['l1', 'mse', 'smoothL1', 'bceWithLogits', 'crossEntropy'] as const;
export type LossName = (typeof lossNames)[number];

/** A loss of x[rows, columns], its mean, forward and backward. */
export interface LossWork {
  readonly kind: 'loss';
  readonly loss: LossName;
  readonly rows: number;
  readonly columns: number;
}

/**
 * A step of training of a perceptron: zeroGrad, forward, loss, backward, SGD. `program` is the first program of the README: sigmoid after
 * every layer, 0-d biases, mean squared error; `classifier` has ReLU between layers and cross-entropy.
 */
export interface TrainingWork {
  readonly kind: 'training';
  readonly network: 'program' | 'classifier';
  readonly layers: readonly number[];
  readonly batch: number;
}

/** A convolution of images with a bias, padded by half of its window; with `backward` the gradients by all three operands too. */
export interface ConvolutionWork {
  readonly kind: 'convolution';
  readonly samples: number;
  readonly channels: number;
  /** Height and width. */
  readonly size: number;
  readonly outputs: number;
  readonly kernel: number;
  readonly stride: number;
  readonly backward: boolean;
}

export const convnetNames = ['digits', 'lenet', 'resnet20'] as const;
export type ConvnetName = (typeof convnetNames)[number];

/**
 * A step of training, or an answer in evaluation, of a network of convolutions: `digits` is the MNIST example of pytorch/examples with Adadelta,
 * `lenet` LeNet-5 with SGD, `resnet20` that of CIFAR-10 with SGD and momentum.
 */
export interface ConvnetWork {
  readonly kind: 'convnet';
  readonly network: ConvnetName;
  readonly batch: number;
  readonly pass: 'step' | 'answer';
}

/** One step of SGD with momentum on one parameter. */
export interface MomentumWork {
  readonly kind: 'momentum';
  readonly size: number;
}

export const updateRules = ['copy', 'sgd', 'adam', 'adamw', 'rmsprop', 'adagrad'] as const;
export type UpdateRule = (typeof updateRules)[number];

/** One step of an optimizer on one parameter, SGD with momentum 0.9, the others as they are; or a copy of so many elements. */
export interface UpdateWork {
  readonly kind: 'update';
  readonly rule: UpdateRule;
  readonly size: number;
}

/**
 * A step of training of a perceptron with ReLU, as programs have it: smooth L1 and AdamW with amsgrad, or cross-entropy and Adam; `habits` are
 * clipping by the norm of all gradients and a schedule that is stepped with each step.
 */
export interface RecipeWork {
  readonly kind: 'recipe';
  readonly loss: 'smoothL1' | 'crossEntropy';
  readonly layers: readonly number[];
  readonly batch: number;
  readonly habits: boolean;
}

/** One pass of a classifier over `images` images of MNIST's shape, shuffled, in batches. */
export interface EpochWork {
  readonly kind: 'epoch';
  readonly images: number;
  readonly layers: readonly number[];
  readonly batch: number;
}

/** So many models of their own, each trained for so many steps: a perceptron with ReLU, mean squared error, SGD, batches of 32 in their order. */
export interface ManyWork {
  readonly kind: 'many';
  readonly models: number;
  readonly layers: readonly number[];
  readonly steps: number;
}

export const networkNames = ['wordLstm', 'wordGru', 'lstm', 'charGpt', 'encoder', 'embeddings'] as const;
export type NetworkName = (typeof networkNames)[number];

/**
 * A step of training of a network that people know, zeroGrad, forward, loss, backward, update, without dropout, whose streams differ:
 * `wordLstm` and `wordGru` are the word language model of pytorch/examples (2 layers of 200, 35 steps, 1,000 words, gradients clipped to 0.25, SGD); `lstm` has
 * 32 units over 20 steps of 8 features, and Adam; `charGpt` is nanoGPT's (4 layers, 4 heads, 128 wide, 64 tokens of 65, AdamW); `encoder` is a TransformerEncoder (2 layers of
 * 64, 4 heads, 256 wide within, 32 tokens, Adam); `embeddings` are eight tables of 10,000 x 64 before a perceptron of 512-256-1, and Adagrad.
 */
export interface NetworkWork {
  readonly kind: 'network';
  readonly network: NetworkName;
  readonly batch: number;
}

/** What a classifier says of a batch: from an array of numbers to an array of numbers. */
export interface InferenceWork {
  readonly kind: 'inference';
  readonly layers: readonly number[];
  readonly batch: number;
}

/**
 * The first call of a function of many small instructions: `chain` applies so many additions and multiplications one after the other, `results`
 * returns so many products of one tensor, and `lstm` is a cell of an LSTM unrolled over so many steps, with its backward pass and a step of SGD.
 * Each first call has a process of its own, and what counts is the processor's time, that of V8's compiler and collector included. `before` others of
 * the kind, of 300 parts each, have had their first calls there: V8 has compiled what it runs often.
 */
export interface FirstCallWork {
  readonly kind: 'firstCall';
  readonly network: 'chain' | 'results' | 'lstm' | 'lstmStep';
  readonly length: number;
  readonly before?: number;
}

/** Independent fused multiply-adds on registers alone, about so many operations in all: what the processor can reach. */
export interface PeakWork {
  readonly kind: 'peak';
  readonly flops: number;
}

/** A plain loop that copies so many float32: what memory can reach. */
export interface CopyWork {
  readonly kind: 'copy';
  readonly size: number;
}

/** Loading the library, in a new process each time; drivers measure it before they greet. */
export interface LoadWork {
  readonly kind: 'load';
}
