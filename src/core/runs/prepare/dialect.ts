import type { AgentConfig } from '../../../api/config.ts';
import { NO_IMAGE, type NodeOpSpec, withImage } from '../../../api/nodeop.ts';
import type { Problem } from '../../../api/schema.ts';
import { barredChecks } from '../../checks/barred.ts';
import { inCommonWords, NOT_CARRIED_OUT, unknownToOthers } from '../../external/spec.ts';
import { mergePatch } from '../merge.ts';
import {
  asVariables,
  asWords,
  commandsOf,
  expandedProblems,
  type Resolved,
} from '../parameters/environment.ts';
import type { Merged } from './overrides.ts';
import { atItsSource } from './places.ts';
import { refuse, type PrepareContext, type Refused } from './stage.ts';

/** How whoever carries out NodeOps understands them. */
interface Dialect {
  /** What it would pass over though the run relies on it; paths begin inside the spec. */
  flaws: (merged: Merged, context: PrepareContext) => Problem[];
  /** Whether it opens and closes the run's window. */
  hasWindows: boolean;
  /** The spec as it is given it; undefined when no image is known. */
  spec: (merged: Merged, context: PrepareContext) => NodeOpSpec | undefined;
}

const DIALECTS: Readonly<Record<AgentConfig['rollout']['executor'], Dialect>> = {
  /** With every default. */
  agent: {
    flaws: ({ spec }, { checkAccess }) => barredChecks(spec, checkAccess),
    hasWindows: true,
    spec: ({ spec, parameters }, { defaultImage }) =>
      withImage(withVariables(spec, parameters), defaultImage),
  },
  /** As people wrote it, so that the defaults are those of the other controller. */
  external: {
    flaws: ({ spec, parameters }) => [...unknownToOthers(spec), ...unknownInWords(spec, parameters)],
    hasWindows: false,
    spec: ({ written, parameters }) => inCommonWords(withWords(written, parameters)),
  },
};

function withVariables(spec: NodeOpSpec, parameters: readonly Resolved[]): NodeOpSpec {
  return parameters.length === 0 ? spec : { ...spec, env: [...asVariables(parameters), ...(spec.env ?? [])] };
}

/** The other controller knows no variables, so the commands set them. */
function withWords(written: unknown, parameters: readonly Resolved[]): unknown {
  if (parameters.length === 0) return written;
  return commandsOf(written).reduce((spec, { path, words }) => {
    return mergePatch(spec, nested(path, [...asWords(parameters), ...words]));
  }, written);
}

function nested(path: readonly string[], value: unknown): unknown {
  return path.reduceRight((inner, key) => ({ [key]: inner }), value);
}

/** What variables would do and words in front of a command cannot. */
function unknownInWords(spec: NodeOpSpec, parameters: readonly Resolved[]): Problem[] {
  if (parameters.length === 0) return [];
  const assigned = commandsOf(spec).flatMap(({ path, words: [first] }) => {
    const message = 'must not hold "=" where env(1) sets the parameters (rollout.executor: external)';
    return String(first).includes('=') ? [{ path: [...path, 0], message }] : [];
  });
  return [...assigned, ...expandedProblems(parameters, spec, true)];
}

/** Says it in the words of whoever carries it out. */
export function inDialect(merged: Merged, context: PrepareContext): Merged | Refused {
  const { run } = merged;
  const dialect = DIALECTS[context.executor ?? 'agent'];
  const at = (it: Problem) => (run ? atItsSource(it, run) : { ...it, path: ['spec', ...it.path] });
  const flaws = dialect.flaws(merged, context).map(at);
  if (run?.spec.window && !dialect.hasWindows) {
    flaws.push({ path: ['spec', 'window'], message: NOT_CARRIED_OUT });
  }
  const spec = dialect.spec(merged, context);
  if (spec === undefined) flaws.push(at({ path: ['image'], message: NO_IMAGE }));
  return flaws.length > 0 || spec === undefined ? refuse(merged, flaws) : { ...merged, spec };
}
