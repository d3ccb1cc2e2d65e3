const MASK = '***';

/** What credentials look like wherever they stand; the first group, if any, is kept. */
const PATTERNS: RegExp[] = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  // The beginning of the key is before the beginning of the text.
  /^[^]*-----END [A-Z ]*PRIVATE KEY-----/,
  /(\b[a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/@:]*:[^\s/@]+(?=@)/gi,
  /(\bauthorization["']?\s*[:=]\s*["']?(?:basic|bearer|token)\s+)[^\s"',]+/gi,
  /(\bbearer\s+)[\w.~+/-]{16,}=*/gi,
  /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g,
  /\b(?:gh[opsur]_|github_pat_|glpat-|xox[a-z]-|AKIA|ASIA)[\w-]{10,}/g,
  /((?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?)["']?\s*[:=]\s*)(?:"[^"\n]+"|'[^'\n]+'|[^\s"',;]+)/gi,
];

/** The text without what looks like a credential. `more`: patterns of the configuration. */
export function maskCredentials(text: string, more: readonly RegExp[] = []): string {
  let masked = text;
  for (const pattern of PATTERNS) {
    masked = masked.replace(pattern, (_, kept: unknown) => `${typeof kept === 'string' ? kept : ''}${MASK}`);
  }
  return maskPatterns(masked, more);
}

/** The text without what the patterns find. */
export function maskPatterns(text: string, patterns: readonly RegExp[]): string {
  return patterns.reduce((masked, pattern) => masked.replace(pattern, MASK), text);
}
