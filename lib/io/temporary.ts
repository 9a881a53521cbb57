import { readlinkSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { builtin } from '../builtin.js';

// A temporary file says in its name for which file it is (as a hash, since names may be as long as the system allows), and which process
// writes it: so those of killed processes are found, and removed, when the file is written again.

const hash = (text: string): string =>
  builtin('node:crypto').createHash('sha256').update(text).digest('hex').slice(0, 12);

/** Where process numbers are what they are here: this machine, and this container of it. */
function place(): string {
  try {
    return hash(`${hostname()} ${readlinkSync('/proc/self/ns/pid')}`);
  } catch {
    return hash(hostname());
  }
}

const prefixFor = (name: string): string => `.nabla-${hash(name)}-`;

/** A new name, beside `name`, for what will replace it. */
export const temporaryName = (name: string): string =>
  `${prefixFor(name)}${place()}-${process.pid}-${builtin('node:crypto').randomBytes(6).toString('hex')}.tmp`;

/**
 * Removes what writers of `name` left behind that were killed, as far as that is allowed: a folder that may be written may not be read,
 * and the files in it may be another user's.
 */
export async function removeStale(folder: string, name: string): Promise<void> {
  const prefix = prefixFor(name);
  for (const file of await readdir(folder).catch(() => [])) {
    if (!file.startsWith(prefix) || !file.endsWith('.tmp')) continue;
    const [writer, pid] = file.slice(prefix.length).split('-');
    const path = join(folder, file);
    const dead = writer === place() && !isAlive(Number(pid));
    if (dead || (await isForgotten(path))) await removeIfAllowed(path);
  }
}

/** Cleaning up is no reason for a save to fail, and no error to show instead of the one that there is. */
export const removeIfAllowed = (path: string): Promise<void> => rm(path, { force: true }).catch(() => {});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

const DAY = 86_400_000;

/** Nobody writes for a day without a byte: for writers on other machines, and where a number was given to another process. */
async function isForgotten(path: string): Promise<boolean> {
  try {
    return (await stat(path)).mtimeMs < Date.now() - DAY;
  } catch {
    return false;
  }
}
