import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { arrival } from '../navigation.ts';

interface PageTitleProps {
  title: string;
  /** What it names is still on its way. */
  isComing?: boolean;
  children?: ComponentChildren;
}

/** Names the view, for the window and for those who hear it; whoever comes from another view goes on here. */
export function PageTitle({ title, isComing = false, children }: PageTitleProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · nodeop-agent`;
    if (arrival.get()) heading.current?.focus({ preventScroll: true });
    if (!isComing) arrival.set(false);
  }, [title, isComing]);
  return (
    <h1 ref={heading} tabIndex={-1}>
      {children ?? title}
    </h1>
  );
}
