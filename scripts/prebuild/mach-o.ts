/** What is of interest in a file for macOS: an object, or a library. */
export interface MachO {
  /** Names of what others can see, as they are written there. */
  readonly symbols: readonly string[];
  readonly libraries: readonly string[];
  /** The oldest macOS, such as `11.0`, or undefined where it is not said. */
  readonly oldest: string | undefined;
  readonly signed: boolean;
}

// <mach-o/loader.h> and <mach-o/nlist.h>
const MAGIC_64 = 0xfeedfacf;
const HEADER = 32;
const LC_SYMTAB = 0x2;
const LC_LOAD_DYLIB = 0xc;
const LC_CODE_SIGNATURE = 0x1d;
const LC_BUILD_VERSION = 0x32;
const N_STAB = 0xe0;
const N_TYPE = 0x0e;
const N_SECT = 0x0e;
const N_EXT = 0x01;

/** Binutils are not built to read these. */
export function readMachO(file: Buffer): MachO {
  if (file.readUInt32LE(0) !== MAGIC_64) throw new Error('it is no 64-bit file for macOS');
  const symbols: string[] = [];
  const libraries: string[] = [];
  let oldest: string | undefined;
  let signed = false;
  for (const { command, at } of loadCommands(file)) {
    if (command === LC_SYMTAB) symbols.push(...definedSymbols(file, at));
    if (command === LC_LOAD_DYLIB) libraries.push(textAt(file, at + file.readUInt32LE(at + 8)));
    if (command === LC_BUILD_VERSION) oldest = `${file.readUInt16LE(at + 14)}.${file.readUInt8(at + 13)}`;
    if (command === LC_CODE_SIGNATURE) signed = true;
  }
  return { symbols, libraries, oldest, signed };
}

function* loadCommands(file: Buffer): Generator<{ command: number; at: number }> {
  const count = file.readUInt32LE(16);
  for (let i = 0, at = HEADER; i < count; i++) {
    yield { command: file.readUInt32LE(at) & 0xff, at };
    at += file.readUInt32LE(at + 4);
  }
}

/** Those with code or data in this file that are not its own alone. */
function* definedSymbols(file: Buffer, command: number): Generator<string> {
  const [symbols, count, strings] = [8, 12, 16].map((offset) => file.readUInt32LE(command + offset));
  for (let i = 0; i < count!; i++) {
    const entry = symbols! + 16 * i;
    const type = file.readUInt8(entry + 4);
    const visible = !(type & N_STAB) && (type & N_TYPE) === N_SECT && type & N_EXT;
    if (visible) yield textAt(file, strings! + file.readUInt32LE(entry));
  }
}

const textAt = (file: Buffer, start: number): string => file.toString('latin1', start, file.indexOf(0, start));
