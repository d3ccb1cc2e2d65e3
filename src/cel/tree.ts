import { isCelError, parse, plan } from '@bufbuild/cel';
import { FUNCTIONS, language, TYPES } from './language.ts';

/** What reading a tree finds before it is evaluated: names that are not known, functions that may not be used. */

/** Of what all patterns of an expression repeat: `{3}`, `{1,20}`. Reading one takes as long as what it stands for is. */
const MAX_REPEATS = 200;

type Expr = NonNullable<ReturnType<typeof parse>['expr']>;
type Call = Extract<Expr['exprKind'], { case: 'callExpr' }>['value'];
type Constant = Extract<Expr['exprKind'], { case: 'constExpr' }>['value']['constantKind'];
type Names = ReadonlySet<string>;

export interface Flaw {
  at: Expr;
  message: string;
}

/** The first thing that would fail whenever it is evaluated, or that may not be used. */
export function findFlaw(root: Expr, variables: readonly string[]): Flaw | undefined {
  const todo: Part[] = [{ expr: root, names: new Set([...variables, ...TYPES]) }];
  let repeats = 0;
  for (let at = todo.pop(); at; at = todo.pop()) {
    const { expr, names } = at;
    const message = flawOf(expr, names, variables);
    if (message !== undefined) return { at: expr, message };
    if (expr.exprKind.case === 'callExpr') repeats += repeatsOf(patternOf(expr.exprKind.value) ?? '');
    if (repeats > MAX_REPEATS) {
      return { at: expr, message: `its patterns repeat more than ${MAX_REPEATS} times in all` };
    }
    todo.push(...partsOf(expr, names).toReversed());
  }
  return undefined;
}

interface Part {
  expr: Expr;
  /** What is known where it stands: `list.all(x, …)` adds x. */
  names: Names;
}

function partsOf({ exprKind }: Expr, names: Names): Part[] {
  const parts = (known: Names, ...exprs: (Expr | undefined)[]) =>
    exprs.flatMap((expr) => (expr ? [{ expr, names: known }] : []));
  switch (exprKind.case) {
    case 'selectExpr':
      return parts(names, exprKind.value.operand);
    case 'callExpr':
      return parts(names, exprKind.value.target, ...exprKind.value.args);
    case 'listExpr':
      return parts(names, ...exprKind.value.elements);
    case 'structExpr':
      return exprKind.value.entries.flatMap(({ keyKind, value }) =>
        parts(names, keyKind.case === 'mapKey' ? keyKind.value : undefined, value),
      );
    case 'comprehensionExpr': {
      const { iterVar, accuVar, iterRange, accuInit, loopCondition, loopStep, result } = exprKind.value;
      const own = new Set([...names, iterVar, accuVar]);
      return [...parts(names, iterRange, accuInit), ...parts(own, loopCondition, loopStep, result)];
    }
    case 'identExpr':
    case 'constExpr':
    case undefined:
      return [];
  }
}

function flawOf({ exprKind }: Expr, names: Names, variables: readonly string[]): string | undefined {
  if (exprKind.case === 'identExpr' && !names.has(exprKind.value.name)) {
    return `${exprKind.value.name} is not known; there is ${variables.join(', ')}`;
  }
  if (exprKind.case === 'structExpr' && exprKind.value.messageName !== '') {
    return `${exprKind.value.messageName} is not known`;
  }
  if (exprKind.case === 'constExpr') return constantFlaw(exprKind.value.constantKind);
  return exprKind.case === 'callExpr' ? callFlaw(exprKind.value) : undefined;
}

/** The parser takes whole numbers of any size. */
function constantFlaw({ case: kind, value }: Constant): string | undefined {
  const isWhole = kind === 'int64Value' || kind === 'uint64Value';
  const bits = kind === 'int64Value' ? 63n : 64n;
  const isOut = isWhole && (value >= 2n ** bits || value < -(2n ** bits));
  return isOut ? `${value} is out of range` : undefined;
}

function callFlaw(call: Call): string | undefined {
  if (!FUNCTIONS.has(call.function)) return `there is no function ${call.function} with these arguments`;
  if (call.function !== 'matches') return undefined;
  if (!call.target) return 'matches is written as text.matches(pattern)';
  const pattern = patternOf(call);
  if (pattern === undefined) return 'matches takes its pattern as a literal text only';
  // Whoever evaluates it has to be able to read it.
  const result = plan(language(), parse('"".matches(pattern)'))({ pattern });
  if (!isCelError(result)) return undefined;
  return `matches takes patterns as RE2 reads them: ${result.message.replace(/^error parsing regexp: /, '')}`;
}

/** Of `text.matches(pattern)`; the library knows no other way to write it. */
function patternOf({ function: name, args }: Call): string | undefined {
  const kind = name === 'matches' ? args[0]?.exprKind : undefined;
  if (kind?.case !== 'constExpr' || kind.value.constantKind.case !== 'stringValue') return undefined;
  return kind.value.constantKind.value;
}

function repeatsOf(pattern: string): number {
  let sum = 0;
  for (const [, least, most] of pattern.matchAll(/\{(\d{1,6})(?:,(\d{0,6}))?\}/g)) {
    sum += Math.max(Number(least), Number(most ?? 0));
  }
  return sum;
}
