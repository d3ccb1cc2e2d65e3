import type { GitAccess } from '../api/git-access.ts';
import { readSecret } from './credentials.ts';

/** The configured proxy with its credentials; undefined when none is configured. */
export async function proxyUrl(
  { proxy }: GitAccess,
  field: string,
): Promise<{ href: string; secrets: string[] } | undefined> {
  if (!proxy) return undefined;
  const url = new URL(proxy.url);
  if (proxy.username !== undefined) url.username = encodeURIComponent(proxy.username);
  if (proxy.passwordFile === undefined) return { href: url.href, secrets: [] };
  const password = await readSecret(`${field}.proxy.passwordFile`, proxy.passwordFile);
  url.password = encodeURIComponent(password);
  return { href: url.href, secrets: [password, encodeURIComponent(password)] };
}
