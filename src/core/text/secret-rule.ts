/** What one kind of credentials looks like. */
export interface SecretRule {
  name: string;
  /** What its first group finds is kept. */
  pattern: RegExp;
  /** Whether what was found is one; `kept` is the first group, `rest` what follows in the text. */
  accept?: (value: string, kept: string, rest: string) => boolean;
}
