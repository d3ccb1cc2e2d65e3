import { useState } from 'preact/hooks';
import type { NeedsYou } from '../../../api/page.ts';
import { TONE_SHAPES } from '../draw/shapes.ts';
import { nodePath, runPath } from '../route.ts';
import { said, type Tone } from '../words.ts';
import { Shape } from './state.tsx';
import { Ago } from './time.tsx';

const KINDS: Readonly<Record<NeedsYou['kind'], { tone: Tone; path: string; word: string }>> = {
  held: { tone: 'held', path: TONE_SHAPES.held, word: 'Held' },
  failed: { tone: 'failed', path: TONE_SHAPES.failed, word: 'Failed' },
  heldUp: { tone: 'held', path: TONE_SHAPES.held, word: 'Held up' },
  cordoned: { tone: 'failed', path: TONE_SHAPES.gone, word: 'Left cordoned' },
  invalid: { tone: 'failed', path: TONE_SHAPES.warning, word: 'Invalid' },
  waiting: { tone: 'wait', path: TONE_SHAPES.wait, word: 'Waiting' },
  agent: { tone: 'failed', path: TONE_SHAPES.warning, word: 'Agent' },
};

/** So many are seen at once; what waits below them is counted. */
const FIRST = 6;

/** What a person has to look at, before everything else. */
export function Needs({ needs }: { needs: readonly NeedsYou[] }) {
  const [isOpen, setOpen] = useState(false);
  if (needs.length === 0) return null;
  const shown = isOpen ? needs : needs.slice(0, FIRST);
  const more = needs.length - shown.length;
  return (
    <section class="needs" aria-labelledby="needs">
      <h2 id="needs">
        Needs you <span class="count">{needs.length}</span>
      </h2>
      <ul>
        {shown.map((it) => (
          <Need key={it.key} need={it} />
        ))}
      </ul>
      {more > 0 && (
        <button type="button" onClick={() => setOpen(true)}>
          Show {more} more
        </button>
      )}
    </section>
  );
}

function Need({ need }: { need: NeedsYou }) {
  const { tone, path, word } = KINDS[need.kind];
  const to = addressOf(need);
  const text = said(need.text);
  return (
    <li class={`need tone-${tone}`}>
      <Shape path={path} />
      <span class="need-kind">{word}</span>
      <span class="need-text">{to === undefined ? text : <a href={to}>{text}</a>}</span>
      <span class="need-since muted">{need.since !== undefined && <Ago time={need.since} />}</span>
    </li>
  );
}

function addressOf({ kind, run, node }: NeedsYou): string | undefined {
  if (node !== undefined) return nodePath(node, run);
  if (run !== undefined) return runPath(run);
  return kind === 'agent' || kind === 'held' ? '/agent' : undefined;
}
