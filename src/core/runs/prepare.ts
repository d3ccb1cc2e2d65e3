import { unreadable } from '../../api/documents.ts';
import { withDefinition } from './prepare/definition.ts';
import { inDialect } from './prepare/dialect.ts';
import { toManifest } from './prepare/manifest.ts';
import { withOverrides } from './prepare/overrides.ts';
import { withParameters } from './prepare/parameters.ts';
import { readRun } from './prepare/read.ts';
import { stages, type Preparation, type PrepareContext, type RunSource } from './prepare/stage.ts';

export type { Manifest, Preparation, PrepareContext } from './prepare/stage.ts';

/** The way of a run file, one room each. */
const PREPARING = stages(readRun)
  .next(withDefinition)
  .next(withParameters)
  .next(withOverrides)
  .next(inDialect)
  .next(toManifest);

/** Turns a run file into the NodeOp to create, or says everything that is wrong with it. Never throws. */
export function prepareRun(source: RunSource, context: PrepareContext): Preparation {
  try {
    return PREPARING.run(source, context);
  } catch (error) {
    return unreadable(error);
  }
}
