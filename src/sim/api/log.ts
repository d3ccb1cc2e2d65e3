import type { Clock } from '../../core/ports.ts';
import type { ContainerLog, ContainerLogs } from '../node/log.ts';
import { badRequest } from '../store/errors.ts';
import type { Obj } from '../store/object.ts';
import type { ApiResponse } from './request.ts';

const LOOK_MS = 100;

/** Answers for the log of the container that is meant: that of the only one, or the one named. */
export function answerLog(
  pod: Obj,
  logs: ReadonlyMap<string, ContainerLogs>,
  { query, response, clock }: { query: URLSearchParams; response: ApiResponse; clock: Clock },
): { code: number; body: string } | undefined {
  const found = containerLogs(pod, logs, query.get('container'));
  const isPrevious = query.get('previous') === 'true';
  const log = isPrevious ? found.previous : found.current;
  if (log === undefined) throw isPrevious ? noPrevious(pod) : notStarted(pod, query.get('container'), logs);
  const cut = (all: boolean) => linesOf(log, query, all);
  if (query.get('follow') !== 'true' || isPrevious) return { code: 200, body: limited(cut(true), query) };
  follow(found, cut, response, clock);
  return undefined;
}

function containerLogs(
  { metadata }: Obj,
  logs: ReadonlyMap<string, ContainerLogs>,
  asked: string | null,
): ContainerLogs {
  const names = [...logs.keys()];
  if (asked === null && names.length > 1) {
    const choice = `choose one of: [${names.join(' ')}]`;
    throw badRequest(`a container name must be specified for pod ${metadata.name}, ${choice}`);
  }
  const name = asked ?? names[0] ?? '';
  const found = logs.get(name);
  if (found === undefined) throw badRequest(`container ${name} is not valid for pod ${metadata.name}`);
  return found;
}

function notStarted({ metadata }: Obj, asked: string | null, logs: ReadonlyMap<string, unknown>): Error {
  const name = asked ?? [...logs.keys()][0] ?? '';
  return badRequest(`container "${name}" in pod "${metadata.name}" is waiting to start: ContainerCreating`);
}

function noPrevious({ metadata }: Obj): Error {
  return badRequest(`previous terminated container in pod "${metadata.name}" not found`);
}

/** A log cut as asked: `sinceTime`, then `tailLines`; times before the lines with `timestamps`. */
function linesOf(log: ContainerLog, query: URLSearchParams, all: boolean): string[] {
  const since = Date.parse(query.get('sinceTime') ?? '');
  const tail = query.get('tailLines');
  const found = log.lines(all).filter(({ time }) => Number.isNaN(since) || Date.parse(time) >= since);
  const last = tail === null ? found : found.slice(Math.max(0, found.length - Number(tail)));
  const isTimed = query.get('timestamps') === 'true';
  return last.map(({ time, text }) => (isTimed ? `${time} ${text}` : text));
}

function limited(lines: readonly string[], query: URLSearchParams): string {
  const text = lines.map((line) => `${line}\n`).join('');
  const limit = query.get('limitBytes');
  return limit === null ? text : Buffer.from(text).subarray(0, Number(limit)).toString();
}

/** Lines as they come, until the container has ended. */
function follow(
  { isOver }: ContainerLogs,
  cut: (all: boolean) => string[],
  response: ApiResponse,
  clock: Clock,
): void {
  response.writeHead(200, { 'content-type': 'text/plain', 'transfer-encoding': 'chunked' });
  response.flushHeaders();
  let told = 0;
  let cancel = () => {};
  const look = () => {
    const over = isOver();
    const lines = cut(over);
    if (lines.length > told) response.write(limited(lines.slice(told), new URLSearchParams()));
    told = lines.length;
    if (over) response.end();
    else cancel = clock.after(LOOK_MS, look);
  };
  response.on('close', () => cancel());
  look();
}
