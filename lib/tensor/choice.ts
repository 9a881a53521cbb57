/** Which of some items were chosen, as the key of a Map: a bit for each, or a text where there are more than a number has bits. */
export type Choice = number | string;

const BITS = 31;

export function choice<T>(items: readonly T[], chosen: (item: T) => boolean): Choice {
  if (items.length > BITS) return items.map((item) => (chosen(item) ? '1' : '0')).join('');
  let mask = 0;
  for (let i = 0; i < items.length; i++) if (chosen(items[i]!)) mask |= 1 << i;
  return mask;
}
