import { isQualifiedName } from './qualified-name.ts';

/**
 * Rules of core/v1 for what goes into a pod as people wrote it (validation of pods in the API server). Without them a Job would
 * be refused only after its node was drained. Each gives what is wrong, or undefined.
 */

const FIELDS = new Set([
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
]);

export function fieldPathProblem(path: string): string | undefined {
  if (FIELDS.has(path)) return undefined;
  const [, kind, key = ''] = /^metadata\.(labels|annotations)\['([^']*)'\]$/.exec(path) ?? [];
  if (isQualifiedName(kind === 'annotations' ? key.toLowerCase() : key)) return undefined;
  return `no field of a pod that a variable can have: ${[...FIELDS].join(', ')}, metadata.labels['KEY'], metadata.annotations['KEY']`;
}

const OF_CPU = ['1', '1m'];
const OF_BYTES = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei'];

/** Of the unit in which a variable is told a resource; nothing and "0" stand for 1. */
export function divisorProblem(resource: string, divisor: string): string | undefined {
  const units = resource.endsWith('.cpu') ? OF_CPU : OF_BYTES;
  if (divisor === '' || divisor === '0' || units.includes(divisor)) return undefined;
  return `must be one of ${units.join(', ')}`;
}

/** The rules of the API server and of the mount: there the container has file systems of its own. */
export function mountPathProblem(path: string): string | undefined {
  if (path.includes(':') || path.split('/').includes('..')) return 'must not hold ":" or ".."';
  if (/\p{Cc}/u.test(path)) return 'must not hold control characters';
  const [first = '', ...inside] = path.split('/').filter((it) => it !== '' && it !== '.');
  if (first === '') return 'must be an absolute path other than "/"';
  const isTaken = ['dev', 'proc', 'sys'].includes(first) || (first === 'etc' && inside.length === 0);
  return isTaken ? `must not be /${first}, which the container has of its own` : undefined;
}

/** What no program can be given: a word ends with NUL, and half of a character is none. */
export function wordProblem(text: string): string | undefined {
  if (text.includes('\0')) return 'must not hold the character NUL';
  return text.isWellFormed() ? undefined : 'must be Unicode text, holds half of a character';
}

export function resourceProblem(resource: string): string | undefined {
  if (/^(?:limits|requests)\.(?:cpu|memory|ephemeral-storage|hugepages-[\w.]{1,20})$/.test(resource))
    return undefined;
  return 'expected a resource of a container such as "limits.cpu" or "requests.memory"';
}

/** A key of a Secret or ConfigMap. */
export function keyProblem(key: string): string | undefined {
  const isKey = /^[-._a-zA-Z0-9]{1,253}$/.test(key) && key !== '.' && !key.startsWith('..');
  return isKey ? undefined : 'not a key of a Secret or ConfigMap';
}

interface Toleration {
  key?: string | undefined;
  operator?: 'Exists' | 'Equal' | undefined;
  value?: string | undefined;
  effect?: string | undefined;
  tolerationSeconds?: number | undefined;
}

export function tolerationProblems(it: Toleration): { path: string[]; message: string }[] {
  const { key = '', operator = 'Equal', value = '', effect, tolerationSeconds } = it;
  const problems: { path: string[]; message: string }[] = [];
  const say = (field: string, message: string) => problems.push({ path: [field], message });
  if (key !== '' && !isQualifiedName(key)) say('key', 'not the key of a taint');
  if (key === '' && operator !== 'Exists') say('operator', 'must be "Exists" where no key is named');
  if (operator === 'Exists' && value !== '') say('value', 'must be left out with operator "Exists"');
  if (!/^(?:[A-Za-z0-9](?:[-\w.]{0,61}[A-Za-z0-9])?)?$/.test(value)) say('value', 'not the value of a taint');
  if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
    say('tolerationSeconds', 'needs the effect "NoExecute"');
  }
  return problems;
}
