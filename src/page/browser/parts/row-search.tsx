import type { ComponentChildren } from 'preact';

interface RowSearchProps {
  placeholder: string;
  text: string;
  setText: (text: string) => void;
  /** How many rows fit, in words. */
  children: ComponentChildren;
}

/** Above a table of nodes: what its rows are searched for. */
export function RowSearch({ placeholder, text, setText, children }: RowSearchProps) {
  return (
    <>
      <label class="grows">
        <span class="hidden">Search nodes</span>
        <input
          type="search"
          placeholder={placeholder}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <p class="muted" role="status">
        {children}
      </p>
    </>
  );
}
