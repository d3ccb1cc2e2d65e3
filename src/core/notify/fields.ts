import type { NotifyField } from '../../api/notify.ts';
import { type Pattern } from '../../api/patterns.ts';
import { reportPath, type Layout } from '../runs/paths.ts';
import { countsText } from '../text/counts.ts';
import { maskPatterns } from '../text/mask.ts';
import { flat } from '../text/output.ts';
import { oneLine, period, spoken } from '../text/table.ts';
import type { NotifyEvent } from './events.ts';

export interface Wording {
  layout: Layout;
  /** What is masked in texts. */
  mask: readonly Pattern[];
}

/** A header of Slack takes 150 characters; a title has a few words before and after the name. */
const NAME = 110;
const TEXT = 1500;
const ADDRESS = 1000;
/**
 * How long an alert fires by itself. A wait is ended by what follows it. A run that failed stays so, and nothing ends its alert: of two
 * times that are yet to come Alertmanager keeps the later one, so none may be longer than the last is to be.
 */
const FIRES_MS = { NodeOpFailed: 24 * 3_600_000, NodeOpWaiting: 7 * 24 * 3_600_000 };

/** What a message is made of. All of it is text of one line, bounded, without what could act where it is shown. */
export function fieldsOf(event: NotifyEvent, { layout, mask }: Wording): Record<NotifyField, string> {
  const { standing, at } = event;
  const { run, namespace, nodeOp, phase, counts, failure } = standing;
  const say = (text: string, most: number) => oneLine(maskPatterns(flat(text), mask), most).toWellFormed();
  const name = say(run ?? `${namespace ?? ''}/${nodeOp ?? ''}`, NAME);
  const isFiring = isAlarming(event);
  const alert = isOfWait(event) ? 'NodeOpWaiting' : 'NodeOpFailed';
  return {
    event: event.name,
    title: `${headline(event)}: ${name}`,
    // Receivers refuse a text that is empty.
    text: say(textOf(event) || headline(event), TEXT),
    name,
    cluster: layout.cluster ?? '',
    run: say(run ?? '', TEXT),
    report: run === undefined ? '' : addressOf(reportPath(layout, run)),
    namespace: namespace ?? '',
    nodeOp: nodeOp ?? '',
    phase,
    node: event.name === 'firstFailure' ? say(failure?.node ?? '', TEXT) : '',
    total: String(counts.total ?? 0),
    completed: String(counts.completed ?? 0),
    failed: String(counts.failed ?? 0),
    cancelled: String(counts.cancelled ?? 0),
    severity: severityOf(event),
    alert,
    status: isFiring ? 'firing' : 'resolved',
    at: stamp(at),
    startsAt: stamp(startOf(event)),
    endsAt: stamp(isFiring ? at + FIRES_MS[alert] : at),
  };
}

function isOfWait({ name }: NotifyEvent): boolean {
  return name === 'waiting' || name === 'resumed';
}

function isAlarming({ name, standing }: NotifyEvent): boolean {
  if (name === 'ended') return standing.phase === 'Failed' || standing.phase === 'Invalid';
  return name === 'firstFailure' || name === 'waiting';
}

function severityOf(event: NotifyEvent): string {
  if (!isAlarming(event)) return 'info';
  return event.name === 'ended' ? 'critical' : 'warning';
}

/** Of an alert never after its end. */
function startOf({ at, since, standing: { failure, startedAt } }: NotifyEvent): number {
  const begun = failure === undefined || failure.at === Infinity ? startedAt : failure.at;
  return Math.min(since ?? begun ?? at, at);
}

function headline({ name, standing, at, since = at }: NotifyEvent): string {
  switch (name) {
    case 'started':
      return 'Started';
    case 'firstFailure':
      return 'First failure';
    case 'waiting':
      return `Waiting for ${spoken((at - since) / 1000)}`;
    case 'resumed':
      return 'Waits no longer';
    case 'ended':
      return standing.phase;
  }
}

function textOf({ name, standing, at }: NotifyEvent): string {
  const { counts, failure, message, waitsFor, startedAt } = standing;
  const counted = (counts.total ?? 0) > 0 ? countsText(counts) : '';
  switch (name) {
    case 'started':
      return counted;
    case 'firstFailure':
      return [`${failure?.node}: ${failure?.message}`, counted].filter(Boolean).join('; ');
    case 'waiting':
      return waitsFor ?? '';
    case 'resumed':
      return message === '' ? counted : message;
    case 'ended': {
      const said = message.startsWith(counted) ? [message] : [counted, message];
      const took = startedAt === undefined ? '' : `it took ${period((at - startedAt) / 1000)}`;
      return [...said, took].filter((part) => part !== '').join('; ');
    }
  }
}

/** One that is cut would lead nowhere. */
function addressOf(path: string): string {
  const address = path.toWellFormed().split('/').map(encodeURIComponent).join('/');
  return address.length > ADDRESS ? '' : address;
}

function stamp(at: number): string {
  return new Date(at).toISOString().replace('.000Z', 'Z');
}
