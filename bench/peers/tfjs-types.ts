/** What the driver uses of TensorFlow.js. */
export interface Tensor {
  dataSync(): Float32Array;
  dispose(): void;
}

type Operand = Tensor | number;
type Unary = (x: Tensor) => Tensor;
type Binary = (a: Operand, b: Operand) => Tensor;
type Loss = (labels: Tensor, predictions: Tensor) => Tensor;

interface Optimizer {
  applyGradients(gradients: Readonly<Record<string, Tensor>>): void;
  minimize(loss: () => Tensor, returnCost: true): Tensor;
}

export interface Tfjs {
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  tidy<T extends Tensor>(make: () => T): T;
  disposeVariables(): void;
  /** Tensors made in a scope are given back at its end. */
  engine(): { startScope(): void; endScope(): void };

  tensor(values: Float32Array | Int32Array, shape: readonly number[], dtype?: 'int32'): Tensor;
  scalar(value: number): Tensor;
  variable(value: Tensor, trainable?: boolean, name?: string): Tensor;
  oneHot(labels: Tensor, classes: number): Tensor;

  readonly add: Binary;
  readonly sub: Binary;
  readonly mul: Binary;
  readonly relu: Unary;
  readonly sigmoid: Unary;
  readonly tanh: Unary;
  readonly exp: Unary;
  readonly erf: Unary;
  readonly rsqrt: Unary;
  matMul(a: Tensor, b: Tensor, transposeA?: boolean, transposeB?: boolean): Tensor;
  sum(x: Tensor): Tensor;
  mean(x: Tensor, axis: number): Tensor;
  softmax(x: Tensor, axis: number): Tensor;
  moments(x: Tensor, axis: number, keepDims: boolean): { readonly mean: Tensor; readonly variance: Tensor };

  valueAndGrad(f: (x: Tensor) => Tensor): (x: Tensor) => { readonly value: Tensor; readonly grad: Tensor };
  readonly losses: {
    readonly absoluteDifference: Loss;
    readonly meanSquaredError: Loss;
    readonly huberLoss: Loss;
    readonly sigmoidCrossEntropy: Loss;
    readonly softmaxCrossEntropy: Loss;
  };
  readonly train: {
    sgd(learningRate: number): Optimizer;
    momentum(learningRate: number, momentum: number): Optimizer;
  };
}
