/** An SVG element; what stands between its tags is markup already, or text that went through {@link escapeXml}. */
export function element(
  tag: string,
  attributes: Readonly<Record<string, string | number>>,
  ...inner: string[]
): string {
  const text = Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${typeof value === 'number' ? round(value) : escapeXml(value)}"`)
    .join('');
  return inner.length === 0 ? `<${tag}${text}/>` : `<${tag}${text}>${inner.join('')}</${tag}>`;
}

export const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** A path through points, `closed` back to the first. */
export function path(points: readonly (readonly [x: number, y: number])[], closed = false): string {
  const steps = points.map(([x, y]) => `${round(x)} ${round(y)}`);
  return steps.length === 0 ? '' : `M${steps.join('L')}${closed ? 'Z' : ''}`;
}

/** A tenth of a pixel is finer than anyone sees. */
const round = (value: number): number => Math.round(value * 10) / 10;
