import { release, trackAllocations } from '../../backend/storage.js';

/** Runs what leaves nothing behind but what it writes elsewhere: the memory that it took is used again at once. */
export function passing(fn: () => void): void {
  for (const storage of trackAllocations(fn)) release(storage);
}
