import { chartStyle, type DotLabel, type Panel, type Point, renderPanel, text } from './chart.js';
import type { History, Mistake } from './history.js';
import { encodePng } from './png.js';
import { linearScale, linearTicks, logScale } from './scale.js';
import { element, escapeXml } from './svg.js';

const WIDTH = 960;
const MARGIN = 40;
const PANEL = { top: 132, bottom: 356 };
const GALLERY_TOP = 438;
const DIGIT = { columns: 12, size: 54 };
const BUCKETS = 120;
const MAX_DOTS = 8;

export interface PictureText {
  readonly title: string;
  readonly subtitle: string;
}

/** A picture of a training run: loss and accuracy side by side, and below them the mistakes the model is surest of. */
export function renderPicture(
  history: History,
  mistakes: readonly Mistake[],
  { title, subtitle }: PictureText,
): string {
  const shown = mistakes.slice(0, DIGIT.columns);
  const height = shown.length === 0 ? PANEL.bottom + 66 : GALLERY_TOP + DIGIT.size + 66;
  return `${element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${WIDTH} ${height}`,
      role: 'img',
      'aria-labelledby': 'title desc',
    },
    element('title', { id: 'title' }, escapeXml(title)),
    element('desc', { id: 'desc' }, escapeXml(describe(history, subtitle))),
    element('style', {}, chartStyle),
    element('rect', { class: 'page', x: 0.5, y: 0.5, width: WIDTH - 1, height: height - 1, rx: 14 }),
    text(MARGIN, 52, 'title', title),
    text(MARGIN, 75, 'subtitle', subtitle),
    renderPanel(lossPanel(history)),
    renderPanel(accuracyPanel(history)),
    ...(shown.length === 0 ? [] : [renderGallery(shown)]),
  )}\n`;
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

function lossPanel({ losses, epochs }: History): Panel {
  const [left, right] = [MARGIN + 38, WIDTH / 2 - 22];
  const band = bucketed(losses, epochs.length);
  const test = epochs.map((e, i) => ({ x: i + 1, y: e.testLoss }));
  const low = Math.max(1e-6, Math.min(...band.map((b) => b.low), ...test.map((p) => p.y)));
  const high = Math.max(...band.map((b) => b.high), ...test.map((p) => p.y), 2 * low);
  return {
    title: 'Loss',
    ...PANEL,
    left,
    right,
    x: epochScale(0, epochs.length, epochs.length, left, right - 14),
    y: logScale(low * 0.9, high * 1.1, PANEL.bottom, PANEL.top),
    xLabel: 'epoch',
    formatY: String,
    lines: [
      { tone: 'train', label: 'training', band, points: smooth(band.map(({ x, mean }) => ({ x, y: mean }))) },
      { tone: 'test', label: 'test', points: test, dots: dotsAt(test) },
    ],
  };
}

function accuracyPanel({ epochs }: History): Panel {
  const [left, right] = [WIDTH / 2 + 62, WIDTH - MARGIN];
  const train = epochs.map((e, i) => ({ x: i + 1, y: 100 * e.trainAccuracy }));
  const test = epochs.map((e, i) => ({ x: i + 1, y: 100 * e.testAccuracy }));
  const lowest = Math.min(...train.map((p) => p.y), ...test.map((p) => p.y));
  const ticks = linearTicks(lowest, 100, 4);
  const step = ticks.length > 1 ? ticks[1]! - ticks[0]! : 1;
  const low = Math.max(0, Math.floor(lowest / step) * step);
  return {
    title: 'Accuracy',
    ...PANEL,
    left,
    right,
    x: epochScale(0.5, epochs.length + 0.5, epochs.length, left, right),
    y: linearScale(low, 100, PANEL.bottom, PANEL.top, linearTicks(low, 100, 5)),
    xLabel: 'epoch',
    formatY: (value) => `${value} %`,
    lines: [
      { tone: 'train', label: 'training', points: train, dots: dotsAt(train) },
      { tone: 'test', label: 'test', points: test, dots: labelledDots(test, train) },
    ],
  };
}

/** Every point while there is room for it, then the last. */
const marked = (points: readonly Point[]): readonly Point[] => (points.length <= MAX_DOTS ? points : points.slice(-1));

/** Dots without labels. */
const dotsAt = (points: readonly Point[]) => new Map(marked(points).map((point) => [point, null]));

/** Dots with their values, on the side where the other line is not. */
function labelledDots(points: readonly Point[], others: readonly Point[]): ReadonlyMap<Point, DotLabel> {
  const other = (x: number) => others.find((point) => point.x === x)?.y ?? 0;
  return new Map(marked(points).map((p) => [p, { text: p.y.toFixed(2), below: other(p.x) > p.y + 0.1 }]));
}

/** An axis of epochs from `first` to `last`, with a tick at most at each of them. */
function epochScale(first: number, last: number, epochs: number, left: number, right: number) {
  return linearScale(first, last, left, right, linearTicks(first, last, Math.min(epochs, 10)).filter(Number.isInteger));
}

/** The losses in buckets along the epochs: their mean, and what lies between the lowest and the highest tenth. */
function bucketed(losses: readonly number[], epochs: number) {
  const count = Math.min(BUCKETS, losses.length);
  return Array.from({ length: count }, (_, i) => {
    const first = Math.floor((i * losses.length) / count);
    const sorted = losses.slice(first, Math.floor(((i + 1) * losses.length) / count)).sort((a, b) => a - b);
    return {
      x: (epochs * (i + 0.5)) / count,
      mean: sorted.reduce((sum, loss) => sum + loss, 0) / sorted.length,
      low: sorted[Math.floor(sorted.length * 0.1)]!,
      high: sorted[Math.ceil(sorted.length * 0.9) - 1]!,
    };
  });
}

/** Each value as the mean of itself and its neighbours, so that the line shows the trend and the band the noise. */
function smooth(points: readonly Point[]): Point[] {
  return points.map(({ x }, i) => {
    const near = points.slice(Math.max(0, i - 1), i + 2);
    return { x, y: near.reduce((sum, p) => sum + p.y, 0) / near.length };
  });
}

/** Digits as they were written, each with what it is and what it was taken for. */
function renderGallery(mistakes: readonly Mistake[]): string {
  const step = (WIDTH - 2 * MARGIN - DIGIT.size) / (DIGIT.columns - 1);
  return [
    text(MARGIN, GALLERY_TOP, 'heading', 'What it still gets wrong'),
    text(WIDTH - MARGIN, GALLERY_TOP, 'legend', 'the surest mistakes on the test set: digit → taken for', 'end'),
    ...mistakes.map((mistake, i) => renderDigit(mistake, MARGIN + i * step, GALLERY_TOP + 16, `digit-${i}`)),
  ].join('');
}

/** The image is a mask over the colour of ink, so that it is right on light and on dark pages. */
function renderDigit({ pixels, actual, predicted }: Mistake, x: number, y: number, id: string): string {
  const png = encodePng(
    Uint8Array.from(pixels, (value) => Math.round(255 * value)),
    28,
    28,
  );
  const href = `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
  const box = { x, y, width: DIGIT.size, height: DIGIT.size };
  return [
    element('mask', { id }, element('image', { ...box, href })),
    element('rect', { ...box, class: 'ink', mask: `url(#${id})` }),
    text(x + DIGIT.size / 2, y + DIGIT.size + 18, 'value', `${actual} → ${predicted}`, 'middle'),
  ].join('');
}

const percent = (fraction: number): string => `${(100 * fraction).toFixed(2)} %`;
