// What makes a module quick to load, line for line the same: V8 reads its text, and the functions on its top level, before anything runs.
import { parseAst } from 'rolldown/parseAst';

/** Text with a character above Latin-1 takes V8 two bytes for each. */
export const ascii = (code: string): string =>
  code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly name?: string;
  readonly async?: boolean;
  readonly params?: readonly Node[];
  readonly body?: Node;
}

interface Edit {
  readonly at: number;
  readonly end: number;
  readonly text: string;
}

/** Plain loops: a module of a megabyte has very many of them. */
function childrenOf(node: object): readonly Node[] {
  const found: Node[] = [];
  for (const value of Object.values(node)) {
    if (Array.isArray(value)) for (const one of value) take(one);
    else take(value);
  }
  return found;

  function take(value: unknown): void {
    if (typeof value === 'object' && value !== null && 'type' in value) found.push(value as Node);
  }
}

const hasOwnThis = ({ type }: Node): boolean =>
  type === 'FunctionDeclaration' || type === 'FunctionExpression' || type === 'ClassBody';

const parsed = (code: string): Node => parseAst(code, { lang: 'js' }) as unknown as Node;

/** The private names in a module, in the order of its text. */
export const privateNames = (code: string): readonly string[] => privateNodes(code).map(({ name }) => name!);

function privateNodes(code: string): readonly Node[] {
  const found: Node[] = [];
  const look = (node: Node): void => {
    if (node.type === 'PrivateIdentifier') found.push(node);
    for (const child of childrenOf(node)) look(child);
  };
  look(parsed(code));
  return found.sort((a, b) => a.start - b.start);
}

/** Gives private names back, which stand in stack traces as others do. */
export function withPrivateNames(code: string, names: readonly string[]): string {
  const nodes = privateNodes(code);
  if (nodes.length !== names.length) throw new Error(`expected ${names.length} private names, got ${nodes.length}`);
  return edited(
    code,
    nodes.map(({ start: at, end }, i) => ({ at, end, text: `#${names[i]}` })),
  );
}

/** Whether an arrow function means something else as a function. */
const asksAround = (node: Node): boolean =>
  ['ThisExpression', 'Super', 'MetaProperty'].includes(node.type) ||
  (node.type === 'Identifier' && node.name === 'arguments') ||
  childrenOf(node).some((child) => !hasOwnThis(child) && asksAround(child));

/** Arrow functions that are in no function. */
function* topArrows(node: Node): Generator<Node> {
  for (const child of childrenOf(node)) {
    if (child.type === 'ArrowFunctionExpression') yield child;
    else if (!hasOwnThis(child)) yield* topArrows(child);
  }
}

function editsOf(code: string, { start, end, async, params, body }: Node): readonly Edit[] {
  const open = code.indexOf('(', start);
  const at = code.indexOf('=>', params!.at(-1)?.end ?? open);
  if (open < 0 || open > (params![0] ?? body!).start || at > body!.start)
    throw new Error(`expected an arrow function as rolldown writes them, got ${code.slice(start, end)}`);
  const head = { at: start, end: open, text: async ? 'async function' : 'function' };
  const arrow = { at, end: code[at + 2] === ' ' ? at + 3 : at + 2 };
  if (body!.type === 'BlockStatement') return [head, { ...arrow, text: '' }];
  return [head, { ...arrow, text: '{ return (' }, { at: end, end, text: '); }' }];
}

/** Arrow functions on a module's top level as functions, of which V8 reads only how far they go until they are called; arrows it reads in full. */
export function arrowsAsFunctions(code: string): string {
  const arrows = [...topArrows(parsed(code))].filter((arrow) => !asksAround(arrow));
  return edited(
    code,
    arrows.flatMap((arrow) => editsOf(code, arrow)).sort((a, b) => a.at - b.at),
  );
}

/** @param edits from the first to the last */
function edited(code: string, edits: readonly Edit[]): string {
  let made = '';
  let place = 0;
  for (const { at, end, text } of edits) {
    made += code.slice(place, at) + text;
    place = end;
  }
  return made + code.slice(place);
}
