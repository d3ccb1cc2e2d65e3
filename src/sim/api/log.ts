import { badRequest } from '../store/errors.ts';
import type { Obj } from '../store/object.ts';

/** The log of the container that is meant: that of the only one, or the one named. */
export function containerLog(
  { metadata }: Obj,
  logs: ReadonlyMap<string, string | undefined>,
  asked: string | null,
): string {
  const names = [...logs.keys()];
  if (asked === null && names.length > 1) {
    const choice = `choose one of: [${names.join(' ')}]`;
    throw badRequest(`a container name must be specified for pod ${metadata.name}, ${choice}`);
  }
  const name = asked ?? names[0] ?? '';
  if (!logs.has(name)) throw badRequest(`container ${name} is not valid for pod ${metadata.name}`);
  const text = logs.get(name);
  if (text !== undefined) return text;
  throw badRequest(`container "${name}" in pod "${metadata.name}" is waiting to start: ContainerCreating`);
}

/** A log cut as asked: `tailLines` first, then `limitBytes` from its beginning. */
export function logText(text: string, query: URLSearchParams): string {
  const tail = query.get('tailLines');
  const limit = query.get('limitBytes');
  const lines = tail === null ? text : lastLines(text, Number(tail));
  return limit === null ? lines : Buffer.from(lines).subarray(0, Number(limit)).toString();
}

function lastLines(text: string, count: number): string {
  const lines = text.replace(/\n$/, '').split('\n');
  return `${lines.slice(-count).join('\n')}\n`;
}
