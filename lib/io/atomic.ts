import type { Stats } from 'node:fs';
import { chmod, chown, type FileHandle, lstat, open, readlink, realpath, rename, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, sep } from 'node:path';
import { ValueError } from '../errors.js';
import { removeIfAllowed, removeStale, temporaryName } from './temporary.js';

/** The writes under way, by what they write to: one begins when the one before it is over, so that the last one asked for is what stays. */
const last = new Map<string, Promise<void>>();

/** Paths are followed one after another, whatever links are on the way, so that writes line up in the order in which they were asked for. */
let followed: Promise<unknown> = Promise.resolve();

/**
 * Writes a file so that it is, at any moment, either as it was or wholly as it shall be: into a temporary file beside it,
 * flushed to the disk, then renamed over it. If anything fails, the old file is untouched and the temporary one is removed.
 *
 * A link stays a link: what it points to is written. The file keeps its mode, and its owner where that is allowed. What is no file, such
 * as a pipe or a device, cannot be replaced and is written to directly.
 *
 * @param path absolute
 * @throws ValueError, with `op` in it, for a folder
 */
export async function writeFileAtomic(op: string, path: string, chunks: Iterable<Uint8Array>): Promise<void> {
  const following = followed.then(() => targetOf(path));
  followed = following.catch(() => {});
  const target = await following;
  const before = last.get(target) ?? Promise.resolve();
  const write = before.then(
    () => writeNow(op, path, chunks),
    () => writeNow(op, path, chunks),
  );
  last.set(target, write);
  try {
    await write;
  } finally {
    if (last.get(target) === write) last.delete(target);
  }
}

/** What a path leads to. The path of a pipe need not be one that can be followed. */
async function targetOf(path: string): Promise<string> {
  const existing = await orNull(stat(path));
  if (existing === null) return endOfLinks(path);
  return existing.isFile() ? realpath(path) : `${existing.dev} ${existing.ino}`;
}

async function writeNow(op: string, path: string, chunks: Iterable<Uint8Array>): Promise<void> {
  const existing = await orNull(stat(path));
  if (existing?.isDirectory()) {
    throw new ValueError(`${op}: expected the path of a file, got that of a folder: '${path}'`);
  }
  if (existing !== null && !existing.isFile()) return writeDirectly(path, chunks);
  await replace(existing === null ? await endOfLinks(path) : await realpath(path), existing, chunks);
}

async function replace(path: string, existing: Stats | null, chunks: Iterable<Uint8Array>): Promise<void> {
  const folder = dirname(path);
  await removeStale(folder, basename(path));
  const temporary = join(folder, temporaryName(basename(path)));
  try {
    await writeFlushed(temporary, existing, chunks);
    await rename(temporary, path);
  } catch (error) {
    await removeIfAllowed(temporary);
    throw error;
  }
  await flushFolder(folder);
}

/** What was not found is null; any other failure is one. */
async function orNull<T>(found: Promise<T>): Promise<T | null> {
  try {
    return await found;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

const MOST_LINKS = 40;

/** The file that a path names in the end, through links that may lead to nothing yet. */
async function endOfLinks(path: string): Promise<string> {
  let end = path;
  for (let links = 0; links < MOST_LINKS; links++) {
    end = join(await realpath(dirname(end)), basename(end));
    if (!(await orNull(lstat(end)))?.isSymbolicLink()) return end;
    const target = await readlink(end);
    // Not normalised: `..` after a link is not the folder that the link stands in.
    end = isAbsolute(target) ? target : `${dirname(end)}${sep}${target}`;
  }
  throw new ValueError(`${path}: too many links`);
}

const PERMISSIONS = 0o7777;

async function writeFlushed(path: string, existing: Stats | null, chunks: Iterable<Uint8Array>): Promise<void> {
  // Nobody who may not read the old file may read the new one meanwhile.
  const file = await open(path, 'wx', existing === null ? 0o666 : existing.mode & 0o600);
  try {
    await writeChunks(file, chunks);
    if (existing !== null) await keepOwner(path, existing);
    if (existing !== null) await chmod(path, existing.mode & PERMISSIONS);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeChunks(file: FileHandle, chunks: Iterable<Uint8Array>): Promise<void> {
  for (const chunk of chunks) await file.writeFile(chunk);
}

/** Only the superuser may give files away: for others the new file is theirs. */
async function keepOwner(path: string, { uid, gid }: Stats): Promise<void> {
  const own = await stat(path);
  if (own.uid === uid && own.gid === gid) return;
  try {
    await chown(path, uid, gid);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
  }
}

async function writeDirectly(path: string, chunks: Iterable<Uint8Array>): Promise<void> {
  const file = await open(path, 'w');
  try {
    await writeChunks(file, chunks);
  } finally {
    await file.close();
  }
}

/** Makes the rename itself last. Windows cannot open folders, and some file systems cannot flush them: the file is whole all the same. */
async function flushFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r');
    await folder.sync().finally(() => folder.close());
  } catch {
    return;
  }
}
