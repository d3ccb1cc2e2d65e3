import { createHash } from 'node:crypto';
import type { Folders } from './paths.ts';

/**
 * What the cluster itself remembers of runs, beside Git: which of them began, and the tips that were seen last. It lies in
 * parts (ConfigMaps): one `head`, entries in parts named by number, and results that Git does not have yet.
 */
export interface LedgerPart {
  name: string;
  /** As the API server has it; absent when it is not there yet. */
  version?: string | undefined;
  data: Readonly<Record<string, string>>;
}

export const HEAD = 'head';
const MAX_PARTS = 32;
/** An entry is 12 bytes, which are 16 letters; a part stays under 512 KiB, and a write touches one block of it. */
const ENTRY_LETTERS = 16;
const BLOCK_ENTRIES = 1024;
const PART_BLOCKS = 31;
export const CAPACITY = MAX_PARTS * PART_BLOCKS * BLOCK_ENTRIES;

/** The run file's path, as it is remembered. */
export function entryOf(path: string): string {
  return createHash('sha256').update(path).digest().subarray(0, 12).toString('base64url');
}

export function isEntries({ name }: LedgerPart): boolean {
  return /^\d+$/.test(name) && Number(name) < MAX_PARTS;
}

/** All entries of these parts. What is damaged is left out of none: a block is cut into entries as far as it goes. */
export function entriesOf(parts: Iterable<LedgerPart>): Set<string> {
  const entries = new Set<string>();
  for (const part of parts) {
    if (!isEntries(part)) continue;
    for (const block of blocksOf(part)) {
      for (let at = 0; at + ENTRY_LETTERS <= block.length; at += ENTRY_LETTERS) {
        entries.add(block.slice(at, at + ENTRY_LETTERS));
      }
    }
  }
  return entries;
}

function blocksOf({ data }: LedgerPart): string[] {
  return Object.entries(data).flatMap(([key, block]) => (key.startsWith('b') ? [block] : []));
}

/** How many more there is room for. */
export function roomIn(parts: Iterable<LedgerPart>): number {
  let used = 0;
  for (const part of parts) {
    if (!isEntries(part)) continue;
    for (const block of blocksOf(part)) used += Math.ceil(block.length / ENTRY_LETTERS);
  }
  return Math.max(0, CAPACITY - used);
}

/** UIDs of the NodeOps that the newest entries of a part were written for, by entry. */
const RECENT = 'recent';
const MOST_RECENT = 64;

/** By entry the UID of the NodeOp it was written for, of the newest ones. */
export function recentOf(parts: Iterable<LedgerPart>): Map<string, string> {
  const recent = new Map<string, string>();
  for (const part of parts) {
    if (!isEntries(part)) continue;
    for (const line of (part.data[RECENT] ?? '').split('\n')) {
      const [entry = '', uid = ''] = line.split(' ');
      if (uid !== '') recent.set(entry, uid);
    }
  }
  return recent;
}

function withRecent(text: string, entries: readonly NewEntry[]): string {
  const lines = entries.flatMap(({ entry, uid }) => (uid === undefined ? [] : [`${entry} ${uid}`]));
  return [...text.split('\n'), ...lines]
    .filter((it) => it !== '')
    .slice(-MOST_RECENT)
    .join('\n');
}

/** With the UID of the NodeOp that is to begin by it, if there is one yet. */
export interface NewEntry {
  entry: string;
  uid?: string | undefined;
}

/** One part that takes as many of the entries as fit, with nothing but what changes of its data; undefined when all are full. */
export function withEntries(
  parts: ReadonlyMap<string, LedgerPart>,
  entries: readonly NewEntry[],
): { part: LedgerPart; taken: number } | undefined {
  for (let number = 0; number < MAX_PARTS; number++) {
    const part = parts.get(String(number)) ?? { name: String(number), data: {} };
    const data: Record<string, string> = {};
    let taken = 0;
    for (let block = 0; block < PART_BLOCKS && taken < entries.length; block++) {
      const key = `b${String(block).padStart(2, '0')}`;
      const text = part.data[key] ?? '';
      const free = BLOCK_ENTRIES - Math.ceil(text.length / ENTRY_LETTERS);
      if (free <= 0) continue;
      const some = entries.slice(taken, taken + free);
      data[key] = text + some.map(({ entry }) => entry).join('');
      taken += some.length;
    }
    if (taken === 0) continue;
    data[RECENT] = withRecent(part.data[RECENT] ?? '', entries.slice(0, taken));
    return { part: { ...part, data }, taken };
  }
  return undefined;
}

/** What the head tells. */
export interface Head {
  /** The tip of the branch with the run files that was acted on last, and of the one with the results. */
  runs?: string | undefined;
  results?: string | undefined;
  /** Since when reports have to be signed; absent where they need not be. */
  signed?: SignedSince | undefined;
  /** Runs that wait, for `status` and `watch`. */
  waiting: readonly WaitingRun[];
  /** How many there are, of which `waiting` may be the first. */
  waitingCount: number;
  /** Run files that are passed over: how many, and the last of them by path. */
  passedOver: number;
  passedOverRuns: readonly string[];
  /** The tip at which the file was seen last that holds all clusters, as long as it holds. */
  heldAt?: string | undefined;
  /** The folders that the tips were read by; absent in records of former versions. */
  folders?: Folders | undefined;
  /** Files and folders that people take for those that the agent looks for, in sentences. */
  misnamed?: readonly string[];
}

/** What the results held when the agent came to sign with its key: that was believed without a signature. */
export interface SignedSince {
  /** Changes with the key, and with where the reports are. */
  key: string;
  /** Tip of the branch with the results; absent when there was none. */
  commit?: string | undefined;
}

export interface WaitingRun {
  run: string;
  reason: string;
  message: string;
  /** RFC 3339. */
  until?: string | undefined;
}

/** As much of a head as people are told. */
export type Told = Pick<Head, 'waiting' | 'waitingCount' | 'passedOver' | 'passedOverRuns'> & {
  misnamed: readonly string[];
};

/** What several agents tell of runs that have not begun. */
export function together(heads: readonly Head[]): Told {
  const sum = (count: (head: Head) => number) => heads.reduce((all, head) => all + count(head), 0);
  return {
    waiting: heads.flatMap(({ waiting }) => waiting),
    waitingCount: sum(({ waitingCount }) => waitingCount),
    passedOver: sum(({ passedOver }) => passedOver),
    passedOverRuns: heads.flatMap(({ passedOverRuns }) => passedOverRuns),
    misnamed: [...new Set(heads.flatMap(({ misnamed }) => misnamed ?? []))],
  };
}

/** So many are told of; the reports and the baseline file tell of all. */
const TOLD = 200;
const TOLD_BYTES = 32 * 1024;
const TOLD_NAMES = 20;

/** Those that are told of. Names of run files begin with their day as a rule, so the last ones are the newest. */
export function toldOf(passedOver: ReadonlySet<string>): string[] {
  const newestFirst = [...passedOver].slice(-TOLD).toReversed();
  let bytes = 0;
  return newestFirst.filter((path) => (bytes += Buffer.byteLength(path)) <= TOLD_BYTES).toReversed();
}

export function headData(head: Head): Record<string, string> {
  const { runs = '', results = '', signed, waiting, waitingCount, passedOver, heldAt = '' } = head;
  const { passedOverRuns, misnamed = [], folders } = head;
  return {
    heldAt,
    folders: folders === undefined ? '' : JSON.stringify([folders.runs, folders.results]),
    runs,
    results,
    signed: signed === undefined ? '' : `${signed.key} ${signed.commit ?? ''}`.trim(),
    waiting: JSON.stringify(waiting.slice(0, TOLD)),
    waitingCount: String(waitingCount),
    passedOver: String(passedOver),
    passedOverRuns: JSON.stringify(passedOverRuns),
    misnamed: JSON.stringify(misnamed.slice(0, TOLD_NAMES)),
  };
}

/** Never throws: people may have changed it. */
export function parseHead(data: Readonly<Record<string, string>> = {}): Head {
  const id = (text: string | undefined) => (/^[0-9a-f]{40,64}$/.test(text ?? '') ? text : undefined);
  return {
    runs: id(data['runs']),
    results: id(data['results']),
    signed: parseSigned(data['signed']),
    waiting: parseWaiting(data['waiting']),
    waitingCount: Number(data['waitingCount']) || 0,
    passedOver: Number(data['passedOver']) || 0,
    passedOverRuns: parseList(data['passedOverRuns']).filter((it) => typeof it === 'string'),
    heldAt: id(data['heldAt']),
    folders: parseFolders(data['folders']),
    misnamed: parseList(data['misnamed']).filter((it) => typeof it === 'string'),
  };
}

function parseSigned(text = ''): SignedSince | undefined {
  const [, key, commit] = /^([0-9a-f]{64})(?: ([0-9a-f]{40,64}))?$/.exec(text) ?? [];
  return key === undefined ? undefined : { key, commit };
}

function parseFolders(text = ''): Folders | undefined {
  const [runs, results] = parseList(text === '' ? '[]' : text);
  return typeof runs === 'string' && typeof results === 'string' ? { runs, results } : undefined;
}

function parseList(text = '[]'): unknown[] {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list : [];
  } catch {
    return [];
  }
}

function parseWaiting(text: string | undefined): WaitingRun[] {
  return parseList(text).flatMap((it) => {
    if (typeof it !== 'object' || it === null) return [];
    const { run, reason, message, until } = it as Record<string, unknown>;
    if (typeof run !== 'string') return [];
    return [
      {
        run,
        reason: typeof reason === 'string' ? reason : '',
        message: typeof message === 'string' ? message : '',
        ...(typeof until === 'string' && { until }),
      },
    ];
  });
}
