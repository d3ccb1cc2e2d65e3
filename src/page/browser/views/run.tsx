import { useMemo } from 'preact/hooks';
import type { NodeRow, RunHead, RunId } from '../../../api/page.ts';
import { ranks } from '../draw/order.ts';
import { useView } from '../live/use-view.ts';
import { Details } from '../parts/details.tsx';
import { Groups } from '../parts/groups.tsx';
import { NodeMap } from '../parts/node-map.tsx';
import { NodeTable } from '../parts/node-table.tsx';
import { Steps } from '../parts/steps.tsx';
import { Timeline } from '../parts/timeline.tsx';
import { isOver } from '../words.ts';
import { Coming, Nowhere } from './nowhere.tsx';
import { Commands, Notes, RunHeader } from './run-header.tsx';

export function RunView({ id }: { id: RunId }) {
  const { known, over } = useView('run', { run: id });
  if (known === undefined) return over === undefined ? <Coming title="Run" /> : <Nowhere message={over} />;
  return <Shown id={id} head={known.head} rows={known.rows} over={over} />;
}

interface ShownProps {
  id: RunId;
  head: RunHead;
  rows: ReadonlyMap<string, NodeRow>;
  over: string | undefined;
}

function Shown({ id, head, rows, over }: ShownProps) {
  const rank = useRanks(rows);
  return (
    <article class="view run-view">
      <RunHeader head={head} />
      <Notes
        problems={head.problems}
        warnings={over === undefined ? head.warnings : [over, ...head.warnings]}
      />
      <Steps steps={head.steps} />
      <div class="columns">
        {rows.size > 0 && <NodeMap run={id} head={head} rows={rows} rank={rank} />}
        <div class="side">
          <Groups title="Why nodes failed" tone="failed" run={id} groups={head.failures} />
          <Groups title="What nodes wait for" tone="held" run={id} groups={head.waits} />
        </div>
      </div>
      <Timeline run={id} head={head} rows={rows} />
      {(rows.size > 0 || !isOver(head.run.state)) && <NodeTable run={id} rows={rows} rank={rank} />}
      <Details run={id} occasion={head.run.state} />
      <Commands commands={head.commands} />
    </article>
  );
}

/** Names hardly ever change while a run goes on, and putting thousands of them in order takes a while. */
function useRanks(rows: ReadonlyMap<string, NodeRow>): ReadonlyMap<string, number> {
  const names = [...rows.keys()].join(' ');
  return useMemo(() => ranks(names.split(' ')), [names]);
}
