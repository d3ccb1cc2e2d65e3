import type { RunHead, RunRow } from '../../../api/page.ts';
import { useNow } from '../clock.ts';
import { Actions } from '../parts/actions.tsx';
import { Bar, Tally } from '../parts/bar.tsx';
import { Copy } from '../parts/copy.tsx';
import { Out } from '../parts/out.tsx';
import { RunSign } from '../parts/state.tsx';
import { Ago, Until } from '../parts/time.tsx';
import { isOver, moment, nameOf, runTime, said } from '../words.ts';
import { PageTitle } from './page-title.tsx';

/** What the run is and how it stands. */
export function RunHeader({ head }: { head: RunHead }) {
  const { run, links, actions, nodeOp } = head;
  return (
    <header class="run-header">
      <p class="crumbs">
        <a href="/">Runs</a>
        {run.cluster !== undefined && <span> / {said(run.cluster)}</span>}
      </p>
      <div class="run-heading">
        <PageTitle title={said(run.name)} />
        <RunSign run={run} />
      </div>
      <p class="muted run-facts">
        <Facts run={run} />
        {nodeOp !== undefined && (
          <span>
            NodeOp <code>{said(nodeOp)}</code>
          </span>
        )}
        {links.map(({ label, url }) => (
          <Out key={label} url={url}>
            {said(label)}
          </Out>
        ))}
      </p>
      {run.why !== undefined && head.problems.length === 0 && <p class="run-reason">{said(run.why)}</p>}
      {run.counts !== undefined && (
        <div class="run-progress">
          <Bar counts={run.counts} />
          <div class="run-progress-words">
            <Tally counts={run.counts} />
            <Forecast run={run} />
          </div>
        </div>
      )}
      <Actions actions={actions} />
    </header>
  );
}

function Facts({ run }: { run: RunRow }) {
  const { by, mergedAt, startedAt } = run;
  return (
    <>
      {mergedAt !== undefined && (
        <span>
          merged {by !== undefined && <span title={said(by)}>by {nameOf(by)} </span>}
          <Ago time={mergedAt} />
        </span>
      )}
      {startedAt !== undefined && <span>began {moment(startedAt)}</span>}
    </>
  );
}

function Forecast({ run }: { run: RunRow }) {
  const { state, until, estimate } = run;
  const now = useNow(isOver(state));
  const time = runTime(run, now);
  return (
    <p class="muted forecast">
      {time !== undefined && <span>{time}</span>}
      {until !== undefined && (
        <span>
          goes on <Until time={until} />
        </span>
      )}
      {estimate !== undefined && !isOver(state) && (
        <span>
          done <Until time={estimate} over="soon" /> at this pace
        </span>
      )}
    </p>
  );
}

export function Notes({ problems, warnings }: { problems: readonly string[]; warnings: readonly string[] }) {
  return (
    <>
      {problems.length > 0 && (
        <section class="note tone-failed" aria-label="What is wrong with the run file">
          <h2>What is wrong with the run file</h2>
          <ul>
            {problems.map((it) => (
              <li key={it}>{said(it)}</li>
            ))}
          </ul>
        </section>
      )}
      {warnings.length > 0 && (
        <section class="note tone-held" aria-label="Warnings">
          <ul>
            {warnings.map((it) => (
              <li key={it}>{said(it)}</li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

export function Commands({ commands }: { commands: readonly string[] }) {
  if (commands.length === 0) return null;
  return (
    <section class="panel commands" aria-labelledby="commands">
      <header class="panel-head">
        <h2 id="commands">In a terminal</h2>
      </header>
      {commands.map((it) => (
        <Copy key={it} text={it} label={`Command ${it.slice(0, 40)}`} />
      ))}
    </section>
  );
}
