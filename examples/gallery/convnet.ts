/**
 * A convolutional network for the digits of MNIST: `npx tsx examples/gallery/convnet.ts`. About 98 % are right after an epoch.
 *
 * The training step is captured and runs in the background, an epoch at a time.
 */
import { capture, manualSeed, nn, noGrad, optim, type Tensor } from 'nabla';
import { DataLoader, loadMnist, type Mnist, TensorDataset } from 'nabla/data';
import { mnistFolder } from '../lib/arguments.js';
import { isMain } from '../lib/main.js';

/** The share of the test images that are right after training. */
export async function run(data: Mnist, epochs: number, log: (line: string) => void): Promise<number> {
  manualSeed(0);
  const model = new nn.Sequential(
    new nn.Conv2d(1, 8, 3, { padding: 1 }), // [N, 1, 28, 28] to [N, 8, 28, 28]
    new nn.ReLU(),
    new nn.MaxPool2d(2), // [N, 8, 14, 14]
    new nn.Conv2d(8, 16, 3, { padding: 1 }),
    new nn.ReLU(),
    new nn.MaxPool2d(2), // [N, 16, 7, 7]
    new nn.Flatten(),
    new nn.Dropout(0.25),
    new nn.Linear(16 * 7 * 7, 10),
  );
  const optimizer = new optim.Adam(model.parameters(), { lr: 3e-3 });
  const asImages = (pixels: Tensor) => pixels.view([-1, 1, 28, 28]);

  const step = capture((pixels: Tensor, labels: Tensor) => {
    const loss = nn.functional.crossEntropy(model.forward(asImages(pixels)), labels);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss;
  });
  const classify = capture((pixels: Tensor) => noGrad(() => model.forward(asImages(pixels)).argmax(1)));

  /** In batches: all of the test images at once would need much memory for what lies between the layers. */
  const accuracy = (): number => {
    model.eval();
    let correct = 0;
    const loader = new DataLoader(new TensorDataset(data.test.images, data.test.labels), { batchSize: 500 });
    for (const [pixels, labels] of loader) correct += classify(pixels).eq(labels).sum().item();
    model.train();
    return correct / data.test.labels.shape[0]!;
  };

  const dataset = new TensorDataset(data.train.images, data.train.labels);
  const loader = new DataLoader(dataset, { batchSize: 64, shuffle: true });
  let right = 0;
  await step.run(loader, {
    epochs,
    onEpoch: ({ epoch, loss }) => {
      right = accuracy();
      log(`epoch ${epoch}: loss ${loss.toFixed(4)}, ${(100 * right).toFixed(2)} % of the test images are right`);
    },
  });
  return right;
}

if (isMain(import.meta.url)) await run(await loadMnist(mnistFolder()), 2, console.log);
