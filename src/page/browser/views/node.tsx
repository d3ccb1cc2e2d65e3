import type { HistoryRow, NodeHead, RunId } from '../../../api/page.ts';
import { useView } from '../live/use-view.ts';
import { TONE_SHAPES } from '../draw/shapes.ts';
import { Here } from '../parts/here.tsx';
import { Log } from '../parts/log.tsx';
import { Phases } from '../parts/phases.tsx';
import { PhaseSign, RunSign, Sign } from '../parts/state.tsx';
import { runPath } from '../route.ts';
import { counted, lasting, moment, said } from '../words.ts';
import { Coming, Nowhere } from './nowhere.tsx';
import { PageTitle } from './page-title.tsx';
import { Commands, Notes } from './run-header.tsx';

export function NodeView({ node, run }: { node: string; run: RunId | undefined }) {
  const { known, over } = useView('node', { node, run });
  if (known === undefined)
    return over === undefined ? <Coming title={said(node)} /> : <Nowhere message={over} />;
  const { head } = known;
  return (
    <article class="view">
      <header class="run-header">
        <p class="crumbs">
          <a href="/nodes">Nodes</a>
          {head.run && (
            <span>
              {' '}
              / <a href={runPath(head.run.id)}>{said(head.run.name)}</a>
            </span>
          )}
        </p>
        <div class="run-heading">
          <PageTitle title={said(head.node)} />
          <Readiness head={head} />
        </div>
        <p class="run-reason">{said(head.cordon)}</p>
      </header>
      <Notes problems={[]} warnings={over === undefined ? [] : [over]} />
      {head.run && (
        <section class="panel" aria-labelledby="here">
          <header class="panel-head">
            <h2 id="here">
              In <a href={runPath(head.run.id)}>{said(head.run.name)}</a>
            </h2>
            <RunSign run={head.run} />
          </header>
          {head.here ? <Here row={head.here} /> : <p class="muted">This node is none of the run's.</p>}
          {head.phases && <Phases phases={head.phases} />}
          {head.here && <Log run={head.run.id} node={head.node} end={head.log} />}
        </section>
      )}
      <Waiting head={head} />
      <Commands commands={head.commands} />
      <History head={head} rows={[...known.rows.values()]} />
    </article>
  );
}

function Readiness({ head: { exists, ready, isCordoned } }: { head: NodeHead }) {
  if (!exists) return <Sign tone="gone" word="not in the cluster" path={TONE_SHAPES.gone} />;
  return (
    <>
      <Sign
        tone={ready ? 'done' : 'failed'}
        word={ready ? 'Ready' : 'not Ready'}
        path={ready ? TONE_SHAPES.done : TONE_SHAPES.warning}
      />
      {isCordoned && <Sign tone="held" word="cordoned" path={TONE_SHAPES.held} />}
    </>
  );
}

function Waiting({ head: { waiting } }: { head: NodeHead }) {
  if (waiting.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="to-come">
      <header class="panel-head">
        <h2 id="to-come">To come</h2>
      </header>
      <ul class="plain">
        {waiting.map(({ id, name, why }) => (
          <li key={id}>
            <a href={runPath(id)}>{said(name)}</a>{' '}
            {why !== undefined && <span class="muted">{said(why)}</span>}
          </li>
        ))}
      </ul>
    </section>
  );
}

function History({ head, rows }: { head: NodeHead; rows: readonly HistoryRow[] }) {
  const others = rows.filter(({ key }) => key !== head.run?.id);
  const newest = others.toSorted((a, b) => (b.startedAt ?? 0) - (a.startedAt ?? 0));
  const looked = `${counted(head.looked, 'report')} looked at${head.reading ? ', more are being read' : ''}`;
  return (
    <section class="panel" aria-labelledby="before">
      <header class="panel-head">
        <h2 id="before">What else ran on it</h2>
        <p class="muted">{looked}</p>
      </header>
      {newest.length === 0 && <p class="muted">Nothing that is on record.</p>}
      <ul class="history">
        {newest.map(({ key, name, phase, message, startedAt, finishedAt }) => (
          <li key={key}>
            <PhaseSign phase={phase} />
            <a href={runPath(key)}>{said(name)}</a>
            <span class="muted">
              {startedAt !== undefined && moment(startedAt)}
              {startedAt !== undefined && finishedAt !== undefined && `, ${lasting(finishedAt - startedAt)}`}
            </span>
            {message !== undefined && <p>{said(message)}</p>}
          </li>
        ))}
      </ul>
    </section>
  );
}
