/** What a picture shows: losses by rates, and one of these that is picked out. */
export interface RateCurve {
  readonly rates: readonly number[];
  readonly losses: readonly number[];
  readonly smoothed: readonly number[];
  readonly suggestion: number | null;
}

/** In pixels. */
const [WIDTH, HEIGHT] = [720, 420];
const MARGIN = { left: 64, right: 20, top: 40, bottom: 52 };

/** In characters. */
const [COLUMNS, ROWS] = [64, 12];

const short = (value: number): string => Number(value.toPrecision(3)).toString();

/** 10 to a whole power. */
const power = (log: number): string => (Math.abs(log) <= 2 ? String(Number(`1e${log}`)) : `1e${log}`);

/** The losses down to the lowest decide: what grows without end afterwards would leave nothing of them to see, and is cut off. */
function boundsOf({ losses, smoothed }: RateCurve): [low: number, high: number] {
  const lowest = smoothed.indexOf(Math.min(...smoothed));
  const low = Math.min(...losses, ...smoothed);
  const high = Math.max(...smoothed.slice(0, lowest + 1));
  const room = (high - low || Math.abs(high) || 1) * 0.25;
  return [low - room / 4, high + room];
}

/** From 0 to 1 within bounds. */
const within = (value: number, [low, high]: readonly [number, number]): number => (value - low) / (high - low);

const logBounds = ({ rates }: RateCurve): [number, number] => {
  const [low, high] = [Math.log10(rates[0]!), Math.log10(rates.at(-1)!)];
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
};

/** Round numbers between two, some five of them. */
function ticks([low, high]: readonly [number, number]): number[] {
  const rough = (high - low) / 5;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * unit).find((size) => size >= rough)!;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) =>
    Number(((first + i) * step).toPrecision(12)),
  );
}

/** The powers of ten among the rates. */
function decades([low, high]: readonly [number, number]): number[] {
  const first = Math.ceil(low - 1e-9);
  return Array.from({ length: Math.floor(high + 1e-9) - first + 1 }, (_, i) => first + i);
}

/** Losses by rates as an SVG picture. */
export function ratesSvg(curve: RateCurve): string {
  const [xs, ys] = [logBounds(curve), boundsOf(curve)];
  const plot = { width: WIDTH - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom };
  const px = (log: number) => (MARGIN.left + within(log, xs) * plot.width).toFixed(1);
  const py = (loss: number) => (MARGIN.top + (1 - within(loss, ys)) * plot.height).toFixed(1);
  const bottom = MARGIN.top + plot.height;
  const line = (values: readonly number[], style: string) => {
    const points = values.map((loss, i) => {
      return `${px(Math.log10(curve.rates[i]!))},${py(Math.min(Math.max(loss, ys[0]), ys[1]))}`;
    });
    return `<polyline fill="none" ${style} points="${points.join(' ')}"/>`;
  };
  const grid = [
    ...decades(xs).map((log) => {
      const x = px(log);
      return `<path d="M${x} ${MARGIN.top}V${bottom}" stroke="#e3e3e3"/><text x="${x}" y="${bottom + 18}" text-anchor="middle">${power(log)}</text>`;
    }),
    ...ticks(ys).map((loss) => {
      const y = py(loss);
      return `<path d="M${MARGIN.left} ${y}H${WIDTH - MARGIN.right}" stroke="#e3e3e3"/><text x="${MARGIN.left - 8}" y="${Number(y) + 4}" text-anchor="end">${short(loss)}</text>`;
    }),
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="system-ui, sans-serif" font-size="12" fill="#555">`,
    `<title>Loss by learning rate</title><rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    ...grid,
    line(curve.losses, 'stroke="#b9cde4" stroke-width="1"'),
    line(curve.smoothed, 'stroke="#1f5fa8" stroke-width="2.2" stroke-linejoin="round"'),
    ...suggested(curve, px, py, bottom),
    `<text x="${MARGIN.left + plot.width / 2}" y="${HEIGHT - 12}" text-anchor="middle">learning rate</text>`,
    `<text x="${MARGIN.left}" y="22" fill="#222" font-size="14" font-weight="bold">loss</text>`,
    '</svg>\n',
  ].join('\n');
}

function suggested(
  { rates, smoothed, suggestion }: RateCurve,
  px: (log: number) => string,
  py: (loss: number) => string,
  bottom: number,
): string[] {
  if (suggestion === null) return [];
  const [x, y] = [px(Math.log10(suggestion)), py(smoothed[rates.indexOf(suggestion)]!)];
  const isRight = Number(x) > WIDTH * 0.7;
  return [
    `<path d="M${x} ${MARGIN.top}V${bottom}" stroke="#c2410c" stroke-dasharray="4 4"/><circle cx="${x}" cy="${y}" r="4.5" fill="#c2410c"/>`,
    `<text x="${Number(x) + (isRight ? -8 : 8)}" y="${MARGIN.top + 14}" fill="#c2410c" font-weight="bold" text-anchor="${isRight ? 'end' : 'start'}">${short(suggestion)}</text>`,
  ];
}

/** The smoothed losses as text, the suggestion among them as `o`. */
export function ratesText(curve: RateCurve): string {
  const [xs, ys] = [logBounds(curve), boundsOf(curve)];
  const at = (fraction: number, cells: number) => Math.min(cells - 1, Math.max(0, Math.floor(fraction * cells)));
  const cells = Array.from({ length: ROWS }, () => new Array<string>(COLUMNS).fill(' '));
  const put = (rate: number, loss: number, mark: string) => {
    if (Number.isFinite(loss))
      cells[ROWS - 1 - at(within(loss, ys), ROWS)]![at(within(Math.log10(rate), xs), COLUMNS)] = mark;
  };
  for (const [i, rate] of curve.rates.entries()) put(rate, curve.smoothed[i]!, '·');
  const { suggestion } = curve;
  if (suggestion !== null) put(suggestion, curve.smoothed[curve.rates.indexOf(suggestion)]!, 'o');
  const labels = [short(ys[1]), short(ys[0])];
  const width = Math.max(...labels.map(({ length }) => length));
  const rows = cells.map((row, i) => {
    const label = i === 0 ? labels[0]! : i === ROWS - 1 ? labels[1]! : '';
    return `${label.padStart(width)} │${row.join('').trimEnd()}`;
  });
  const [first, last] = [short(curve.rates[0]!), short(curve.rates.at(-1)!)];
  return [
    ...rows,
    `${' '.repeat(width)} └${'─'.repeat(COLUMNS)}`,
    `${' '.repeat(width + 2)}${first}${last.padStart(COLUMNS - first.length)}`,
  ].join('\n');
}
