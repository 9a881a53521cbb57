import { capture, type nn, tensor } from 'nabla';
import { DataLoader, TensorDataset } from 'nabla/data';
import { labels, seeds, uniform } from '../drivers/inputs.js';
import { stepping } from '../drivers/nabla/training.js';

const IMAGES = 60_000;

export interface Training {
  /** So far. */
  steps(): number;
  stop(): Promise<void>;
}

/** Trains in the background on random images, in batches of 128, until it is stopped. */
export function startTraining(model: nn.Sequential<nn.Layer[]>, onEpoch: () => void): Training {
  const images = tensor(uniform(IMAGES * 784, seeds.x, 0, 1)).reshape([IMAGES, 784]);
  const data = new TensorDataset(images, tensor(labels(IMAGES, seeds.y, 10)));
  const stopping = new AbortController();
  let steps = 0;
  const running = capture(stepping(model, 'classifier')).run(new DataLoader(data, { batchSize: 128, shuffle: true }), {
    epochs: Number.MAX_SAFE_INTEGER,
    signal: stopping.signal,
    onProgress: ({ step }) => {
      steps = step;
    },
    onEpoch,
  });
  const ended = running.then(
    () => {},
    (error) => {
      if (!stopping.signal.aborted) throw error;
    },
  );
  const stop = () => {
    stopping.abort();
    return ended;
  };
  return { steps: () => steps, stop };
}
