import { useState } from 'preact/hooks';
import type { RunRow } from '../../../api/page.ts';
import { useOlder } from '../live/use-search.ts';
import { runPath } from '../route.ts';
import { useNow } from '../clock.ts';
import { isOver, nameOf, runTime, said, shortMoment } from '../words.ts';
import { Bar, Tally } from './bar.tsx';
import { RunSign } from './state.tsx';
import { Ago, Until } from './time.tsx';

/** More are shown when they are asked for: a page with hundreds of rows is slow, and nobody reads it. */
const PAGE = 25;

interface RunListProps {
  title: string;
  runs: readonly RunRow[];
  /** That older ones are found after those, which are known already. */
  older?: { known: readonly RunRow[]; total: number };
}

export function RunList({ title, runs, older }: RunListProps) {
  const [most, setMost] = useState(PAGE);
  const { rows: more, hasMore, read } = useOlder(older?.known ?? runs, older?.total ?? 0);
  const all = [...runs, ...more];
  const next = () => {
    setMost(most + PAGE);
    if (all.length < most + PAGE && hasMore) read();
  };
  return (
    <section class="runs">
      <h2>{title}</h2>
      <ol>
        {all.slice(0, most).map((run) => (
          <Run key={run.key} run={run} />
        ))}
      </ol>
      {(all.length > most || hasMore) && (
        <button type="button" onClick={next}>
          Show older runs
        </button>
      )}
    </section>
  );
}

export function Run({ run }: { run: RunRow }) {
  const name = said(run.name);
  const slash = name.lastIndexOf('/') + 1;
  return (
    <li class="run">
      <div class="run-state">
        <RunSign run={run} />
      </div>
      <div class="run-name">
        <a href={runPath(run.key)}>
          <span class="folder">{name.slice(0, slash)}</span>
          <b>{name.slice(slash)}</b>
        </a>
        <p class="muted">
          {run.cluster !== undefined && <span>{said(run.cluster)} · </span>}
          {run.by !== undefined && <span title={said(run.by)}>{nameOf(run.by)} · </span>}
          {run.mergedAt !== undefined && <Ago time={run.mergedAt} />}
        </p>
      </div>
      <div class="run-nodes">
        <Bar counts={run.counts} />
        <Tally counts={run.counts} isShort />
      </div>
      <div class="run-why">
        {run.step !== undefined && <p>{said(run.step)}</p>}
        {run.why !== undefined && <p class={run.step === undefined ? '' : 'muted'}>{said(run.why)}</p>}
      </div>
      <RunTimes run={run} />
    </li>
  );
}

function RunTimes({ run }: { run: RunRow }) {
  const now = useNow(isOver(run.state));
  const { until, estimate, finishedAt } = run;
  const time = runTime(run, now);
  return (
    <div class="run-time">
      {time !== undefined && <p>{time}</p>}
      {finishedAt !== undefined && <p class="muted">{shortMoment(finishedAt, now)}</p>}
      {until !== undefined && (
        <p class="muted">
          goes on <Until time={until} />
        </p>
      )}
      {estimate !== undefined && finishedAt === undefined && (
        <p class="muted">
          done <Until time={estimate} over="soon" />
        </p>
      )}
    </div>
  );
}
