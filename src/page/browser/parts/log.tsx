import { useState } from 'preact/hooks';
import type { LogAnswer, RunId } from '../../../api/page.ts';
import { type Answer, ask } from '../live/requests.ts';
import { session } from '../live/session.ts';
import { withQuery } from '../route.ts';
import { useStore } from '../store.ts';
import { said, saidLines } from '../words.ts';

const FROM: Readonly<Record<LogAnswer['from'], string>> = {
  pod: 'of the pod, as it is now',
  file: 'of the file beside the report',
  report: 'its end, of the report',
};

/** The end of a node's log, and the whole of it for those who ask. */
export function Log({ run, node, end }: { run: RunId; node: string; end: string | undefined }) {
  const mayRead = useStore(session)?.mayReadLogs === true;
  const [answer, setAnswer] = useState<Answer<LogAnswer>>();
  if (!mayRead) return <p class="muted">Lines of logs are for those who may read logs of pods.</p>;
  const read = async () => setAnswer(await ask<LogAnswer>(withQuery('/page/log', { run, node })));
  const text = answer?.ok === true ? answer.value.text : end;
  return (
    <div class="log">
      {text !== undefined && (
        <pre tabIndex={0} aria-label="Log">
          {answer?.ok === true && answer.value.cut && '… what came before is not kept\n'}
          {saidLines(text)}
        </pre>
      )}
      <p class="muted">
        <button type="button" onClick={() => void read()}>
          {answer === undefined ? 'Read all of the log' : 'Read it again'}
        </button>{' '}
        <span role="status">
          {answer?.ok === true && FROM[answer.value.from]}
          {answer?.ok === false && said(answer.message)}
        </span>
      </p>
    </div>
  );
}
