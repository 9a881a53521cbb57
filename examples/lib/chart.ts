import type { Scale } from './scale.js';
import { element, escapeXml, path } from './svg.js';

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** What is measured: its colour and its name in the legend. */
interface Series {
  /** 'train' is blue, 'test' is orange. */
  readonly tone: 'train' | 'test';
  readonly label: string;
}

/** What is written at a dot, above it or below. */
export interface DotLabel {
  readonly text: string;
  readonly below: boolean;
}

/** A line; with `band`, over the spread that it smooths; with `dots`, through marked points, some of which have a label. */
export interface Line extends Series {
  readonly points: readonly Point[];
  readonly band?: readonly { readonly x: number; readonly low: number; readonly high: number }[];
  readonly dots?: ReadonlyMap<Point, DotLabel | null>;
}

/** The rectangle of a panel, its axes, and what is drawn in it. */
export interface Panel {
  readonly title: string;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly x: Scale;
  readonly y: Scale;
  readonly xLabel: string;
  readonly formatY: (value: number) => string;
  readonly lines: readonly Line[];
}

/** The style of a chart: quiet, readable, and at home on light and dark pages alike. */
export const chartStyle = `
  text { font-family: Inter, system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif; fill: #1f2933; }
  .title { font-size: 22px; font-weight: 650; letter-spacing: -0.01em; }
  .subtitle, .legend { font-size: 13px; fill: #616e7c; }
  .heading { font-size: 14px; font-weight: 600; }
  .tick { font-size: 11.5px; fill: #7b8794; font-feature-settings: 'tnum'; }
  .value { font-size: 11.5px; font-weight: 600; font-feature-settings: 'tnum'; }
  .page { fill: #ffffff; stroke: #e4e7eb; }
  .grid { stroke: #e9ecf0; }
  .line { fill: none; stroke-width: 2.2; stroke-linejoin: round; stroke-linecap: round; }
  .band { opacity: 0.18; }
  .train { stroke: #2f6fde; } .fill-train { fill: #2f6fde; }
  .test { stroke: #e07a1f; } .fill-test { fill: #e07a1f; }
  .dot { stroke: #ffffff; stroke-width: 2; }
  .ink { fill: #1f2933; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .subtitle, .legend { fill: #9aa7b4; }
    .tick { fill: #8491a0; }
    .page { fill: #10151c; stroke: #232b35; }
    .grid { stroke: #232b35; }
    .band { opacity: 0.25; }
    .train { stroke: #6aa5ff; } .fill-train { fill: #6aa5ff; }
    .test { stroke: #ffad5c; } .fill-test { fill: #ffad5c; }
    .dot { stroke: #10151c; }
    .ink { fill: #e6edf3; }
  }`;

/** A panel as SVG: heading and legend above, grid and axes, then the lines. */
export function renderPanel(panel: Panel): string {
  return element(
    'g',
    {},
    heading(panel),
    legend(panel),
    axes(panel),
    ...panel.lines.map((line) => drawLine(panel, line)),
  );
}

export const text = (x: number, y: number, kind: string, content: string, anchor = 'start'): string =>
  element('text', { x, y, class: kind, 'text-anchor': anchor }, escapeXml(content));

const heading = (panel: Panel): string => text(panel.left, panel.top - 18, 'heading', panel.title);

/** Right-aligned above the panel, the last series outermost. */
function legend(panel: Panel): string {
  let right = panel.right;
  const entries = [...panel.lines].reverse().map(({ tone, label, dots }) => {
    const start = right - textWidth(label, 13) - 22;
    const y = panel.top - 22.5;
    const sample = element('path', {
      class: `line ${tone}`,
      d: path([
        [start, y],
        [start + 16, y],
      ]),
    });
    const dot =
      dots === undefined ? '' : element('circle', { class: `dot fill-${tone}`, cx: start + 8, cy: y, r: 4.5 });
    right = start - 18;
    return sample + dot + text(start + 22, panel.top - 18, 'legend', label);
  });
  return entries.join('');
}

function axes(panel: Panel): string {
  const { left, right, bottom, x, y } = panel;
  const rows = y.ticks.map((tick) => {
    const at = Math.round(y.at(tick)) + 0.5;
    return (
      element('path', {
        class: 'grid',
        d: path([
          [left, at],
          [right, at],
        ]),
      }) + text(left - 8, at + 4, 'tick', panel.formatY(tick), 'end')
    );
  });
  const columns = x.ticks.map((tick) => text(x.at(tick), bottom + 19, 'tick', String(tick), 'middle'));
  return [...rows, ...columns, text((left + right) / 2, bottom + 38, 'tick', panel.xLabel, 'middle')].join('');
}

function drawLine({ x, y }: Panel, { tone, points, band = [], dots }: Line): string {
  const upper = band.map((p) => [x.at(p.x), y.at(p.high)] as const);
  const lower = band.map((p) => [x.at(p.x), y.at(p.low)] as const).reverse();
  const marks = [...(dots ?? [])].map(([p, label]) => drawDot(x.at(p.x), y.at(p.y), tone, label));
  return [
    band.length === 0 ? '' : element('path', { class: `band fill-${tone}`, d: path([...upper, ...lower], true) }),
    element('path', { class: `line ${tone}`, d: path(points.map((p) => [x.at(p.x), y.at(p.y)])) }),
    ...marks,
  ].join('');
}

function drawDot(x: number, y: number, tone: Series['tone'], label: DotLabel | null): string {
  const dot = element('circle', { class: `dot fill-${tone}`, cx: x, cy: y, r: 5 });
  return label === null ? dot : dot + text(x, label.below ? y + 20 : y - 12, 'value', label.text, 'middle');
}

/** An estimate: SVG does not tell how wide a text will be. */
const textWidth = (content: string, size: number): number => content.length * size * 0.54;
