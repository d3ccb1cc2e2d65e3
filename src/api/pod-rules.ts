import { own } from './own.ts';
/**
 * Rules of core/v1 for what goes into a pod as people wrote it (validation of pods in the API server). Without them a Job would
 * be refused only after its node was drained. Each gives what is wrong, or undefined.
 */

const COMPONENT = /^[a-z0-9]+(?:[._-]{1,8}[a-z0-9]+)*$/;
const REGISTRY = /^(?:[A-Za-z0-9.-]{1,253}|\[[0-9a-fA-F:.]{2,45}\])(?::\d{1,5})?$/;

/** As container runtimes read a reference: `registry:5000/team/name:tag@sha256:…`. */
export function imageProblem(image: string): string | undefined {
  if (image.length > 1000) return 'is longer than 1000 characters';
  if (/\s/.test(image)) return 'must not hold spaces';
  const [named = '', digest, ...more] = image.split('@');
  if (more.length > 0 || (digest !== undefined && !/^[a-z0-9.+_-]{1,40}:[0-9a-fA-F]{32,128}$/.test(digest))) {
    return 'has a digest that is none, such as "@sha256:" and 64 hexadecimal digits';
  }
  const colon = named.lastIndexOf(':');
  const hasTag = colon > named.lastIndexOf('/');
  if (hasTag && !/^\w[\w.-]{0,127}$/.test(named.slice(colon + 1))) return 'has a tag that is none';
  const parts = (hasTag ? named.slice(0, colon) : named).split('/');
  const [first = ''] = parts;
  const isRegistry = parts.length > 1 && (/[.:]/.test(first) || first === 'localhost');
  if (isRegistry && !REGISTRY.test(first)) return 'has a registry that is no host';
  const path = isRegistry ? parts.slice(1) : parts;
  if (path.some((it) => !COMPONENT.test(it))) {
    return 'is not the name of an image: lower-case letters, digits, ".", "_" and "-" between slashes';
  }
  return undefined;
}

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
  if (FIELDS.has(path) || /^metadata\.(?:labels|annotations)\['[\w./-]{1,317}'\]$/.test(path))
    return undefined;
  return `no field of a pod that a variable can have: ${[...FIELDS].join(', ')}, metadata.labels['KEY'], metadata.annotations['KEY']`;
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
  if (key !== '' && !/^(?:[a-z0-9][-a-z0-9.]{0,252}\/)?[A-Za-z0-9](?:[-\w.]{0,61}[A-Za-z0-9])?$/.test(key)) {
    say('key', 'not the key of a taint');
  }
  if (key === '' && operator !== 'Exists') say('operator', 'must be "Exists" where no key is named');
  if (operator === 'Exists' && value !== '') say('value', 'must be left out with operator "Exists"');
  if (!/^(?:[A-Za-z0-9](?:[-\w.]{0,61}[A-Za-z0-9])?)?$/.test(value)) say('value', 'not the value of a taint');
  if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
    say('tolerationSeconds', 'needs the effect "NoExecute"');
  }
  return problems;
}

const SUFFIXES: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** The number of a valid quantity. */
function amount(quantity: string | number): number {
  const [, number = '', suffix = ''] =
    /^([+-]?[\d.]+(?:[eE][+-]?\d+)?)([a-zA-Z]{0,2})$/.exec(String(quantity)) ?? [];
  return Number(number) * (SUFFIXES[suffix] ?? Number.NaN);
}

type Quantities = Readonly<Record<string, string | number>>;

export function resourcesProblems({
  requests = {},
  limits = {},
}: {
  requests?: Quantities | undefined;
  limits?: Quantities | undefined;
}): { path: string[]; message: string }[] {
  const negative = Object.entries({ requests, limits }).flatMap(([field, quantities]) =>
    Object.entries(quantities)
      .filter(([, it]) => amount(it) < 0)
      .map(([name]) => ({ path: [field, name], message: 'must not be less than nothing' })),
  );
  const over = Object.entries(requests)
    .filter(([name, it]) => {
      const limit = own(limits, name);
      return limit !== undefined && amount(it) > amount(limit);
    })
    .map(([name]) => ({
      path: ['requests', name],
      message: `must not be more than the limit, ${limits[name]}`,
    }));
  return [...negative, ...over];
}
