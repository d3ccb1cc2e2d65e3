import type { NodeRow } from '../../../api/page.ts';
import { TONE_SHAPES } from '../draw/shapes.ts';
import { isFinished, moment, said } from '../words.ts';
import { PhaseSign, Sign } from './state.tsx';
import { Since } from './time.tsx';

/** How a node stands in a run: what happened, and when. */
export function Here({ row }: { row: NodeRow }) {
  const { phase, message, attempts, exitCode, reboot, cordoned, step, zone, startedAt, since, finishedAt } =
    row;
  const facts: [string, string | number | undefined][] = [
    ['Step', step],
    ['Zone', zone],
    ['Attempts', attempts],
    ['Exit code', exitCode],
    ['Reboot', reboot],
    ['Began', startedAt === undefined ? undefined : moment(startedAt)],
    ['Ended', finishedAt === undefined ? undefined : moment(finishedAt)],
  ];
  return (
    <>
      <div class="here">
        <PhaseSign phase={phase} />
        {startedAt !== undefined && (
          <span class="muted">
            {isFinished(phase) ? 'after ' : 'begun '}
            <Since time={startedAt} until={finishedAt} />
            {!isFinished(phase) && ' ago'}
          </span>
        )}
        {since !== undefined && !isFinished(phase) && (
          <span class="muted">
            in this phase for <Since time={since} />
          </span>
        )}
        {cordoned === true && <Sign tone="failed" word="left cordoned" path={TONE_SHAPES.gone} />}
      </div>
      {message !== undefined && <p class="here-message">{said(message)}</p>}
      <dl class="facts">
        {facts
          .filter(([, value]) => value !== undefined)
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{typeof value === 'string' ? said(value) : value}</dd>
            </div>
          ))}
      </dl>
    </>
  );
}
