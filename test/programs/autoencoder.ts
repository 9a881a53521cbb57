import { clamp, einsum, manualSeed, nn, noGrad, optim, rand, randn, randnLike, softmax, type Tensor } from 'nabla';
import type { Results } from './program.js';

class Autoencoder extends nn.Module<[Tensor], Tensor> {
  encoder = new nn.Sequential(
    new nn.Linear(49, 24),
    new nn.ELU(),
    new nn.Linear(24, 12),
    new nn.ELU(),
    new nn.Linear(12, 3),
  );
  decoder = new nn.Sequential(
    new nn.Linear(3, 12),
    new nn.ELU(),
    new nn.Linear(12, 24),
    new nn.ELU(),
    new nn.Linear(24, 49),
    new nn.Sigmoid(),
    new nn.Unflatten(1, [1, 7, 7]),
  );

  override forward(x: Tensor): Tensor {
    return this.decoder.forward(this.encoder.forward(x.flatten(1)));
  }
}

/** Images without the noise that was put on them. */
export function run(): Results {
  manualSeed(55);
  const templates = rand([3, 1, 7, 7]);
  const mixing = softmax(randn([60, 3]).mul(3), 1);
  const images = einsum('nk,kchw->nchw', mixing, templates);
  const model = new Autoencoder();
  const criterion = new nn.MSELoss();
  const optimizer = new optim.Adam(model.parameters(), { lr: 5e-3, weightDecay: 1e-5 });
  const losses: number[] = [];
  for (let step = 0; step < 36; step++) {
    const i = (step % 3) * 20;
    const image = images.slice(0, i, i + 20);
    const noisy = clamp(image.add(randnLike(image).mul(0.1)), 0, 1);
    const loss = criterion.forward(model.forward(noisy), image);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    losses.push(loss.item());
  }
  const codes = noGrad(() => model.encoder.forward(images.slice(0, 0, 4).flatten(1)));
  const finals = { 'encoder.0.weight': model.encoder[0].weight, 'decoder.4.weight': model.decoder[4].weight };
  return { losses, finals, outputs: { codes } };
}
