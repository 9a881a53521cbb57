import { show } from '../tensor/shape.js';
import type { Parameter } from './parameter.js';

// Modules as text.

const indented = (text: string): string => text.replaceAll('\n', '\n  ');

/** A module within another, as PyTorch prints it. */
export const childLine = (name: string, text: string): string => `(${name}): ${indented(text)}`;

/** A module as PyTorch prints it: its name, what it says of itself, and those within, each as text. */
export function moduleText(name: string, extra: string, children: readonly string[]): string {
  const extras = extra === '' ? [] : extra.split('\n');
  if (children.length === 0 && extras.length <= 1) return `${name}(${extra})`;
  return `${name}(\n  ${[...extras, ...children].join('\n  ')}\n)`;
}

const count = (n: number): string => n.toLocaleString('en');

/** A table of parameters: name, shape, number of elements, and whether it is learned; then the totals. */
export function parameterTable(named: readonly [string, Parameter][]): string {
  const rows = named.map(
    ([name, p]) => [name, show(p.shape), count(p.numel()), p.requiresGrad ? '' : 'frozen'] as const,
  );
  const total = (of: readonly [string, Parameter][]) => count(of.reduce((sum, [, p]) => sum + p.numel(), 0));
  const learned = named.filter(([, p]) => p.requiresGrad);
  const table = [
    ['parameter', 'shape', 'elements', ''] as const,
    ...rows,
    ['total', '', total(named), `${total(learned)} trainable`] as const,
  ];
  const width = (column: 0 | 1 | 2) => Math.max(...table.map((row) => row[column].length));
  const [names, shapes, sizes] = [width(0), width(1), width(2)];
  return table
    .map(([name, shape, elements, note]) =>
      `${name.padEnd(names)}  ${shape.padEnd(shapes)}  ${elements.padStart(sizes)}  ${note}`.trimEnd(),
    )
    .join('\n');
}

/** A float as Python writes it: in as few digits as tell it from others, with a point or an exponent. */
export function pythonFloat(x: number): string {
  if (Number.isNaN(x)) return 'nan';
  if (!Number.isFinite(x)) return x > 0 ? 'inf' : '-inf';
  if (Object.is(x, -0)) return '-0.0';
  const [digits = '', exponent = ''] = x.toExponential().split('e');
  const power = Number(exponent);
  if (x !== 0 && (power < -4 || power >= 16)) {
    return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
  }
  return Number.isInteger(x) ? `${x}.0` : String(x);
}

/** A value as Python writes it. JavaScript's numbers do not say whether they are integers: here they are floats. */
export function pythonText(value: unknown): string {
  if (typeof value === 'number') return pythonFloat(value);
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return typeof value === 'string' ? `'${value}'` : 'None';
}

/** A shape as Python writes a tuple. */
export const pythonTuple = (shape: readonly (number | string)[]): string =>
  shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;

/** One integer, or one for each axis, as Python writes what was given. */
export const pythonAxes = (given: number | readonly number[]): string =>
  typeof given === 'number' ? String(given) : pythonTuple(given);
