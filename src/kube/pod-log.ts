import type { Readable } from 'node:stream';
import type { KubeClient } from './client.ts';
import { objectPath, PODS } from './resources.ts';

/** A line as its container wrote it, whatever is in it. */
export interface PodLogLine {
  /** RFC 3339 with nanoseconds, by the clock of the node; undefined for what the kubelet says itself. */
  time: string | undefined;
  text: string;
}

export interface PodLogOptions {
  namespace: string;
  pod: string;
  container: string;
  /** Of the start before. */
  isPrevious: boolean;
  /** Until the container has ended, instead of until now. */
  follow: boolean;
  /** Only what comes after the line with that time. */
  after?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** A container may have nothing to say for as long as it runs; a connection that is gone is found out by TCP. */
const IDLE_MS = 24 * 3600_000;
/** What has no end is cut: nobody reads it, and it has to be held as a whole. */
const LONGEST_LINE = 1024 * 1024;

/** Reads the log of one container, line by line. Throws ApiError as `open` does, and what a broken stream throws. */
export async function* readPodLog(client: KubeClient, options: PodLogOptions): AsyncGenerator<PodLogLine> {
  const { namespace, pod, container, isPrevious, follow, after, signal } = options;
  const query = {
    container,
    timestamps: 'true',
    previous: isPrevious ? 'true' : undefined,
    follow: follow ? 'true' : undefined,
    // In whole seconds: what is known of the first one is left out below.
    sinceTime: after?.replace(/\.\d+/, ''),
  };
  const body = await client.open('GET', `${objectPath(PODS, pod, namespace)}/log`, {
    query,
    ...(follow && { idleMs: IDLE_MS }),
    ...(signal && { signal }),
  });
  for await (const raw of wholeLines(body)) {
    const line = parseLine(raw);
    if (after === undefined || line.time === undefined || isAfter(line.time, after)) yield line;
  }
}

function parseLine(raw: string): PodLogLine {
  const found = /^(\d{4}-\d\d-\d\dT[\d:]{8}(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)) ?/.exec(raw);
  return { time: found?.[1], text: raw.slice(found?.[0].length ?? 0) };
}

/** Of times of one clock; those that are alike to the millisecond are written alike. */
function isAfter(time: string, other: string): boolean {
  return (Date.parse(time) - Date.parse(other) || (time > other ? 1 : 0)) > 0;
}

/** Empty ones as well, and the last one without an end: a log is whatever was written. */
async function* wholeLines(body: Readable): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let pieces: string[] = [];
  let held = 0;
  try {
    for await (const bytes of body as AsyncIterable<Buffer>) {
      const lines = decoder.decode(bytes, { stream: true }).split('\n');
      const rest = lines.pop() ?? '';
      for (const line of lines) {
        yield [...pieces, line].join('');
        pieces = [];
        held = 0;
      }
      pieces.push(rest);
      held += rest.length;
      if (held < LONGEST_LINE) continue;
      yield pieces.join('');
      pieces = [];
      held = 0;
    }
    if (held > 0) yield pieces.join('');
  } finally {
    body.destroy();
  }
}
