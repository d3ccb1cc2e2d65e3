import type { NodeGroup, RunId } from '../../../api/page.ts';
import { nodePath } from '../route.ts';
import { said, type Tone } from '../words.ts';

interface GroupsProps {
  title: string;
  tone: Tone;
  run: RunId;
  groups: readonly NodeGroup[];
}

const FIRST = 5;

/** Nodes that say the same, most of them first: a fleet that fails mostly fails alike. */
export function Groups({ title, tone, run, groups }: GroupsProps) {
  if (groups.length === 0) return null;
  const most = Math.max(...groups.map(({ count }) => count));
  return (
    <section class="panel" aria-label={title}>
      <header class="panel-head">
        <h2>{title}</h2>
      </header>
      <ul class={`groups tone-${tone}`}>
        {groups.map(({ text, count, nodes }) => (
          <li key={text}>
            <p class="group-text">
              <b>{count.toLocaleString('en')} ×</b> {said(text)}
            </p>
            <div class="group-share" aria-hidden="true">
              <span style={{ width: `${(count / most) * 100}%` }} />
            </div>
            <p class="group-nodes muted">
              {nodes.slice(0, FIRST).map((node, i) => (
                <span key={node}>
                  {i > 0 && ', '}
                  <a href={nodePath(node, run)}>{said(node)}</a>
                </span>
              ))}
              {count > FIRST &&
                nodes.length > 0 &&
                ` and ${(count - Math.min(FIRST, nodes.length)).toLocaleString('en')} more`}
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}
