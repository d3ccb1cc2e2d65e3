import type { ComponentChildren } from 'preact';
import type { AgentHead, QueueRow } from '../../../api/page.ts';
import { useView } from '../live/use-view.ts';
import { Out } from '../parts/out.tsx';
import { Ago, Until } from '../parts/time.tsx';
import { runPath } from '../route.ts';
import { said } from '../words.ts';
import { Coming, Nowhere } from './nowhere.tsx';
import { PageTitle } from './page-title.tsx';

export function AgentView() {
  const { known, over } = useView('agent');
  if (known === undefined) return over === undefined ? <Coming title="Agent" /> : <Nowhere message={over} />;
  const { head, rows } = known;
  return (
    <div class="view">
      <PageTitle title="Agent" />
      {head.problems.length > 0 && (
        <section class="note tone-failed" aria-label="Problems">
          <h2>Problems</h2>
          <ul>
            {head.problems.map((it) => (
              <li key={it}>{said(it)}</li>
            ))}
          </ul>
        </section>
      )}
      <section class="panel" aria-label="How it stands">
        <dl class="facts">
          {factsOf(head).map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </section>
      <Queue head={head} rows={[...rows.values()]} />
      {head.passedOver !== undefined && <p class="muted">{said(head.passedOver)}</p>}
    </div>
  );
}

const SERVED: Readonly<Record<AgentHead['servedBy'], string>> = {
  leader: 'by the agent that leads',
  standby: 'by an agent that stands by',
  command: 'by the command nodeop-agent page',
};

/** Those that are known. */
function factsOf(head: AgentHead): [string, ComponentChildren][] {
  const { leader, version, kubernetes, repository, branch, tip, tipUrl, lastPoll } = head;
  const facts: [string, ComponentChildren][] = [
    ['Leader', leader === undefined ? 'nobody leads' : said(leader)],
    ['This page', `is served ${SERVED[head.servedBy]}`],
    ['Version', said(version)],
    ['Kubernetes', kubernetes && said(kubernetes)],
    ['Repository', repository && said(repository)],
    ['Branch', branch && said(branch)],
    ['Tip', tip && <Tip key="tip" hash={tip} url={tipUrl} />],
    ['Last poll', lastPoll === undefined ? 'not known' : <Ago key="poll" time={lastPoll} />],
  ];
  return facts.filter(([, value]) => value !== undefined);
}

function Tip({ hash, url }: { hash: string; url: string | undefined }) {
  return (
    <Out url={url}>
      <code>{hash.slice(0, 12)}</code>
    </Out>
  );
}

function Queue({ head, rows }: { head: AgentHead; rows: readonly QueueRow[] }) {
  return (
    <section class="panel" aria-labelledby="queue">
      <header class="panel-head">
        <h2 id="queue">Queue</h2>
        <p class="muted">
          runs that have not begun{head.queued > rows.length ? `, ${head.queued} in all` : ''}
        </p>
      </header>
      {rows.length === 0 && <p class="empty">Nothing waits.</p>}
      <ol class="queue">
        {rows.map(({ key, name, reason, message, until }) => (
          <li key={key}>
            <a href={runPath(key)}>{said(name)}</a> <span class="tag">{said(reason)}</span>
            <p>
              {said(message)}
              {until !== undefined && (
                <span class="muted">
                  {' '}
                  goes on <Until time={until} />
                </span>
              )}
            </p>
          </li>
        ))}
      </ol>
    </section>
  );
}
