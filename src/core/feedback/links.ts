import type { Provider } from '../../api/feedback.ts';
import { trimBoth } from '../../api/trim.ts';

/** Where people find the host with that REST API. */
export function webOf(provider: Provider, apiUrl: string): string {
  if (apiUrl === 'https://api.github.com') return 'https://github.com';
  return apiUrl.replace({ github: /\/api\/v3$/, gitlab: /\/api\/v4$/, gitea: /\/api\/v1$/ }[provider], '');
}

/** Where the page of a file is, by the host's own way of making addresses; '' when that cannot be told. */
export function filePage(
  { provider, apiUrl, project }: { provider: Provider; apiUrl: string; project: string },
  branch: string,
  path: string,
): string {
  const [file, ref] = [path, branch].map((text) =>
    text.toWellFormed().split('/').map(encodeURIComponent).join('/'),
  );
  // A project named by its number has no address that can be made up.
  if (project === '' || /^\d+$/.test(project)) return '';
  const way = { github: 'blob', gitlab: '-/blob', gitea: 'src/branch' }[provider];
  return `${webOf(provider, apiUrl)}/${project}/${way}/${ref}/${file}`;
}

/** What the host calls the repository at that URL, `team/operations`; '' when it is on another host. */
export function projectAt({ provider, apiUrl }: { provider: Provider; apiUrl: string }, url: string): string {
  const web = new URL(webOf(provider, apiUrl));
  const [, hostAndPort = '', path = ''] =
    /^[a-z+]+:\/\/(?:[^/@]*@)?([^/]+)\/(.*)$/i.exec(url) ?? /^(?:[^/@]*@)?([^/:]+):(.*)$/.exec(url) ?? [];
  if (hostAndPort.replace(/:\d+$/, '').toLowerCase() !== web.hostname) return '';
  // Over http a host may lie below a path; over ssh it never does.
  const below = /^https?:/i.test(url) ? web.pathname.slice(1) : '';
  const own = path.startsWith(below) ? path.slice(below.length) : '';
  return trimBoth(own, '/').replace(/\.git$/, '');
}
