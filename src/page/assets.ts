import type { PageAsset } from '../api/page.ts';

/**
 * The files of the page. In the agent's one file they lie as texts in place of this module (rolldown.config.ts); from the
 * sources they are made at the first call.
 */
export async function pageAssets(): Promise<readonly PageAsset[]> {
  const { bundlePage } = await import('./bundle.ts');
  return bundlePage();
}
