import type { Problem } from './schema.ts';
import { own } from './own.ts';
import { show } from './wording.ts';

/** Kinds that people bring along from other tools, and what to do about each; undefined for all others. */
export function foreignKind(kind: unknown, apiVersion: unknown): string | undefined {
  if (typeof kind !== 'string') return undefined;
  if (kind === 'List' || (kind.endsWith('List') && typeof apiVersion === 'string')) {
    return `${show(kind)} holds several objects, as kubectl prints them; put each into a file of its own`;
  }
  const group = typeof apiVersion === 'string' ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  if (kind === 'NodeOpUpgrade') {
    return '"NodeOpUpgrade" is not carried out here; nodeop-agent import turns it into a definition and a run, see docs/compare.md';
  }
  if (kind === 'Plan' && group === 'upgrade.cattle.io') {
    return '"Plan" of the system-upgrade-controller is not carried out here; nodeop-agent import turns it into a definition and a run, see docs/compare.md';
  }
  return own(BUILT_IN, kind);
}

const APPLIED = (kind: string) =>
  `"${kind}" is not carried out here; Argo CD, Flux or kubectl apply it (docs/argocd.md, docs/flux.md)`;
const BUILT_IN: Readonly<Record<string, string>> = Object.fromEntries(
  ['Job', 'CronJob', 'Pod', 'DaemonSet', 'Deployment', 'ConfigMap', 'Secret', 'Kustomization'].map((it) => [
    it,
    APPLIED(it),
  ]),
);

/** What only an API server writes. Generators leave `creationTimestamp: null` and `status: {}` behind, which say nothing. */
const BY_SERVER = ['managedFields', 'resourceVersion', 'uid', 'selfLink', 'ownerReferences'];

/** The problem of a document that was taken out of a cluster: it would be carried out once more, under the name it had. */
export function exportedObject(document: object): Problem | undefined {
  const metadata: unknown = Reflect.get(document, 'metadata');
  const status: unknown = Reflect.get(document, 'status');
  const found = [
    ...(typeof metadata === 'object' && metadata !== null
      ? BY_SERVER.filter((it) => Object.hasOwn(metadata, it)).map((it) => ['metadata', it])
      : []),
    ...(isFilled(status) && Reflect.get(document, 'kind') === 'NodeOp' ? [['status']] : []),
  ];
  const [first] = found;
  if (first === undefined) return undefined;
  const names = found.map((it) => it.join('.')).join(', ');
  const message = `is an object taken out of a cluster (${names}); keep apiVersion, kind, metadata.name and spec alone`;
  return { path: first, message };
}

function isFilled(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}
