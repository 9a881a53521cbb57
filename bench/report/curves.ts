import { logScale, type Scale } from '../../examples/lib/scale.js';
import { element, path } from '../../examples/lib/svg.js';
import { type Machine, machineLine } from '../harness/machine.js';
import { formatTick } from './format.js';
import { colourOf, dot, page, text, WIDTH } from './picture.js';
import { type Answered, fastest, librariesOf } from './results.js';

const LEFT = 84;
const RIGHT = WIDTH - 40;
const TOP = 112;
const BOTTOM = 500;
const HEIGHT = 560;

/** What one library needs on so many threads, along the sweep. */
interface Curve {
  readonly library: number;
  readonly threads: number;
  readonly points: readonly (readonly [at: number, seconds: number])[];
}

/** A sweep: a curve per library on one thread, a dashed one for more; both axes are logarithmic, and lower is faster. */
export function renderCurves(answered: Answered, machine: Machine): string {
  const { question, contenders } = answered;
  const curves = curvesOf(answered);
  const points = curves.flatMap((curve) => curve.points);
  const [places, times] = [points.map(([at]) => at), points.map(([, seconds]) => seconds)];
  const x = logScale(Math.min(...places), Math.max(...places), LEFT + 14, RIGHT - 14);
  const y = logScale(Math.min(...times) * 0.8, Math.max(...times) * 1.25, BOTTOM, TOP);
  return page(
    HEIGHT,
    question.title,
    `Time of one iteration; lower is faster; dashed: several threads. ${machineLine(machine)}`,
    librariesOf(contenders),
    axes(x, y, question.sweep!),
    ...[...curves].reverse().map((curve) => drawn(curve, x, y)),
  );
}

function curvesOf({ contenders, cases }: Answered): Curve[] {
  const libraries = librariesOf(contenders);
  return contenders.map((contender) => ({
    library: libraries.indexOf(contender.library),
    threads: contender.threads,
    points: cases.flatMap(({ case: { at }, outcomes }) => {
      const seconds = fastest(outcomes.get(contender));
      return at === undefined || seconds === undefined ? [] : [[at, seconds] as const];
    }),
  }));
}

function axes(x: Scale, y: Scale, label: string): string {
  const line = (from: readonly [number, number], to: readonly [number, number]) =>
    element('path', { class: 'grid', d: path([from, to]) });
  const columns = x.ticks.map((tick) => {
    const at = Math.round(x.at(tick)) + 0.5;
    return line([at, TOP], [at, BOTTOM]) + text(at, BOTTOM + 22, 'quiet', String(tick), 'middle');
  });
  const rows = y.ticks.map((tick) => {
    const at = Math.round(y.at(tick)) + 0.5;
    return line([LEFT, at], [RIGHT, at]) + text(LEFT - 10, at + 4, 'quiet', formatTick(tick), 'end');
  });
  return [...columns, ...rows, text((LEFT + RIGHT) / 2, HEIGHT - 16, 'quiet', label, 'middle')].join('');
}

function drawn({ library, threads, points }: Curve, x: Scale, y: Scale): string {
  const places = points.map(([at, seconds]) => [x.at(at), y.at(seconds)] as const);
  const curve = element('path', {
    class: threads === 1 ? 'curve' : 'curve more',
    stroke: colourOf(library),
    d: path(places),
  });
  return curve + places.map(([left, top]) => dot(left, top, library, 3)).join('');
}
