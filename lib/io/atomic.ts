import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Writes a file so that it is, at any moment, either as it was or wholly as it shall be: into a temporary file beside it,
 * flushed to the disk, then renamed over it. If anything fails, the old file is untouched and the temporary one is removed.
 */
export async function writeFileAtomic(path: string, chunks: Iterable<Uint8Array>): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    await writeFlushed(temporary, chunks);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await flushFolder(dirname(path));
}

async function writeFlushed(path: string, chunks: Iterable<Uint8Array>): Promise<void> {
  const file = await open(path, 'wx');
  try {
    for (const chunk of chunks) await file.writeFile(chunk);
    await file.sync();
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
