import { bundlePrograms, missing } from './launch.js';

export function setup(): void {
  for (const name of missing) {
    console.warn(
      `${name} is not installed: its tests are skipped (Debian: apt-get install openmpi-bin libopenmpi-dev mpich)`,
    );
  }
  bundlePrograms();
}
