import type { PageAsset } from '../api/page.ts';

let made: Promise<readonly PageAsset[]> | undefined;

/**
 * The files of the page. In the agent's one file they lie in place of this module (rolldown.config.ts); from the sources they are
 * made at the first call.
 */
export function pageAssets(): Promise<readonly PageAsset[]> {
  made ??= import('./bundle.ts').then(({ bundlePage }) => bundlePage());
  return made;
}
