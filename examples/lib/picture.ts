import { PNG } from 'pngjs';
import type { TopLevelSpec } from 'vega-lite';
import { headingStyle, logTicks, quiet, renderSvg, seriesColours } from './figure.js';
import type { History, Mistake } from './history.js';

const BUCKETS = 120;
/** Dots at every epoch while there are no more. */
const MAX_DOTS = 10;
const DIGITS = 12;
const PANEL = { width: 380, height: 224 };

export interface PictureText {
  readonly title: string;
  readonly subtitle: string;
}

type Panel = Extract<TopLevelSpec, { hconcat: unknown }>['hconcat'][number];

/** A picture of a training run: loss and accuracy side by side, and below them the mistakes the model is surest of. */
export function renderPicture(
  history: History,
  mistakes: readonly Mistake[],
  { title, subtitle }: PictureText,
): Promise<string> {
  const panels: Panel = { hconcat: [lossPanel(history), accuracyPanel(history)], spacing: 92, bounds: 'flush' };
  const spec: TopLevelSpec = {
    title: { text: title, subtitle },
    vconcat: mistakes.length === 0 ? [panels] : [panels, gallery(mistakes.slice(0, DIGITS))],
    spacing: 36,
  };
  return renderSvg(spec, title, describe(history, subtitle));
}

/** What the picture shows, for those who cannot see it. */
function describe({ epochs }: History, subtitle: string): string {
  const lines = epochs.map(
    (e, i) =>
      `Epoch ${i + 1}: training loss ${e.trainLoss.toFixed(4)}, training accuracy ${percent(e.trainAccuracy)}, ` +
      `test loss ${e.testLoss.toFixed(4)}, test accuracy ${percent(e.testAccuracy)}.`,
  );
  return [`${subtitle}.`, ...lines].join(' ');
}

const color = {
  field: 'of',
  type: 'nominal',
  scale: { domain: ['training', 'test'], range: seriesColours.slice(0, 2) },
} as const;

const epochAxis = { title: 'epoch', grid: false, tickMinStep: 1, format: 'd' } as const;

/** The training loss along all batches, with the spread that its line smooths, and the test loss after each epoch. */
function lossPanel({ losses, epochs }: History): Panel {
  const band = bucketed(losses, epochs.length);
  const test = epochs.map((e, i) => ({ epoch: i + 1, loss: e.testLoss, of: 'test' }));
  const training = smooth(band).map(({ epoch, loss }) => ({ epoch, loss, of: 'training' }));
  const low = Math.max(1e-6, Math.min(...band.map((b) => b.low), ...test.map((p) => p.loss)));
  const high = Math.max(...band.map((b) => b.high), ...test.map((p) => p.loss), 2 * low);
  const x = { field: 'epoch', type: 'quantitative' as const, scale: { domain: [0, epochs.length] }, axis: epochAxis };
  const domain = [low * 0.9, high * 1.1];
  const values = logTicks(low * 0.9, high * 1.1);
  const y = {
    field: 'loss',
    type: 'quantitative' as const,
    scale: { type: 'log' as const, domain, clamp: true },
    axis: { title: null, values, format: '~r' },
  };
  const dots = test.length > MAX_DOTS ? test.slice(-1) : test;
  return {
    ...PANEL,
    title: { text: 'Loss', ...headingStyle },
    layer: [
      {
        data: { values: band.map((b) => ({ ...b, of: 'training' })) },
        mark: { type: 'area', opacity: 0.18 },
        encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, color },
      },
      { data: { values: [...training, ...test] }, mark: 'line', encoding: { x, y, color } },
      { data: { values: dots }, mark: { type: 'point', size: 90 }, encoding: { x, y, color } },
    ],
  };
}

/** Accuracy on both sets after each epoch, with the test set's in numbers. */
function accuracyPanel({ epochs }: History): Panel {
  const values = epochs.flatMap((e, i) => {
    const [training, test] = [100 * e.trainAccuracy, 100 * e.testAccuracy];
    const common = { epoch: i + 1, marked: epochs.length <= MAX_DOTS || i === epochs.length - 1 };
    return [
      { ...common, of: 'training', accuracy: training },
      // Where the other line is not.
      { ...common, of: 'test', accuracy: test, dy: training > test + 0.1 ? 18 : -16 },
    ];
  });
  const lowest = Math.min(...values.map(({ accuracy }) => accuracy));
  const domain = [0.5, epochs.length + 0.5];
  const scale = { domain: [Math.max(0, lowest - (100 - lowest) * 0.1), 100], zero: false, nice: 5 };
  return {
    ...PANEL,
    // The label of 100 % rises above the panel, and the title with it.
    title: { text: 'Accuracy', ...headingStyle, dy: 5 },
    data: { values },
    encoding: {
      x: { field: 'epoch', type: 'quantitative', scale: { domain, nice: false }, axis: epochAxis },
      y: {
        field: 'accuracy',
        type: 'quantitative',
        scale,
        axis: { title: null, tickCount: 5, labelExpr: "datum.label + ' %'" },
      },
    },
    layer: [
      { mark: 'line', encoding: { color } },
      { transform: [{ filter: 'datum.marked' }], mark: { type: 'point', size: 90 }, encoding: { color } },
      {
        transform: [{ filter: "datum.marked && datum.of === 'test'" }],
        mark: { type: 'text', dy: { expr: 'datum.dy' } },
        encoding: { text: { field: 'accuracy', format: '.2f' } },
      },
    ],
  };
}

/** Digits as they were written, each with what it is and what it was taken for. */
function gallery(mistakes: readonly Mistake[]): Panel {
  const values = mistakes.map(({ pixels, actual, predicted }, place) => {
    return { place, url: imageOf(pixels), words: `${actual} → ${predicted}` };
  });
  const subtitle = 'the surest mistakes on the test set: digit → taken for';
  return {
    width: 2 * PANEL.width + 92,
    height: 84,
    title: { text: 'What it still gets wrong', subtitle, ...headingStyle, subtitleColor: quiet },
    data: { values },
    encoding: { x: { field: 'place', type: 'ordinal', scale: { domain: [...Array(DIGITS).keys()] }, axis: null } },
    layer: [
      { mark: { type: 'image', width: 54, height: 54, y: 28 }, encoding: { url: { field: 'url' } } },
      { mark: { type: 'text', y: 74 }, encoding: { text: { field: 'words' } } },
    ],
  };
}

/** The losses in buckets along the epochs: their mean, and what lies between the lowest and the highest tenth. */
function bucketed(losses: readonly number[], epochs: number) {
  const count = Math.min(BUCKETS, losses.length);
  return Array.from({ length: count }, (_, i) => {
    const first = Math.floor((i * losses.length) / count);
    const sorted = losses.slice(first, Math.floor(((i + 1) * losses.length) / count)).sort((a, b) => a - b);
    return {
      epoch: (epochs * (i + 0.5)) / count,
      loss: sorted.reduce((sum, loss) => sum + loss, 0) / sorted.length,
      low: sorted[Math.floor(sorted.length * 0.1)]!,
      high: sorted[Math.ceil(sorted.length * 0.9) - 1]!,
    };
  });
}

/** Each loss as the mean of itself and its neighbours, so that the line shows the trend and the band the noise. */
function smooth(points: readonly { readonly epoch: number; readonly loss: number }[]) {
  return points.map(({ epoch }, i) => {
    const near = points.slice(Math.max(0, i - 1), i + 2);
    return { epoch, loss: near.reduce((sum, { loss }) => sum + loss, 0) / near.length };
  });
}

/** An image of ink on nothing. */
function imageOf(pixels: ArrayLike<number>): string {
  const png = new PNG({ width: 28, height: 28 });
  for (let i = 0; i < 28 * 28; i++) png.data.set([0x1f, 0x29, 0x33, Math.round(255 * pixels[i]!)], 4 * i);
  return `data:image/png;base64,${PNG.sync.write(png).toString('base64')}`;
}

const percent = (fraction: number): string => `${(100 * fraction).toFixed(2)} %`;
