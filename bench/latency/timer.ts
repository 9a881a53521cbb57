import { type Measured, measured } from './measured.js';

const DELAY = 1;

/** How much later than after 1 ms a timer of 1 ms fires, again and again for so many milliseconds. */
export async function timerLateness(duration: number): Promise<Measured> {
  const late: number[] = [];
  const end = performance.now() + duration;
  for (let start = performance.now(); start < end; start = performance.now()) {
    await new Promise((resolve) => setTimeout(resolve, DELAY));
    late.push(performance.now() - start - DELAY);
  }
  return measured(late);
}
