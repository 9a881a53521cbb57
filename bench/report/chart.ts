import { logScale, type Scale } from '../../examples/lib/scale.js';
import { element, path } from '../../examples/lib/svg.js';
import { type Machine, machineLine } from '../harness/machine.js';
import { renderCurves } from './curves.js';
import { formatTick } from './format.js';
import { dot, page, text, WIDTH } from './picture.js';
import { type Answered, fastest, type Line, librariesOf, linesOf } from './results.js';

const LEFT = 250;
const RIGHT = WIDTH - 40;
const TOP = 112;
const ROW = 24;
const BOTTOM = 64;

/** A question as a picture. */
export const renderChart = (answered: Answered, machine: Machine): string =>
  answered.question.sweep === undefined ? renderRows(answered, machine) : renderCurves(answered, machine);

/** A row per case, a dot per library at its time on a logarithmic axis; further left is faster. */
function renderRows({ question, contenders, cases }: Answered, machine: Machine): string {
  const lines = cases.flatMap((answered) => linesOf(answered, contenders)).filter((line) => timesOf(line).length > 0);
  const times = lines.flatMap(timesOf);
  const bottom = TOP + lines.length * ROW;
  const x = logScale(Math.min(...times) * 0.8, Math.max(...times) * 1.25, LEFT, RIGHT);
  return page(
    bottom + BOTTOM,
    question.title,
    `Time of one iteration; further left is faster. ${machineLine(machine)}`,
    librariesOf(contenders),
    axis(x, bottom),
    ...lines.map((line, i) => row(line, TOP + (i + 0.5) * ROW, x)),
  );
}

const timesOf = ({ outcomes }: Line): number[] => outcomes.map(fastest).filter((seconds) => seconds !== undefined);

function axis(x: Scale, bottom: number): string {
  return x.ticks
    .map((tick) => {
      const at = Math.round(x.at(tick)) + 0.5;
      const grid = element('path', { class: 'grid', d: vertical(at, TOP, bottom) });
      return grid + text(at, bottom + 22, 'quiet', formatTick(tick), 'middle');
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
