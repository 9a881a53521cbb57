import { logScale, type Scale } from '../../examples/lib/scale.js';
import { element, escapeXml, path } from '../../examples/lib/svg.js';
import { type Machine, machineLine } from '../harness/machine.js';
import { formatTime } from './format.js';
import { type Answered, fastest, type Line, librariesOf, linesOf } from './results.js';

const WIDTH = 900;
const LEFT = 250;
const RIGHT = WIDTH - 40;
const TOP = 112;
const ROW = 24;
const BOTTOM = 64;
/** How far apart legend entries begin, beside what their names take. */
const LEGEND_GAP = 34;
const LETTER = 7.2;

/** Of the first library, which the chart is about, and then of the others. */
const COLOURS = [
  '#2f6fde',
  '#e07a1f',
  '#7a9e3a',
  '#b0479a',
  '#8a6d3b',
  '#3aa6a0',
  '#c0392b',
  '#6c5ce7',
  '#95a5a6',
  '#34495e',
];

const STYLE = `
  text { font-family: Inter, system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif; fill: #1f2933; font-size: 12.5px; }
  .title { font-size: 19px; font-weight: 650; }
  .quiet { fill: #616e7c; }
  .page { fill: #ffffff; stroke: #e4e7eb; }
  .grid { stroke: #e9ecf0; }
  .span { stroke: #cbd2d9; stroke-width: 2; }
  .dot { stroke: #ffffff; stroke-width: 1.5; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .quiet { fill: #9aa7b4; }
    .page { fill: #10151c; stroke: #232b35; }
    .grid { stroke: #232b35; }
    .span { stroke: #3b4754; }
    .dot { stroke: #10151c; }
  }`;

/** A question as a picture: a row per case, a dot per library at its time on a logarithmic axis; further left is faster. */
export function renderChart({ question, contenders, cases }: Answered, machine: Machine): string {
  const libraries = librariesOf(contenders);
  const lines = cases.flatMap((answered) => linesOf(answered, contenders)).filter((line) => timesOf(line).length > 0);
  const times = lines.flatMap(timesOf);
  const bottom = TOP + lines.length * ROW;
  const x = logScale(Math.min(...times) * 0.8, Math.max(...times) * 1.25, LEFT, RIGHT);
  const height = bottom + BOTTOM;
  return element(
    'svg',
    { xmlns: 'http://www.w3.org/2000/svg', viewBox: `0 0 ${WIDTH} ${height}`, width: WIDTH, height },
    element('style', {}, STYLE),
    element('rect', { class: 'page', x: 0.5, y: 0.5, width: WIDTH - 1, height: height - 1, rx: 10 }),
    text(28, 38, 'title', question.title),
    text(28, 60, 'quiet', `Time of one iteration; further left is faster. ${machineLine(machine)}`),
    legend(libraries),
    axis(x, bottom),
    ...lines.map((line, i) => row(line, TOP + (i + 0.5) * ROW, x)),
  );
}

const timesOf = ({ outcomes }: Line): number[] => outcomes.map(fastest).filter((seconds) => seconds !== undefined);

function legend(libraries: readonly string[]): string {
  let left = 34;
  const entries = libraries.map((library, i) => {
    const entry = dot(left, 84, i) + text(left + 10, 88, 'quiet', library);
    left += library.length * LETTER + LEGEND_GAP;
    return entry;
  });
  return entries.join('');
}

function axis(x: Scale, bottom: number): string {
  return x.ticks
    .map((tick) => {
      const at = Math.round(x.at(tick)) + 0.5;
      const grid = element('path', { class: 'grid', d: vertical(at, TOP, bottom) });
      return grid + text(at, bottom + 22, 'quiet', formatTime(tick).replace(/\.0+ /, ' '), 'middle');
    })
    .join('');
}

const vertical = (x: number, from: number, to: number): string =>
  path([
    [x, from],
    [x, to],
  ]);

/** The first library's dot is drawn last, on top of the others. */
function row(line: Line, y: number, x: Scale): string {
  const places = timesOf(line).map((seconds) => x.at(seconds));
  const span = path([
    [Math.min(...places), y],
    [Math.max(...places), y],
  ]);
  const dots = line.outcomes.map((outcome, i) => {
    const seconds = fastest(outcome);
    return seconds === undefined ? '' : dot(x.at(seconds), y, i);
  });
  return (
    text(LEFT - 16, y + 4, '', line.label, 'end') +
    element('path', { class: 'span', d: span }) +
    dots.reverse().join('')
  );
}

const dot = (x: number, y: number, library: number): string =>
  element('circle', {
    class: 'dot',
    cx: x,
    cy: y,
    r: library === 0 ? 6 : 4.5,
    fill: COLOURS[library % COLOURS.length]!,
  });

const text = (x: number, y: number, kind: string, content: string, anchor = 'start'): string =>
  element('text', { x, y, class: kind, 'text-anchor': anchor }, escapeXml(content));
