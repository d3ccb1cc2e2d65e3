import type { PageError } from '../../../api/page.ts';
import { heedServerTime } from '../clock.ts';

export type Answer<T> = { ok: true; value: T } | { ok: false; status: number; message: string };

/** An answer of the page's own server; status 0 where there was none. Aborted ones are never heard of again. */
export async function ask<T>(url: string, init: RequestInit = {}): Promise<Answer<T>> {
  try {
    const response = await fetch(url, init);
    heedServerTime(response.headers.get('date'));
    const body: unknown = await response.json().catch(() => undefined);
    if (response.ok) return { ok: true, value: body as T };
    const { error } = (body ?? {}) as Partial<PageError>;
    return { ok: false, status: response.status, message: error ?? `the server answers ${response.status}` };
  } catch {
    return { ok: false, status: 0, message: 'the agent cannot be reached' };
  }
}
