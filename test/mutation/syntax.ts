import { parseAst } from 'rolldown/parseAst';

/** A part of a file as the parser tells of it. */
export interface Node extends Record<string, unknown> {
  type: string;
  start: number;
  end: number;
}

export function parsed(text: string): Node {
  return parseAst(text, { lang: 'ts' }) as unknown as Node;
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';
}

/** What is visited comes before what is in it. Types are gone when the program runs, and names and places of imports are no decisions. */
export function walk(node: Node, visit: (node: Node) => void): void {
  const isType = node.type.startsWith('TS') && !/^TS(As|Satisfies|NonNull)/.test(node.type);
  if (isType || /^(Import|ExportAll)/.test(node.type)) return;
  visit(node);
  for (const [name, value] of Object.entries(node)) {
    if (name === 'key' || name === 'typeAnnotation') continue;
    for (const child of Array.isArray(value) ? (value as unknown[]) : [value])
      if (isNode(child)) walk(child, visit);
  }
}
