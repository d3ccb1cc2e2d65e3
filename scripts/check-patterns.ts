import { globSync, readFileSync } from 'node:fs';
import { parseAst } from 'rolldown/parseAst';
import { analyse } from 'scslre';
import { SECRET_RULES } from '../src/core/text/secrets.ts';

/**
 * Finds regular expressions that take more than linear time: everything they are matched with is written by others. Those
 * made at run time cannot be judged here, so only files that are listed may make any.
 */

const MAY_MAKE: Readonly<Record<string, string>> = {
  'src/core/runs/brief.ts': 'of parts that stand in the same file',
  'src/core/text/secret-commands.ts': 'of parts that stand in the same file; checked below',
  'src/core/text/secrets.ts': 'of parts that stand in the same folder; checked below',
  'src/sim/api/crd.ts': 'of the schemas that the embedded cluster is given',
};

export interface Found {
  place: string;
  source: string;
  flags: string;
}

/** All regular expressions of the program, and the places where some are made that may not be. */
export function findPatterns(): { patterns: Found[]; made: string[] } {
  const patterns: Found[] = SECRET_RULES.map(({ name, pattern }) => ({
    place: `src/core/text/secrets.ts (${name})`,
    source: pattern.source,
    flags: pattern.flags,
  }));
  const made: string[] = [];
  for (const file of globSync('src/**/*.{ts,tsx}').toSorted()) {
    const text = readFileSync(file, 'utf8');
    visit(parseAst(text, { lang: file.endsWith('x') ? 'tsx' : 'ts' }), (node) => {
      const place = `${file}:${text.slice(0, node.start).split('\n').length}`;
      if (node.regex) patterns.push({ place, source: node.regex.pattern, flags: node.regex.flags });
      const isCall = node.type === 'NewExpression' || node.type === 'CallExpression';
      if (isCall && node.callee?.name === 'RegExp' && !(file in MAY_MAKE)) made.push(place);
    });
  }
  return { patterns, made };
}

interface Node {
  type: string;
  start: number;
  regex?: { pattern: string; flags: string };
  callee?: { name?: string };
}

function visit(value: unknown, see: (node: Node) => void): void {
  if (Array.isArray(value)) {
    for (const it of value) visit(it, see);
  } else if (typeof value === 'object' && value !== null) {
    if ('type' in value && typeof value.type === 'string') see(value as Node);
    for (const it of Object.values(value)) visit(it, see);
  }
}

if (import.meta.main) {
  const { patterns, made } = findPatterns();
  const problems = [
    ...made.map((place) => `${place}: a regular expression is made at run time`),
    ...patterns.flatMap(({ place, source, flags }) =>
      analyse({ source, flags }).reports.map(
        ({ exponential, type }) =>
          `${place}: /${source}/${flags} takes ${exponential ? 'exponential' : 'polynomial'} time (${type})`,
      ),
    ),
  ];
  for (const it of problems) process.stderr.write(`${it}\n`);
  if (problems.length > 0) process.exitCode = 1;
}
