/** What is on record of the end of a log: the cause is its last line, and is not told twice. */
export function endOfLog(log: string | undefined, cause: string | undefined): string | undefined {
  if (log === undefined || cause === undefined) return log ?? cause;
  return log.trimEnd().endsWith(cause) ? log : `${log.trimEnd()}\n${cause}`;
}
