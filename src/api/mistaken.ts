/** What a file turns out to be that is not the YAML it was taken for. */

/** By its first bytes; undefined when it may be text. */
export function mistakenBytes(bytes: Uint8Array): string | undefined {
  const [a, b] = bytes;
  const isWide = (a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff);
  if (isWide || (bytes.length >= 4 && (a === 0) !== (b === 0) && (bytes[2] === 0) === (a === 0))) {
    return 'file is UTF-16; save it as UTF-8';
  }
  const start = String.fromCharCode(...bytes.subarray(0, 64));
  for (const [begin, message] of BEGINNINGS) if (start.startsWith(begin)) return message;
  return undefined;
}

const BEGINNINGS = [
  [
    'version https://git-lfs.github.com/spec/',
    'file is a Git LFS pointer, its content is not in the repository; take this folder out of LFS (.gitattributes)',
  ],
  ['\0GITCRYPT\0', 'file is encrypted with git-crypt; the agent reads plain files'],
  ['age-encryption.org/', 'file is encrypted with age; the agent reads plain files'],
  ['-----BEGIN AGE ENCRYPTED FILE', 'file is encrypted with age; the agent reads plain files'],
  ['\u001f\u008b', 'file is compressed; the agent reads plain files'],
  ['PK\u0003\u0004', 'file is a ZIP archive; the agent reads plain files'],
  ['$ANSIBLE_VAULT;', 'file is encrypted with Ansible Vault; the agent reads plain files'],
  ['diff --git ', 'file is a diff; commit what it makes of the file it is for'],
] as const;

/** Of a text that no YAML can be read from. `failed`: the line, from 1, at which reading it failed. */
export function mistakenText(
  text: string,
  failed: number | undefined,
): { message: string; line: number; column: number } | undefined {
  const lines = text.split('\n');
  const ours = lines.findIndex((it) => it.startsWith('<<<<<<< ') || it.startsWith('<<<<<<<\r'));
  // One that was forgotten as the others were removed.
  const left = lines.findIndex((it) => it.startsWith('>>>>>>> ') || /^(?:={7}|\|{7}(?: .*)?)\r?$/.test(it));
  if (ours >= 0 || left >= 0) {
    const line = (ours >= 0 ? ours : left) + 1;
    return {
      message: 'holds the markers of a merge conflict (<<<<<<<); decide which side it is, and remove them',
      line,
      column: 1,
    };
  }
  const template = templateAt(lines, failed);
  if (!template) return undefined;
  const message =
    'is a template ({{ … }}), which nobody fills in here; commit what it renders to, or quote what is meant as text';
  return { message, ...template };
}

/** In quotes it would be text. */
function templateAt(lines: readonly string[], failed = 1): { line: number; column: number } | undefined {
  const places = lines.flatMap((it, i) => {
    // A value that begins so cannot be read; in the middle of one it need not be what failed.
    const isNear = Math.abs(i + 1 - failed) <= 1;
    const before = (isNear ? /^[^'"#]*?(?=\{[{%])/ : /^\s*(?:- )?(?:[\w.-]+: )?(?=\{[{%])/).exec(it)?.[0];
    return before === undefined ? [] : [{ line: i + 1, column: before.length + 1 }];
  });
  return places[0];
}
