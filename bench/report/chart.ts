import type { TopLevelSpec } from 'vega-lite';
import { ink, logTicks, renderSvg, span } from '../../examples/lib/figure.js';
import { type Machine, machineLine } from '../harness/machine.js';
import { type Answered, fastest, librariesOf, linesOf } from './results.js';

const WIDTH = 600;

/** A question as a picture (SVG), its times on a logarithmic axis. */
export function renderChart(answered: Answered, machine: Machine): Promise<string> {
  const { title, sweep } = answered.question;
  const about = sweep === undefined ? 'further left is faster' : 'lower is faster; dashed: several threads';
  const subtitle = [`Time of one iteration; ${about}.`, machineLine(machine)];
  const spec = sweep === undefined ? rowsOf(answered) : curvesOf(answered, sweep);
  return renderSvg({ ...spec, title: { text: title, subtitle } }, title, subtitle.join(' '));
}

/** Vega's expression for a time in the unit in which it has one to three digits before the point. */
const labelExpr =
  "datum.value < 1e-3 ? format(datum.value * 1e6, '~r') + ' µs' : datum.value < 1 ? format(datum.value * 1e3, '~r') + ' ms' : format(datum.value, '~r') + ' s'";

const timeAxis = (values: readonly { readonly seconds: number }[]) => {
  const times = values.map(({ seconds }) => seconds);
  return { title: null, labelExpr, values: logTicks(Math.min(...times), Math.max(...times)) };
};

/** In the order of the libraries, whatever the order in which they are drawn. */
const colourOf = ({ contenders }: Answered) =>
  ({ field: 'library', type: 'nominal', scale: { domain: librariesOf(contenders) } }) as const;

/** A row per case, a dot per library at its time. The first library's is larger, and drawn last. */
function rowsOf(answered: Answered): TopLevelSpec {
  const libraries = librariesOf(answered.contenders);
  const values = answered.cases
    .flatMap((each) => linesOf(each, answered.contenders))
    .flatMap(({ label, outcomes }) =>
      outcomes.flatMap((outcome, i) => {
        const seconds = fastest(outcome);
        return seconds === undefined ? [] : [{ label, library: libraries[i]!, seconds, size: i === 0 ? 150 : 85 }];
      }),
    );
  const scale = { type: 'log', nice: false, padding: 16 } as const;
  const y = {
    field: 'label',
    type: 'nominal',
    sort: null,
    axis: { title: null, labelLimit: 0, labelFontSize: 13, labelColor: ink },
  } as const;
  return {
    width: WIDTH,
    height: { step: 24 },
    data: { values: values.reverse() },
    encoding: { y: { ...y, sort: [...new Set(values.map(({ label }) => label))].reverse() } },
    layer: [
      {
        mark: { type: 'rule', color: span, strokeWidth: 2 },
        encoding: {
          x: { aggregate: 'min', field: 'seconds', type: 'quantitative', scale, axis: timeAxis(values) },
          x2: { aggregate: 'max', field: 'seconds' },
        },
      },
      {
        mark: 'point',
        encoding: {
          x: { field: 'seconds', type: 'quantitative', scale, axis: timeAxis(values) },
          color: colourOf(answered),
          size: { field: 'size', type: 'quantitative', scale: null },
        },
      },
    ],
  };
}

/** A curve per library and number of threads along what the question sweeps. */
function curvesOf(answered: Answered, sweep: string): TopLevelSpec {
  const values = answered.cases.flatMap(({ case: { at }, outcomes }) =>
    answered.contenders.flatMap((contender) => {
      const seconds = fastest(outcomes.get(contender));
      return at === undefined || seconds === undefined
        ? []
        : [{ at, seconds, library: contender.library, several: contender.threads > 1, threads: contender.threads }];
    }),
  );
  const scale = { type: 'log', nice: false, padding: 12 } as const;
  return {
    width: WIDTH,
    height: 380,
    data: { values },
    encoding: {
      x: {
        field: 'at',
        type: 'quantitative',
        scale,
        axis: { title: sweep, values: [...new Set(values.map(({ at }) => at))], format: 'd' },
      },
      y: { field: 'seconds', type: 'quantitative', scale, axis: timeAxis(values) },
      color: colourOf(answered),
    },
    layer: [
      {
        mark: 'line',
        encoding: {
          detail: { field: 'threads' },
          strokeDash: {
            field: 'several',
            type: 'nominal',
            scale: {
              domain: [false, true],
              range: [
                [1, 0],
                [5, 4],
              ],
            },
            legend: null,
          },
        },
      },
      { mark: { type: 'point', size: 45, strokeWidth: 1 } },
    ],
  };
}
