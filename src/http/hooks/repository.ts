import { trimBoth } from '../../api/trim.ts';

/**
 * Whether a name or URL a host has for a repository is that of the configured one. Hosts are not
 * compared, since one repository is reached by several (ssh, an alias, a proxy); the signature has
 * proved already who is calling.
 */
export function isRepository(url: string, name: string | undefined): boolean {
  const [own, other] = [pathOf(url), pathOf((name ?? '').slice(0, MAX_LENGTH))];
  return other !== '' && (own === other || (other.includes('/') && own.endsWith(`/${other}`)));
}

/** `team/operations` of `https://host/team/operations.git`, `git@host:team/operations`, or of itself. */
function pathOf(url: string): string {
  const [colon, slash] = [url.indexOf(':'), url.indexOf('/')];
  const scheme = url.indexOf('://');
  const isOfHost = colon > 0 && (slash < 0 || colon < slash);
  const path = scheme >= 0 ? afterHost(url.slice(scheme + 3)) : isOfHost ? url.slice(colon + 1) : url;
  return trimBoth(path, '/')
    .replace(/\.git$/, '')
    .toLowerCase();
}

/** No host has longer names. */
const MAX_LENGTH = 2048;

function afterHost(rest: string): string {
  const slash = rest.indexOf('/');
  return slash < 0 ? '' : rest.slice(slash);
}
