import { useRef, useState } from 'preact/hooks';
import { later } from '../clock.ts';
import { said, saidLines } from '../words.ts';

/** A command or a text to take along. Where the browser lets nobody write to the clipboard (no TLS), it is selected. */
export function Copy({ text, label }: { text: string; label: string }) {
  const code = useRef<HTMLElement>(null);
  const [told, setTold] = useState('');
  const tell = (what: string) => {
    setTold(what);
    later(2_000, () => setTold(''));
  };
  const select = () => {
    if (code.current) getSelection()?.selectAllChildren(code.current);
    tell('Selected');
  };
  const copy = () => {
    // oxlint-disable-next-line typescript/no-unnecessary-condition -- only where the connection is safe
    if (!navigator.clipboard) select();
    else navigator.clipboard.writeText(text).then(() => tell('Copied'), select);
  };
  return (
    <div class="copy">
      <pre tabIndex={0} aria-label={said(label)}>
        <code ref={code}>{saidLines(text)}</code>
      </pre>
      <button type="button" onClick={copy}>
        <span aria-live="polite">{told === '' ? 'Copy' : told}</span>
      </button>
    </div>
  );
}
