import { type Fields, type Imported, toFiles } from './imported.ts';
import { isObject } from '../runs/merge.ts';
import { ofNodeOp, ofNodeOpUpgrade } from './kairos.ts';
import { ofPlan } from './plan.ts';

/** Manifests of other tools that can be turned into a definition and a run. */
const KINDS: Record<string, (manifest: Fields) => Parameters<typeof toFiles>[0]> = {
  'operator.kairos.io NodeOp': ofNodeOp,
  'operator.kairos.io NodeOpUpgrade': ofNodeOpUpgrade,
  'upgrade.cattle.io Plan': ofPlan,
};

/** What becomes of a document; undefined for one of another kind. Lists, as kubectl prints them, give what is in them. */
export function importDocument(document: unknown): (Imported | undefined)[] {
  if (!isObject(document)) return [undefined];
  const { apiVersion, kind, items } = document;
  if (Array.isArray(items)) return items.flatMap(importDocument);
  const group = String(apiVersion).split('/')[0];
  const make = KINDS[`${group} ${String(kind)}`];
  return [make && toFiles(make(document))];
}
