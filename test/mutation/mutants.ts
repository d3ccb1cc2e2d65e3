import { type Node, isNode, parsed, walk } from './syntax.ts';

/** One small change of one file. */
export interface Mutant {
  file: string;
  line: number;
  kind: string;
  start: number;
  end: number;
  from: string;
  to: string;
}

type Change = Pick<Mutant, 'kind' | 'start' | 'end' | 'to'>;

const OPERATORS: Readonly<Record<string, string>> = {
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '===': '!==',
  '!==': '===',
  '+': '-',
  '-': '+',
  '*': '/',
  '/': '*',
  '%': '*',
  '&&': '||',
  '||': '&&',
  '??': '&&',
};

const METHODS: Readonly<Record<string, string>> = {
  some: 'every',
  every: 'some',
  min: 'max',
  max: 'min',
  startsWith: 'endsWith',
  endsWith: 'startsWith',
  floor: 'ceil',
  ceil: 'floor',
};

/** Calls whose result is what they are called on, when they are left out. */
const LEFT_OUT = new Set(['filter', 'toSorted', 'toReversed', 'slice', 'trim']);

/** Every mutant of a file, in the order of its text. */
export function mutantsOf(file: string, text: string): Mutant[] {
  const changes: Change[] = [];
  walk(parsed(text), (node) => changes.push(...changesOf(node, text)));
  return changes
    .map(({ kind, start, end, to }) => {
      const line = text.slice(0, start).split('\n').length;
      return { file, line, kind, start, end, from: text.slice(start, end), to };
    })
    .filter(({ from, to }) => from !== to)
    .toSorted((a, b) => a.start - b.start);
}

function changesOf(node: Node, text: string): Change[] {
  const { start, end } = node;
  const textOf = (part: unknown) => text.slice((part as Node).start, (part as Node).end);
  const whole = (kind: string, to: string): Change => ({ kind, start, end, to });
  switch (node.type) {
    case 'BinaryExpression':
    case 'LogicalExpression':
      return operator(node, text);
    case 'UnaryExpression':
      return node['operator'] === '!' ? [whole('negation left out', textOf(node['argument']))] : [];
    case 'ConditionalExpression': {
      const { test, consequent, alternate } = node;
      return [whole('branches swapped', `${textOf(test)} ? ${textOf(alternate)} : ${textOf(consequent)}`)];
    }
    case 'IfStatement': {
      const test = node['test'] as Node;
      const at = { start: test.start, end: test.end };
      return ['true', 'false'].map((to) => ({ kind: `always ${to}`, ...at, to }));
    }
    case 'Literal':
      return literal(node['value'], whole);
    case 'ExpressionStatement':
      return isDirective(node) ? [] : [whole('statement left out', ';')];
    case 'ReturnStatement':
      return isNode(node['argument']) ? [whole('nothing returned', 'return undefined;')] : [];
    case 'ArrayExpression':
      return (node['elements'] as unknown[]).length > 0 ? [whole('list emptied', '[]')] : [];
    case 'CallExpression':
      return call(node, whole, textOf);
    default:
      return [];
  }
}

function operator(node: Node, text: string): Change[] {
  const from = String(node['operator']);
  const to = OPERATORS[from];
  const { end: left } = node['left'] as Node;
  const { start: right } = node['right'] as Node;
  const at = text.indexOf(from, left);
  if (to === undefined || at < 0 || at >= right) return [];
  // An operand that has `??` in it takes no other logical operator beside it.
  const isMixed = to !== '??' && /\?\?/.test(text.slice(node.start, node.end).replace(from, ''));
  if (node.type === 'LogicalExpression' && isMixed) return [];
  return [{ kind: `${from} for ${to}`, start: at, end: at + from.length, to }];
}

function literal(value: unknown, whole: (kind: string, to: string) => Change): Change[] {
  if (typeof value === 'boolean') return [whole('the opposite', String(!value))];
  if (typeof value === 'number') return [whole('one more', String(value + 1))];
  return typeof value === 'string' && value !== '' ? [whole('text emptied', "''")] : [];
}

function isDirective(node: Node): boolean {
  return isNode(node['expression']) && node['expression'].type === 'Literal';
}

function call(
  node: Node,
  whole: (kind: string, to: string) => Change,
  textOf: (part: unknown) => string,
): Change[] {
  const callee = node['callee'] as Node;
  if (callee.type !== 'MemberExpression' || callee['computed'] === true) return [];
  const { object, property } = callee;
  const name = textOf(property);
  if (LEFT_OUT.has(name)) return [whole(`${name} left out`, textOf(object))];
  const other = Object.hasOwn(METHODS, name) ? METHODS[name] : undefined;
  const { start, end } = property as Node;
  return other === undefined ? [] : [{ kind: `${other} for ${name}`, start, end, to: other }];
}
