/**
 * Whether a name or URL a host has for a repository is that of the configured one. Hosts are not
 * compared, since one repository is reached by several (ssh, an alias, a proxy); the signature has
 * proved already who is calling.
 */
export function isRepository(url: string, name: string | undefined): boolean {
  const [own, other] = [pathOf(url), pathOf(name ?? '')];
  return other !== '' && (own === other || (other.includes('/') && own.endsWith(`/${other}`)));
}

/** `team/operations` of `https://host/team/operations.git`, `git@host:team/operations`, or of itself. */
function pathOf(url: string): string {
  const path = url.includes('://')
    ? url.replace(/^[^:]*:\/\/[^/]*/, '')
    : url.replace(/^[^/:]+@?[^/:]*:(?!\/\/)/, '');
  return path
    .replace(/^\/+|\/+$/g, '')
    .replace(/\.git$/, '')
    .toLowerCase();
}
