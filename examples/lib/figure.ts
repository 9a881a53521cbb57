import { parse, View } from 'vega';
import { type Config, compile, type TopLevelSpec } from 'vega-lite';

/** Of the first series and of those after it. */
export const seriesColours = [
  '#2f6fde',
  '#e07a1f',
  '#6b8f2b',
  '#b0479a',
  '#8a6d3b',
  '#2a938d',
  '#c0392b',
  '#6c5ce7',
  '#7f8c8d',
  '#34495e',
];

const light = { page: '#ffffff', ink: '#1f2933', quiet: '#616e7c', grid: '#e9ecf0', span: '#c3cad2' };

/** What a colour becomes where the reader's pages are dark. */
const dark: Readonly<Record<string, string>> = {
  [light.page]: '#10151c',
  [light.ink]: '#e6edf3',
  [light.quiet]: '#9aa7b4',
  [light.grid]: '#232b35',
  [light.span]: '#3b4754',
  '#2f6fde': '#6aa5ff',
  '#e07a1f': '#ffad5c',
  '#6b8f2b': '#9cc45c',
  '#b0479a': '#dc7fc8',
  '#8a6d3b': '#c4a36a',
  '#2a938d': '#5fcac3',
  '#c0392b': '#ff7b6e',
  '#6c5ce7': '#a79bff',
  '#7f8c8d': '#b4bfc0',
  '#34495e': '#8fa9c4',
};

/** The style that all pictures share: quiet and readable. */
export const config: Config = {
  font: "Inter, system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif",
  background: light.page,
  padding: 28,
  view: { stroke: null },
  range: { category: seriesColours },
  title: {
    anchor: 'start',
    frame: 'bounds',
    color: light.ink,
    fontSize: 20,
    fontWeight: 'bold',
    subtitleColor: light.quiet,
    subtitleFontSize: 13,
    subtitlePadding: 6,
    offset: 18,
  },
  axis: {
    domain: false,
    ticks: false,
    gridColor: light.grid,
    labelColor: light.quiet,
    labelFontSize: 12,
    labelFlush: false,
    labelPadding: 8,
    titleColor: light.quiet,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    titlePadding: 10,
  },
  legend: {
    orient: 'top',
    title: null,
    labelColor: light.quiet,
    labelFontSize: 13,
    labelLimit: 0,
    symbolOpacity: 1,
    symbolSize: 90,
    columnPadding: 12,
    offset: 12,
  },
  text: { color: light.ink, fontSize: 12, fontWeight: 'bold' },
  point: { filled: true, opacity: 1, stroke: light.page, strokeWidth: 1.5 },
  line: { strokeWidth: 2.2, strokeJoin: 'round', strokeCap: 'round' },
};

/** Of a panel, at the left of what it shows. */
export const headingStyle = {
  frame: 'group',
  color: light.ink,
  fontSize: 14,
  fontWeight: 'bold',
  offset: 10,
  subtitleFontSize: 12,
} as const;

export const { ink, quiet, span } = light;

/** 1, 2 and 5 times every power of ten within [low, high]; only the powers where these would be too many. */
export function logTicks(low: number, high: number): number[] {
  const first = Math.floor(Math.log10(low));
  const powers = Array.from({ length: Math.floor(Math.log10(high)) - first + 1 }, (_, i) => first + i);
  const multiples = powers.length > 4 ? [1] : [1, 2, 5];
  return powers
    .flatMap((power) => multiples.map((multiple) => Number(`${multiple}e${power}`)))
    .filter((tick) => tick >= low && tick <= high);
}

/** Draws a specification, in light colours, and in dark ones for readers who prefer these. `description` says what it shows. */
export async function renderSvg(spec: TopLevelSpec, title: string, description: string): Promise<string> {
  const view = new View(parse(compile(spec, { config }).spec), { renderer: 'none' });
  const svg = await view.toSVG();
  view.finalize();
  const words = `<title>${escapeXml(title)}</title><desc>${escapeXml(description)}</desc>`;
  return `${svg.replace(/^<svg([^>]*)>/, `<svg$1 role="img">${words}<style>${style()}</style>`)}\n`;
}

function style(): string {
  const swaps = Object.entries(dark).map(
    ([from, to]) => `[fill="${from}"] { fill: ${to} } [stroke="${from}"] { stroke: ${to} }`,
  );
  return `@media (prefers-color-scheme: dark) { ${swaps.join(' ')} image { filter: invert(1) } }`;
}

const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
