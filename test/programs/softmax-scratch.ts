import { exp, log, manualSeed, matmul, noGrad, normal, randint, randn, type Tensor, zeros } from 'nabla';
import type { Results } from './program.js';

const softmax = (x: Tensor): Tensor => {
  const weights = exp(x);
  return weights.div(weights.sum(1, { keepdim: true }));
};

const crossEntropy = (p: Tensor, y: Tensor): Tensor => log(p.gather(1, y.unsqueeze(1)).squeeze(1)).neg();

/** Softmax regression with everything written by hand, the update too. */
export function run(): Results {
  manualSeed(4);
  const centres = randn([5, 16]);
  const y = randint(5, [80]);
  const x = centres.index([y]).add(randn([80, 16]).mul(0.5));
  const W = normal(0, 0.01, [16, 5], { requiresGrad: true });
  const b = zeros([5], { requiresGrad: true });
  const losses: number[] = [];
  const accuracy: number[] = [];
  for (let epoch = 0; epoch < 6; epoch++) {
    let right = 0;
    for (let i = 0; i < 80; i += 16) {
      const [xb, yb] = [x.slice(0, i, i + 16), y.slice(0, i, i + 16)];
      const p = softmax(matmul(xb, W).add(b));
      const loss = crossEntropy(p, yb);
      loss.sum().backward();
      noGrad(() => {
        for (const parameter of [W, b]) {
          parameter.sub_(parameter.grad!.mul(0.1).div(16));
          parameter.grad!.zero_();
        }
      });
      losses.push(loss.mean().item());
      right += p.argmax(1).eq(yb).sum().item();
    }
    accuracy.push(right / 80);
  }
  return { losses, finals: { W, b }, outputs: { accuracy } };
}
