/** Which of what stands where a secret would is one. */

export function isNumber(text: string): boolean {
  return /^\d{1,12}$/.test(text);
}

/** Words that stand after "token:" where no token does. */
const WORDS: ReadonlySet<string> = new Set(
  (
    'a absent again an and any are as at authentication authorization auth bad be been being but by can cannot changed configured could created credentials ' +
    'deleted denied disabled does empty enabled error exists expired expires failed false file for forbidden found from given had has have hidden ' +
    'if ignored in incorrect incomplete invalid is it its key leave malformed may mismatch missing must needed never new nil no none not null of off ok ' +
    'on or password passwords permission please present prompt provided read redacted refused rejected required reset revoked rotated secret secrets set should ' +
    'skipped string that the there this to token tokens true undefined unauthorized unavailable unchanged unexpected unknown unset updated used user valid ' +
    'value was were will with without wrong your yes'
  ).split(' '),
);

function wordOf(value: string): string {
  return /^[(["']{0,2}([a-z]{1,20})[)\]"'.,:;!?]{0,3}$/i.exec(value)?.[1]?.toLowerCase() ?? '';
}

export function isNoWord(value: string): boolean {
  return !value.startsWith('***') && !WORDS.has(wordOf(value)) && !/^[a-z]{1,20}[.,:]?$/.test(value);
}

/** Part of a sentence: a word of those, or one that another word follows. */
export function isProse(value: string, rest: string): boolean {
  if (WORDS.has(wordOf(value)) || /^(?:n\/a|\W{1,3})$/i.test(value)) return true;
  if (isNumber(value) && /^ [a-z]{1,20}\b/.test(rest)) return true;
  return /^[a-z]{1,20}$/.test(value) && /^ [a-z]{1,20}(?:[ .,]|$)/.test(rest.slice(0, 24));
}

/** What stands for a value that is elsewhere, or says that there is none. */
function isPlaceholder(value: string): boolean {
  const bare = value.replace(/^\\?["']/, '').replace(/\\?["']$/, '');
  return (
    /^(?:\*{3}|x{3,}$|\.{3}|\*+$|\[\]$|\{\}$|\{\{|\$[({]|%[({s])/.test(bare) ||
    /^(?:\$[A-Z_][A-Z0-9_]{0,60}|%[A-Z_]{1,60}%|<[\w .-]{0,60}>?)$/.test(bare) ||
    /^[([<](?:redacted|hidden|masked|filtered|none|empty|set|unset|nil)\b/i.test(bare)
  );
}

export function isValue(value: string, kept: string, rest: string): boolean {
  if (isPlaceholder(value) || value === '""' || value === "''") return false;
  // So many of them, or the number of one.
  if (/token\W{1,12}$/i.test(kept) && /^\d{1,5}$/.test(value)) return false;
  // With an equals sign, in quotes or right after the colon nobody writes sentences.
  const isSaid = /[:][ \t]{1,8}$/.test(kept) && !/^["']/.test(value);
  if (isSaid) return !isProse(value, rest);
  return !/^["']?(?:true|false|null|nil|none|undefined|yes|no|unset|empty|redacted|ok|off|on|set|valid|invalid|missing|expired|changed|required|disabled|enabled)["']?$/i.test(
    value,
  );
}

export function isUserAndPassword(value: string): boolean {
  const decoded = Buffer.from(value, 'base64').toString('latin1');
  return decoded.includes(':') && /^[\x20-\x7e]+$/.test(decoded);
}

/** What nobody would take for a word, a name in a cluster, a number, a size, a path or a time. */
export function isRandom(value: string): boolean {
  const bare = value.replace(/^\\?["']/, '').replace(/\\?["'][.,;)]?$/, '');
  if (
    bare.length < 6 ||
    isPlaceholder(value) ||
    /^[./~]/.test(bare) ||
    /^[a-z0-9.]{1,60}-[-a-z0-9.]{1,60}$/.test(bare)
  )
    return false;
  if (/[\\:]|\/\S{0,200}\//.test(bare)) return false;
  return /\d/.test(bare) && /[A-Za-z]/.test(bare) && !/^v?\d[\w.]{0,20}$/.test(bare);
}
