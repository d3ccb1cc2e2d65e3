import { useEffect, useState } from 'preact/hooks';
import type { DiffLine, RunDetails, RunId } from '../../../api/page.ts';
import { ask } from '../live/requests.ts';
import { withQuery } from '../route.ts';
import { counted, moment, said, saidLines } from '../words.ts';
import { Out } from './out.tsx';

/** What is read once, and again when the run stands otherwise. */
export function Details({ run, occasion }: { run: RunId; occasion: string }) {
  const [details, setDetails] = useState<RunDetails>();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    let isOver = false;
    void ask<RunDetails>(withQuery('/page/details', { run })).then((answer) => {
      if (isOver) return;
      setProblem(answer.ok ? undefined : answer.message);
      if (answer.ok) setDetails(answer.value);
    });
    return () => {
      isOver = true;
    };
  }, [run, occasion]);
  if (problem !== undefined) return <p class="muted">What was executed is not known: {said(problem)}</p>;
  const { spec, definition, commits = [], pullRequest } = details ?? {};
  return (
    <section class="panel details" aria-labelledby="record" aria-busy={details === undefined}>
      <header class="panel-head">
        <h2 id="record">On record</h2>
        {pullRequest && <Out url={pullRequest.url}>{said(pullRequest.label)}</Out>}
      </header>
      {commits.length > 0 && (
        <details open>
          <summary>The report's {counted(commits.length, 'commit')}</summary>
          <ul class="commits">
            {commits.map(({ hash, subject, at, url }) => (
              <li key={hash}>
                <Out url={url}>
                  <code>{hash.slice(0, 8)}</code>
                </Out>{' '}
                {said(subject)} <span class="muted">{moment(at)}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
      {definition && (
        <details>
          <summary>What differs from the definition {said(definition.name)}</summary>
          <Diff lines={definition.diff} />
        </details>
      )}
      {spec !== undefined && (
        <details>
          <summary>The spec as it is executed</summary>
          <pre tabIndex={0} aria-label="The spec as it is executed">
            {saidLines(spec)}
          </pre>
        </details>
      )}
      {details && spec === undefined && commits.length === 0 && (
        <p class="muted">Nothing is on record yet.</p>
      )}
    </section>
  );
}

const SIGNS = { same: ' ', added: '+', removed: '−' };

function Diff({ lines }: { lines: readonly DiffLine[] }) {
  if (lines.length === 0) return <p class="muted">Nothing.</p>;
  return (
    <pre class="diff" tabIndex={0} aria-label="What differs from the definition">
      {lines.map(({ kind, text }, i) => (
        // Lines have no name of their own.
        <span key={i} class={`diff-${kind}`}>
          {`${SIGNS[kind]} ${said(text)}\n`}
        </span>
      ))}
    </pre>
  );
}
