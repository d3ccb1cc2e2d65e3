import { useEffect, useState } from 'preact/hooks';

/** A value that several parts of the page look at. */
export class Store<T> {
  private readonly listeners = new Set<() => void>();
  private current: T;

  constructor(value: T) {
    this.current = value;
  }

  get(): T {
    return this.current;
  }

  set(value: T): void {
    if (Object.is(value, this.current)) return;
    this.current = value;
    for (const it of this.listeners) it();
  }

  /** @returns how to end it */
  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

export function useStore<T>(store: Store<T>): T {
  const [value, setValue] = useState(() => store.get());
  useEffect(() => {
    const look = () => setValue(() => store.get());
    look();
    return store.subscribe(look);
  }, [store]);
  return value;
}
