import { nearest, shownWords } from './wording.ts';
import { own } from './own.ts';
import { isQualifiedName } from './qualified-name.ts';

/** Rules of core/v1 for what a container requests and is limited to (validation of resources in the API server). */

type Quantities = Readonly<Record<string, string | number>>;
interface Requirements {
  requests?: Quantities | undefined;
  limits?: Quantities | undefined;
  claims?: readonly unknown[] | undefined;
}
interface Found {
  path: string[];
  message: string;
}

/** As apimachinery's `resource.Quantity` is read: `200m`, `1.5`, `128Mi`, `1e3`. */
export const QUANTITY = /^[+-]?(\d+(\.\d*)?|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$/;
/** Nobody writes a longer one, and to read one takes more than its length. */
export const MAX_QUANTITY = 60;

const POWERS: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const BINARY = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
/** Beyond it every quantity is as good as none, or more than there is. */
const MAX_POWER = 40;

/** A valid quantity in billionths, the smallest that are told apart; what is smaller counts as one of them. */
function billionths(quantity: string | number): bigint {
  const [, sign, whole = '', fraction = '', suffix = ''] =
    /^([+-]?)(\d*)(?:\.(\d*))?([a-zA-Z]{0,2}|[eE][+-]?\d+)$/.exec(String(quantity)) ?? [];
  const given = /^[eE][+-]?\d/.test(suffix) ? Number(suffix.slice(1)) : (own(POWERS, suffix) ?? 0);
  const power = Math.max(-MAX_POWER, Math.min(MAX_POWER, given)) + 9 - fraction.length;
  const digits = BigInt(`0${whole}${fraction}`) * 1024n ** BigInt(BINARY.indexOf(suffix) + 1);
  const scale = 10n ** BigInt(Math.abs(power));
  const amount = power >= 0 ? digits * scale : (digits + scale - 1n) / scale;
  return sign === '-' ? -amount : amount;
}

const BILLION = 1_000_000_000n;
const OF_CONTAINERS = ['cpu', 'memory', 'ephemeral-storage'];
const HUGE_PAGES = /^hugepages-(\d{1,9}(?:[KMGT]i)?)$/;

function nameProblem(name: string): string | undefined {
  if (!name.includes('/')) {
    if (OF_CONTAINERS.includes(name) || HUGE_PAGES.test(name)) return undefined;
    const guess = nearest(name, OF_CONTAINERS);
    const way = guess === undefined ? '' : `; did you mean "${guess}"?`;
    return `expected cpu, memory, ephemeral-storage, hugepages-2Mi or a name with a domain such as example.org/gpu${way}`;
  }
  const isName = isQualifiedName(name) && !name.startsWith('requests.');
  return isName ? undefined : 'not the name of a resource';
}

/** Of what is counted in pieces nobody can have more than there is; names of Kubernetes itself are no such. */
function isCounted(name: string): boolean {
  return name.startsWith('hugepages-') || (name.includes('/') && !name.includes('kubernetes.io/'));
}

function amountProblem(name: string, quantity: string | number): string | undefined {
  const amount = billionths(quantity);
  if (amount < 0n) return 'must not be less than nothing';
  const size = HUGE_PAGES.exec(name)?.[1];
  if (size !== undefined) {
    const page = billionths(size);
    return page > 0n && amount % page === 0n ? undefined : `must be a multiple of ${size}`;
  }
  return isCounted(name) && amount % BILLION !== 0n ? 'must be a whole number' : undefined;
}

/** Only of names and amounts that are right by themselves it is told how they compare. */
function comparedProblem(name: string, request: string | number, limits: Quantities): string | undefined {
  const limit = own(limits, name);
  if (limit === undefined) return isCounted(name) ? 'needs a limit that is the same' : undefined;
  const more = billionths(request) - billionths(limit);
  if (isCounted(name) && more !== 0n)
    return `must be the same as the limit, ${shownWords(String(limit), 60)}`;
  return more > 0n ? `must not be more than the limit, ${shownWords(String(limit), 60)}` : undefined;
}

/** What is wrong with them, each with its place. */
export function resourcesProblems({ requests = {}, limits = {}, claims = [] }: Requirements): Found[] {
  const found: Found[] = [];
  const say = (path: string[], message: string | undefined) => {
    if (message !== undefined) found.push({ path, message });
  };
  for (const [field, quantities] of Object.entries({ requests, limits })) {
    for (const [name, quantity] of Object.entries(quantities)) {
      const message =
        nameProblem(name) ??
        amountProblem(name, quantity) ??
        (field === 'requests' ? comparedProblem(name, quantity, limits) : undefined);
      say([field, name], message);
    }
  }
  const names = [...Object.keys(requests), ...Object.keys(limits)];
  const page = names.find((it) => it.startsWith('hugepages-'));
  if (page !== undefined && !names.includes('cpu') && !names.includes('memory'))
    say([own(limits, page) === undefined ? 'requests' : 'limits', page], 'needs cpu or memory beside it');
  if (claims.length > 0) say(['claims'], 'must be left out: the pods have no claims of resources');
  return found;
}
