/**
 * The first key that an object in a JSON text has twice, or undefined: `JSON.parse` keeps the last one and says nothing.
 * The text must be valid JSON.
 */
export function duplicateKey(json: string): string | undefined {
  const open: Set<string>[] = [];
  for (let i = 0; i < json.length; i++) {
    const c = json[i];
    if (c === '{') open.push(new Set());
    else if (c === '}') open.pop();
    else if (c === '"') {
      const end = stringEnd(json, i);
      if (isKey(json, end)) {
        const key = JSON.parse(json.slice(i, end)) as string;
        const keys = open.at(-1)!;
        if (keys.has(key)) return key;
        keys.add(key);
      }
      i = end - 1;
    }
  }
  return undefined;
}

/** Where the string that begins at `start` ends: after its closing quote. */
function stringEnd(json: string, start: number): number {
  let i = start + 1;
  while (json[i] !== '"') i += json[i] === '\\' ? 2 : 1;
  return i + 1;
}

/** Whether a colon follows: in valid JSON, only after a key. */
function isKey(json: string, end: number): boolean {
  let i = end;
  while (json.charCodeAt(i) <= 0x20) i++;
  return json[i] === ':';
}
