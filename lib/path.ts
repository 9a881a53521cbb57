import { resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe } from './describe.js';
import { ValueError } from './errors.js';
import { messageOf } from './realm.js';

/** A path, or a `file:` URL. By its shape, so that the typings need neither those of Node nor those of browsers. */
export type Path = string | { readonly href: string; readonly protocol: string };

/** Whether a value is of a kind that can be a path. */
export const isPath = (value: unknown): value is Path =>
  typeof value === 'string' || Object.prototype.toString.call(value) === '[object URL]';

/** A path as the caller means it now, whatever the working directory will be when it is used. */
export function absolutePath(op: string, path: Path): string {
  const text = textOf(op, path);
  if (text === '' || text.includes('\0')) throw new ValueError(`${op}: not the path of a file: ${describe(text)}`);
  return resolve(text);
}

/** The same for a file that is to be written. */
export function absoluteFilePath(op: string, path: Path): string {
  const text = textOf(op, path);
  if (text.endsWith('/') || text.endsWith(sep)) {
    throw new ValueError(`${op}: expected the path of a file, got that of a folder: ${describe(text)}`);
  }
  return absolutePath(op, text);
}

function textOf(op: string, path: Path): string {
  if (typeof path === 'string') return path;
  try {
    return fileURLToPath(String(path));
  } catch (error) {
    throw new ValueError(`${op}: ${messageOf(error)}`);
  }
}
