/** The position along each axis of the element with this row-major number. */
export function indexAt(number: number, sizes: readonly number[]): number[] {
  const index = new Array<number>(sizes.length);
  let rest = number;
  for (let axis = sizes.length - 1; axis >= 0; axis--) {
    index[axis] = rest % sizes[axis]!;
    rest = Math.floor(rest / sizes[axis]!);
  }
  return index;
}
