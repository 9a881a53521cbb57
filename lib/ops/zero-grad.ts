import { noGrad } from '../autograd/mode.js';
import { recording } from '../backend/index.js';
import { gradState, peekGrad, type Tensor } from '../tensor/tensor.js';
import { zerosLike } from './creation.js';

/** Fills the gradient of a leaf with zeros, where it has one. One that existed only within a captured function may be any: zeros take its place. */
export function zeroGradOf(leaf: Tensor): void {
  recording?.gradient(leaf, 'read');
  if (gradState(leaf) === 'captured') leaf.grad = zerosLike(leaf);
  else noGrad(() => peekGrad(leaf)?.zero_());
}
