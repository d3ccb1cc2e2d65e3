/** What one git command gets to reach a remote, to sign, or to check signatures. */
export interface Session {
  /** Environment variables. Secrets go this way and never into arguments, which every user may see. */
  env: Record<string, string>;
  /** What must not show in a message. */
  secrets: string[];
}

/** Nothing but the clone. */
export const LOCAL: Session = { env: {}, secrets: [] };

/** Settings of git for one command, as if given with -c, yet not among its arguments. */
export function asEnvironment(settings: readonly [string, string][]): Record<string, string> {
  if (settings.length === 0) return {};
  const pairs = settings.flatMap(([key, value], i) => [
    [`GIT_CONFIG_KEY_${i}`, key],
    [`GIT_CONFIG_VALUE_${i}`, value],
  ]);
  return { ...Object.fromEntries(pairs), GIT_CONFIG_COUNT: String(settings.length) };
}
