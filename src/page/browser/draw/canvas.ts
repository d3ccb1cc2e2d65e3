import { useEffect, useState } from 'preact/hooks';
import type { RefObject } from 'preact';
import type { Tone } from '../words.ts';

/** How wide an element is; 0 until it is known. */
export function useWidth(element: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (!element.current) return undefined;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [element]);
  return width;
}

export function useMedia(query: string): boolean {
  const [fits, setFits] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const look = () => setFits(list.matches);
    list.addEventListener('change', look);
    return () => list.removeEventListener('change', look);
  }, [query]);
  return fits;
}

/** A canvas as large as that many pixels of the page, and as sharp as the screen; emptied. */
export function prepare(
  canvas: HTMLCanvasElement | null,
  width: number,
  height: number,
): CanvasRenderingContext2D | undefined {
  const context = canvas?.getContext('2d');
  if (!canvas || !context || width === 0) return undefined;
  const scale = devicePixelRatio;
  canvas.width = Math.ceil(width * scale);
  canvas.height = Math.ceil(height * scale);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  return context;
}

/** The colours of the style sheet, which follow the system's wish for light or dark. */
export function colours(element: Element): (name: Tone | 'text' | 'muted' | 'line' | 'surface') => string {
  const style = getComputedStyle(element);
  return (name) => style.getPropertyValue(`--${name}`).trim();
}

/** How large its text is, in pixels. */
export function textSize(element: Element | null): number {
  return element === null ? 0 : Number.parseFloat(getComputedStyle(element).fontSize);
}
