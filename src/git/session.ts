/** What one git command gets to reach a remote, to sign, or to check signatures. */
export interface Session {
  /** Environment variables. Secrets go this way and never into arguments, which every user may see. */
  env: Record<string, string>;
  /** What must not show in a message. */
  secrets: string[];
}

/** Nothing but the clone. */
export const LOCAL: Session = { env: {}, secrets: [] };

/** One of git's settings. */
export type Setting = [key: string, value: string];

/** Settings for one command, as if given with -c, yet not among its arguments. */
export function asEnvironment(settings: readonly Setting[], begun = 0): Record<string, string> {
  if (settings.length === 0) return {};
  const pairs = settings.flatMap(([key, value], i) => [
    [`GIT_CONFIG_KEY_${begun + i}`, key],
    [`GIT_CONFIG_VALUE_${begun + i}`, value],
  ]);
  return { ...Object.fromEntries(pairs), GIT_CONFIG_COUNT: String(begun + settings.length) };
}

/** The same session with further settings. */
export function withSettings({ env, secrets }: Session, settings: readonly Setting[]): Session {
  const begun = Number(env['GIT_CONFIG_COUNT'] ?? 0);
  return { env: { ...env, ...asEnvironment(settings, begun) }, secrets };
}
