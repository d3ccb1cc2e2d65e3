import { apiUrlOf, type Provider } from '../../api/feedback.ts';
import type { Link } from '../../api/page.ts';
import { filePage, projectAt, webOf } from '../feedback/links.ts';

/** A branch of a repository on a Git host, as far as addresses of its pages go. */
export interface GitPlace {
  provider: Provider;
  apiUrl: string;
  /** `<owner>/<name>`. */
  project: string;
  branch: string;
}

interface Known {
  /** The host that is spoken with, where there is one. */
  feedback?: { provider: Provider; apiUrl?: string | undefined; project: string } | undefined;
  url: string | undefined;
  branch: string;
}

/** Undefined where nothing tells which host it is: then the page shows paths and no links. */
export function gitPlaceOf({ feedback, url = '', branch }: Known): GitPlace | undefined {
  const host = feedback ? { provider: feedback.provider, apiUrl: apiUrlOf(feedback) } : hostOf(url);
  if (!host) return undefined;
  const project = projectAt(host, url) || (feedback?.project ?? '');
  // A project named by its number has no address that can be made up.
  return project === '' || /^\d+$/.test(project) ? undefined : { ...host, project, branch };
}

/** Which host it is, where its name says so. */
function hostOf(url: string): Pick<GitPlace, 'provider' | 'apiUrl'> | undefined {
  const [, scheme = 'ssh', authority = ''] =
    /^([a-z+]+):\/\/(?:[^/@]*@)?([^/]+)\//i.exec(url) ?? /^()(?:[^/@:]*@)([^/:]+):/.exec(url) ?? [];
  const isHttp = /^https?$/i.test(scheme);
  const host = (isHttp ? authority : authority.replace(/:\d+$/, '')).toLowerCase();
  const web = `${isHttp ? scheme.toLowerCase() : 'https'}://${host}`;
  const name = host.replace(/:\d+$/, '');
  if (name === 'github.com') return { provider: 'github', apiUrl: 'https://api.github.com' };
  if (/(^|\.)github\./.test(name)) return { provider: 'github', apiUrl: `${web}/api/v3` };
  if (/(^|\.)gitlab\./.test(name)) return { provider: 'gitlab', apiUrl: `${web}/api/v4` };
  if (name === 'codeberg.org' || /(^|\.)(gitea|forgejo)\./.test(name))
    return { provider: 'gitea', apiUrl: `${web}/api/v1` };
  return undefined;
}

export function fileUrl(place: GitPlace, path: string, line?: number): string {
  return `${filePage(place, place.branch, path)}${line === undefined ? '' : `#L${line}`}`;
}

export function commitPage(place: GitPlace, hash: string): string {
  const way = { github: 'commit', gitlab: '-/commit', gitea: 'commit' }[place.provider];
  return `${base(place)}/${way}/${encodeURIComponent(hash)}`;
}

/** Where the file is changed. */
export function editUrl(place: GitPlace, path: string): string {
  const way = { github: 'edit', gitlab: '-/edit', gitea: '_edit' }[place.provider];
  return `${base(place)}/${way}/${encoded(place.branch)}/${encoded(path)}`;
}

/** Where the file is taken away; GitLab asks for that on the file's own page. */
export function deleteUrl(place: GitPlace, path: string): string {
  if (place.provider === 'gitlab') return fileUrl(place, path);
  const way = { github: 'delete', gitea: '_delete' }[place.provider];
  return `${base(place)}/${way}/${encoded(place.branch)}/${encoded(path)}`;
}

/** Hosts and the proxies before them refuse longer addresses. */
const LONGEST_URL = 6_000;

/** Where a file is added, with its name and, where the host and the length of addresses allow it, its content. */
export function newFile(place: GitPlace, path: string, text: string): { url: string; filled: boolean } {
  const [folder, name] = [path.slice(0, path.lastIndexOf('/') + 1), path.slice(path.lastIndexOf('/') + 1)];
  const at = (way: string, query: Record<string, string>) =>
    `${base(place)}/${way}?${new URLSearchParams(query).toString()}`;
  const branch = encoded(place.branch);
  switch (place.provider) {
    case 'github': {
      const url = at(`new/${branch}`, { filename: path, value: text });
      return url.length <= LONGEST_URL
        ? { url, filled: true }
        : { url: at(`new/${branch}`, { filename: path }), filled: false };
    }
    case 'gitea': {
      const way = `_new/${branch}/${encoded(folder)}`;
      const url = at(way, { filename: name, value: text });
      return url.length <= LONGEST_URL
        ? { url, filled: true }
        : { url: at(way, { filename: name }), filled: false };
    }
    case 'gitlab':
      return { url: at(`-/new/${branch}/${encoded(folder)}`, { file_name: name }), filled: false };
  }
}

/** The pull request that a commit's message names, as hosts write it when they merge. */
export function pullRequestOf(place: GitPlace, message: string): Link | undefined {
  const subject = message.split('\n', 1)[0] ?? '';
  const number = {
    github: /^Merge pull request #(\d{1,9})\b|\(#(\d{1,9})\)$/,
    gitea: /^Merge pull request '.*' \(#(\d{1,9})\)|\(#(\d{1,9})\)$/,
    gitlab: /^()See merge request \S*!(\d{1,9})$/m,
  }[place.provider].exec(place.provider === 'gitlab' ? message : subject);
  const found = number?.slice(1).find((it) => it !== undefined && it !== '');
  if (found === undefined) return undefined;
  const way = { github: 'pull', gitlab: '-/merge_requests', gitea: 'pulls' }[place.provider];
  const sign = place.provider === 'gitlab' ? '!' : '#';
  return { label: `${sign}${found}`, url: `${base(place)}/${way}/${found}` };
}

function base(place: GitPlace): string {
  return `${webOf(place.provider, place.apiUrl)}/${place.project.split('/').map(encodeURIComponent).join('/')}`;
}

function encoded(path: string): string {
  return path.toWellFormed().split('/').map(encodeURIComponent).join('/');
}
