import type { Provider } from '../../api/feedback.ts';

/** What a CI job says of itself: which host, which project, which pull request. */
export interface Place {
  provider?: Provider;
  apiUrl?: string;
  project?: string;
  pullRequest?: number;
  /** Name of the variable tokens are commonly in. */
  tokenVariable?: string;
}

/**
 * GitHub Actions, Gitea Actions (which sets the same variables and one of its own) and GitLab CI.
 * https://docs.github.com/actions/reference/workflows-and-actions/variables,
 * https://docs.gitlab.com/ci/variables/predefined_variables/
 */
export function placeOf(env: NodeJS.ProcessEnv): Place {
  if (env['GITHUB_ACTIONS'] === 'true' || env['GITEA_ACTIONS'] === 'true') {
    const number = /^refs\/pull\/(\d+)\//.exec(env['GITHUB_REF'] ?? '')?.[1];
    return defined({
      provider: env['GITEA_ACTIONS'] === 'true' ? ('gitea' as const) : ('github' as const),
      apiUrl: env['GITHUB_API_URL'],
      project: env['GITHUB_REPOSITORY'],
      pullRequest: number === undefined ? undefined : Number(number),
      tokenVariable: 'GITHUB_TOKEN',
    });
  }
  if (env['GITLAB_CI'] === 'true') {
    const number = env['CI_MERGE_REQUEST_IID'];
    return defined({
      provider: 'gitlab' as const,
      apiUrl: env['CI_API_V4_URL'],
      project: env['CI_PROJECT_PATH'],
      pullRequest: number === undefined ? undefined : Number(number),
      tokenVariable: 'GITLAB_TOKEN',
    });
  }
  return {};
}

function defined<T extends object>(values: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  const known = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known) as { [Key in keyof T]?: Exclude<T[Key], undefined> };
}
