import type { Host, HostAccess } from './host.ts';

/** Loads one host's client, and only that. */
export async function openHost(access: HostAccess, signal?: AbortSignal): Promise<Host> {
  switch (access.provider) {
    case 'github':
      return (await import('./github.ts')).githubHost(access, signal);
    case 'gitlab':
      return (await import('./gitlab.ts')).gitlabHost(access, signal);
    case 'gitea':
      return (await import('./gitea.ts')).giteaHost(access, signal);
  }
}
