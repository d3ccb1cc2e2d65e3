import { type Node, isNode, parsed, walk } from './syntax.ts';

/** What runs or does not run as a whole: a block, a branch, the body of a function. */
export interface Place {
  file: string;
  start: number;
  end: number;
}

/** The global function that marked files call with the number of each place they come by. */
export const SEEN = 'mutationSeen';

interface Mark {
  at: number;
  text: string;
  ends: boolean;
}

/** The text of a file that tells of each place it comes by, by its number in `places`, where they are added. */
export function marked(file: string, text: string, places: Place[]): string {
  const marks: Mark[] = [];
  const call = ({ start, end }: Node) => `globalThis.${SEEN}?.(${places.push({ file, start, end }) - 1})`;
  const around = (node: Node, before: string, after: string) =>
    marks.push({ at: node.start, text: before, ends: false }, { at: node.end, text: after, ends: true });
  walk(parsed(text), (node) => {
    if (node.type === 'BlockStatement')
      marks.push({ at: node.start + 1, text: `${call(node)};`, ends: false });
    for (const part of statementsOf(node)) around(part, `{${call(part)};`, '}');
    for (const part of expressionsOf(node)) around(part, `(${call(part)},`, ')');
  });
  let [result, from] = ['', 0];
  for (const { at, text: mark } of inOrder(marks)) {
    result += text.slice(from, at) + mark;
    from = at;
  }
  return result + text.slice(from);
}

/** The smallest place in which a part of a file lies; undefined for what runs as the file is loaded. */
export function placeOf(places: readonly Place[], part: Place): number | undefined {
  let found: number | undefined;
  let size = Infinity;
  for (const [i, { file, start, end }] of places.entries()) {
    if (file !== part.file || start > part.start || end < part.end || end - start >= size) continue;
    [found, size] = [i, end - start];
  }
  return found;
}

/** Marks come from the outside in: of those at one point inner ones end first and begin last. */
function inOrder(marks: readonly Mark[]): Mark[] {
  const place = new Map(marks.map((mark, i) => [mark, i]));
  const placeIn = (mark: Mark) => place.get(mark) ?? 0;
  return marks.toSorted((a, b) => {
    if (a.at !== b.at) return a.at - b.at;
    if (a.ends !== b.ends) return a.ends ? -1 : 1;
    return a.ends ? placeIn(b) - placeIn(a) : placeIn(a) - placeIn(b);
  });
}

/** Statements without a block around them. */
function statementsOf({ type, consequent, alternate, body }: Node): Node[] {
  const parts = type === 'IfStatement' ? [consequent, alternate] : /^(For|While)/.test(type) ? [body] : [];
  return parts.filter(isNode).filter((part) => part.type !== 'BlockStatement');
}

function expressionsOf({ type, consequent, alternate, right, body }: Node): Node[] {
  if (type === 'ConditionalExpression') return [consequent, alternate].filter(isNode);
  if (type === 'LogicalExpression') return [right].filter(isNode);
  const isBody = type === 'ArrowFunctionExpression' && isNode(body) && body.type !== 'BlockStatement';
  return isBody ? [body] : [];
}
