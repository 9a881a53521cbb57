/**
 * Finds the reports of sanitizers in text, and those that concern the core. Node and V8 are not built with a sanitizer, so that it
 * sees races and worse in them that are none; and suppressing what names them would hide all that JavaScript calls. So a report
 * counts where the core is near the top of a stack: what it did itself, or had the C library do.
 */

/** A report, line by line. */
export type Report = readonly string[];

/** How far down a stack the core may be, not counting frames of the sanitizer and of the standard library. */
const NEAR = 4;

const ofTheCore = /nabla::|nabla\.node|\bnative\/[\w/]+\.(cc|h):\d+/;
const ofALibrary =
  /__interceptor_|__sanitizer|__asan|__tsan|__ubsan| in std::|operator (new|delete)|\/include\/c\+\+\//;
const isFrame = (line: string): boolean => /^\s*#\d+ /.test(line);

const begins = /ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error: |^nabla: /;
/** Of these only the line and the stack after it, if there is one, belong to the report. */
const isOneLine = ([first = '']: Report): boolean => / runtime error: |^nabla: /.test(first);

/** AddressSanitizer's errors, UBSan's lines, ThreadSanitizer's warnings, and failed assertions of the core. */
export function reportsIn(text: string): Report[] {
  const reports: string[][] = [];
  let current: string[] | null = null;
  for (const line of text.split('\n')) {
    if (begins.test(line)) {
      current = [line];
      reports.push(current);
    } else if (current !== null) {
      const isOver = /^SUMMARY: |^=+$/.test(line) || (isOneLine(current) && !isFrame(line));
      if (isOver) current = null;
      else current.push(line);
    }
  }
  return reports;
}

/** Whether the core did what the report is of. */
export function concernsTheCore(report: Report): boolean {
  if (isOneLine(report) && (ofTheCore.test(report[0]!) || report[0]!.startsWith('nabla: '))) return true;
  return stacksOf(report).some(isNear);
}

/** What Node or V8 did is theirs, whoever called them: without their symbols an unwinder leaves out frames in between. */
const ofNode = /\(node\+0x/;

function isNear(stack: readonly string[]): boolean {
  const nearest = stack.filter((line) => !ofALibrary.test(line)).slice(0, NEAR);
  const place = nearest.findIndex((line) => ofTheCore.test(line));
  return place >= 0 && !nearest.slice(0, place).some((line) => ofNode.test(line));
}

/** Sections that say where threads, memory and mutexes come from, not what was done. */
const isOrigin =
  /^\s*(Thread T\d+|Location is|Mutex M\d+|As if synchronized|freed by|previously allocated|allocated by)/;

function stacksOf(report: Report): string[][] {
  const stacks: string[][] = [];
  let stack: string[] | null = null;
  let counts = true;
  for (const line of report) {
    if (!isFrame(line)) {
      stack = null;
      if (line.trim() !== '') counts = !isOrigin.test(line);
    } else if (counts) {
      if (stack === null) {
        stack = [];
        stacks.push(stack);
      }
      stack.push(line);
    }
  }
  return stacks;
}
