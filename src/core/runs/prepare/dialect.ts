import type { AgentConfig } from '../../../api/config.ts';
import { NO_IMAGE, type NodeOpSpec, withImage } from '../../../api/nodeop.ts';
import type { Problem } from '../../../api/schema.ts';
import { inCommonWords, NOT_CARRIED_OUT, unknownToOthers } from '../../external/spec.ts';
import type { Merged } from './overrides.ts';
import { atItsSource } from './places.ts';
import { refuse, type PrepareContext, type Refused } from './stage.ts';

/** How whoever carries out NodeOps understands them. */
interface Dialect {
  /** What it would pass over though the run relies on it; paths begin inside the spec. */
  flaws: (merged: Merged) => Problem[];
  /** Whether it opens and closes the run's window. */
  hasWindows: boolean;
  /** The spec as it is given it; undefined when no image is known. */
  spec: (merged: Merged, context: PrepareContext) => NodeOpSpec | undefined;
}

const DIALECTS: Readonly<Record<AgentConfig['rollout']['executor'], Dialect>> = {
  /** With every default. */
  agent: {
    flaws: () => [],
    hasWindows: true,
    spec: ({ spec }, { defaultImage }) => withImage(spec, defaultImage),
  },
  /** As people wrote it, so that the defaults are those of the other controller. */
  external: {
    flaws: ({ spec }) => unknownToOthers(spec),
    hasWindows: false,
    spec: ({ written }) => inCommonWords(written),
  },
};

/** Says it in the words of whoever carries it out. */
export function inDialect(merged: Merged, context: PrepareContext): Merged | Refused {
  const { run } = merged;
  const dialect = DIALECTS[context.executor ?? 'agent'];
  const at = (it: Problem) => (run ? atItsSource(it, run) : { ...it, path: ['spec', ...it.path] });
  const flaws = dialect.flaws(merged).map(at);
  if (run?.spec.window && !dialect.hasWindows) {
    flaws.push({ path: ['spec', 'window'], message: NOT_CARRIED_OUT });
  }
  const spec = dialect.spec(merged, context);
  if (spec === undefined) flaws.push(at({ path: ['image'], message: NO_IMAGE }));
  return flaws.length > 0 || spec === undefined ? refuse(merged, flaws) : { ...merged, spec };
}
