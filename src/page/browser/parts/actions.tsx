import type { GitAction } from '../../../api/page.ts';
import { said } from '../words.ts';
import { Copy } from './copy.tsx';
import { Out } from './out.tsx';

/** Changes are made in Git: where a button would be, it is told what to change and where. */
export function Actions({ actions }: { actions: readonly GitAction[] }) {
  if (actions.length === 0) return null;
  return (
    <div class="actions">
      {actions.map((it) => (
        <Action key={`${it.kind} ${it.label}`} action={it} />
      ))}
    </div>
  );
}

function Action({ action }: { action: GitAction }) {
  const { label, effect, path, url, text, filled = false, line } = action;
  const place = line === undefined ? said(path) : `${said(path)}, line ${line}`;
  return (
    <details class="action">
      <summary>{label}</summary>
      <div class="action-body">
        <p>{effect}</p>
        <p>
          <Out url={url}>
            {url === undefined ? `In the repository: ${place}` : `${filled ? 'Propose' : 'Open'} ${place}`}
          </Out>
        </p>
        {text !== undefined && (
          <Copy text={text} label={filled ? 'What is filled in' : `What to write into ${path}`} />
        )}
      </div>
    </details>
  );
}
