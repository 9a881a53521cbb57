import { element, escapeXml } from '../../examples/lib/svg.js';

export const WIDTH = 900;
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
  .curve { fill: none; stroke-width: 2.5; stroke-linejoin: round; }
  .more { stroke-dasharray: 5 4; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .quiet { fill: #9aa7b4; }
    .page { fill: #10151c; stroke: #232b35; }
    .grid { stroke: #232b35; }
    .span { stroke: #3b4754; }
    .dot { stroke: #10151c; }
  }`;

/** A page with a title, a line about what is shown, the names of the libraries, and `inner`. */
export function page(
  height: number,
  title: string,
  about: string,
  libraries: readonly string[],
  ...inner: string[]
): string {
  return element(
    'svg',
    { xmlns: 'http://www.w3.org/2000/svg', viewBox: `0 0 ${WIDTH} ${height}`, width: WIDTH, height },
    element('style', {}, STYLE),
    element('rect', { class: 'page', x: 0.5, y: 0.5, width: WIDTH - 1, height: height - 1, rx: 10 }),
    text(28, 38, 'title', title),
    text(28, 60, 'quiet', about),
    legend(libraries),
    ...inner,
  );
}

function legend(libraries: readonly string[]): string {
  let left = 34;
  const entries = libraries.map((library, i) => {
    const entry = dot(left, 84, i) + text(left + 10, 88, 'quiet', library);
    left += library.length * LETTER + LEGEND_GAP;
    return entry;
  });
  return entries.join('');
}

/** Of the library with this number; the first one's are larger. */
export const dot = (x: number, y: number, library: number, radius = library === 0 ? 6 : 4.5): string =>
  element('circle', { class: 'dot', cx: x, cy: y, r: radius, fill: colourOf(library) });

export const colourOf = (library: number): string => COLOURS[library % COLOURS.length]!;

export const text = (x: number, y: number, kind: string, content: string, anchor = 'start'): string =>
  element('text', { x, y, class: kind, 'text-anchor': anchor }, escapeXml(content));
