import type { ComponentChildren } from 'preact';

/** A link to elsewhere, such as the Git host; what is no web address is no link. */
export function Out({ url, children }: { url: string | undefined; children: ComponentChildren }) {
  if (url === undefined || !/^https?:\/\//i.test(url)) return <span>{children}</span>;
  return (
    <a class="out" href={url} target="_blank" rel="noreferrer">
      {children}
      <span class="hidden"> (opens another page)</span>
    </a>
  );
}
