/**
 * What credentials look like, as data. Shapes of tokens follow the rules of gitleaks (https://github.com/gitleaks/gitleaks,
 * MIT License, Copyright (c) 2019 Zachary Rice), written anew: a beginning of bounded length and one last run of characters,
 * so that a text is read in one go whatever is in it.
 */
export interface SecretRule {
  name: string;
  /** What its first group finds is kept. */
  pattern: RegExp;
  /** Whether what was found is one; `kept` is the first group, `rest` what follows in the text. */
  accept?: (value: string, kept: string, rest: string) => boolean;
}

/** Tokens that can be told by how they begin, wherever they stand. */
const PREFIXES = [
  'gh[pousr]_[A-Za-z0-9]{10,300}',
  'github_pat_\\w{10,300}',
  'gl(?:pat|rt|ptt|dt|cbt|ft|imt|oas|soat|agent|rtr|ffct)-[\\w.-]{10,300}',
  'GR1348941[\\w-]{10,300}',
  'npm_[A-Za-z0-9]{20,300}',
  'pypi-[\\w-]{16,300}',
  'xox[a-z](?:\\.xox[a-z])?-[\\w-]{10,300}',
  'xapp-[\\w-]{10,300}',
  '(?:AKIA|ASIA|ABIA|ACCA)[\\w-]{10,128}',
  'AIza[\\w-]{20,300}',
  'ya29\\.[\\w-]{20,2000}',
  'GOCSPX-[\\w-]{10,300}',
  '(?:sk|rk|pk)_(?:live|test|prod)_\\w{10,300}',
  'whsec_[\\w+/=]{10,300}',
  'sk-[\\w-]{20,300}',
  'SG\\.[\\w.-]{30,300}',
  'hf_[A-Za-z0-9]{20,300}',
  'do[opr]_v1_[a-f0-9]{20,300}',
  'dckr_[a-z]{2,4}_[\\w-]{10,300}',
  'hv[sbr]\\.[\\w-]{20,400}',
  'shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{20,300}',
  'AT(?:ATT3|CTT3|BB)[\\w=-]{20,400}',
  'lin_api_[A-Za-z0-9]{20,300}',
  'gl(?:c|sa)_[\\w+/=]{20,400}',
  'tskey-[\\w-]{10,300}',
  'fo1_[\\w-]{20,300}',
  'AGE-SECRET-KEY-1[0-9A-Z]{20,100}',
  'K10[0-9a-f]{48,80}::[\\w:.-]{3,300}',
  'PMAK-[\\w-]{20,300}',
  'dapi[a-f0-9]{32,64}',
  'dt0c01\\.[A-Z0-9.]{20,200}',
  'NRAK-[A-Z0-9]{20,64}',
  'sntry[su]_[\\w+/=-]{20,400}',
  'EAACEdEose0cBA[A-Za-z0-9]{10,400}',
];

/** Names of what is secret; they may have something before them, as in DB_PASSWORD, and nothing after. */
const NAMES = [
  'pass(?:word|wd|phrase)',
  'secret',
  'token',
  'api[_-]?key',
  'apikey',
  '(?:access|secret|private|client|signing|encryption|auth|account|storage|preshared|certificate|master)[_-]?key(?:[_-]data)?',
  'shared[_-]?access[_-]?signature',
  'connection[_-]?string',
  'credentials?',
  '_pass',
  '_pat',
  '_pwd',
  '_auth',
  'psk',
  'certificate-key',
].join('|');

const VALUE = '(?:"[^"\\n]{1,4096}"?|\'[^\'\\n]{1,4096}\'?|[^\\s"\',;&]{1,4096})';
const ANY = 'gi';

/** In this order: what an earlier rule masked is not looked at again. */
export const SECRET_RULES: readonly SecretRule[] = [
  {
    name: 'user and password in an address',
    pattern: /(:\/\/)[^\s/'"<>]{1,1024}(?=@)/g,
    // A user alone is no secret, unless it is a token; "git@" is in every ssh address.
    accept: (value) => value.includes(':') || value.length > 24,
  },
  {
    name: 'authorization header',
    pattern:
      /(\bauthorization\\?["']?\s{0,4}[:=]\s{0,4}\\?["']?(?:[a-z][\w-]{0,20}[ \t]{1,4})?)[^\s"',;\\]{1,8192}/gi,
    accept: isNoWord,
  },
  {
    name: 'basic authentication',
    pattern: /(\bbasic[ \t]{1,4})[A-Za-z0-9+/]{4,4096}={0,2}/gi,
    accept: isUserAndPassword,
  },
  { name: 'bearer token', pattern: /(\bbearer[ \t]{1,4})[\w.~+/=-]{6,8192}/gi, accept: isNoWord },
  {
    name: 'cookie',
    pattern: /(\b(?:set-)?cookie\\?["']?\s{0,4}:\s{0,4}\\?["']?)[^\r\n"']{1,8192}/gi,
    accept: (value) => value.includes('='),
  },
  {
    name: 'user and password of curl',
    pattern: /((?:\s-u|--user|--proxy-user)[ \t=]{0,4}["']?[^\s:"']{1,128}:)[^\s"']{1,1024}/g,
    accept: (value) => !isNumber(value),
  },
  {
    name: 'sshpass',
    pattern: /(\bsshpass[ \t]{1,4}-p[ \t]{0,4})(?:"[^"\n]{1,1024}"?|'[^'\n]{1,1024}'?|\S{1,1024})/g,
  },
  {
    name: 'mysql',
    pattern: /(\bmysql(?:dump|admin|show)?[ \t]{1,4}(?:-[^p\n][^\n]{0,80}? )?-p)[^\s"']{1,1024}/g,
  },
  { name: 'redis', pattern: /(\bredis-cli[ \t]{1,4}(?:-[^a\n][^\n]{0,80}? )?-a[ \t]{1,4})[^\s"']{1,1024}/g },
  {
    name: 'option of a command',
    pattern: new RegExp(`(--?(?:[a-z0-9]{1,20}[_-]){0,4}(?:${NAMES})[ \\t]{1,4})${VALUE}`, ANY),
    accept: (value, _, rest) => !value.startsWith('-') && !isProse(value, rest),
  },
  {
    name: 'login of a netrc file',
    pattern: /(\blogin[ \t]{1,4}\S{1,128}\s{1,8}password[ \t]{1,4})\S{1,1024}/gi,
  },
  {
    name: 'identified by',
    pattern: /(\bidentified[ \t]{1,4}by[ \t]{1,4})(?:"[^"\n]{1,1024}"?|'[^'\n]{1,1024}'?)/gi,
  },
  {
    name: 'registry login',
    pattern: /("auth\\?"\s{0,4}:\s{0,4}\\?")[^"\\\n]{4,4096}/gi,
  },
  {
    name: 'signature in an address',
    pattern:
      /([?&](?:sig|signature|x-amz-signature|x-amz-credential|x-amz-security-token|code|key)=)[^\s&"'<>#]{8,4096}/gi,
    accept: isNoWord,
  },
  {
    name: 'name and value of a variable',
    pattern: new RegExp(
      `(name["']?[ \\t]{0,4}:[ \\t]{0,4}["']?\\w{0,60}(?:${NAMES})["']?,?\\s{1,40}["']?value["']?[ \\t]{0,4}:[ \\t]{0,4})${VALUE}`,
      ANY,
    ),
    accept: isValue,
  },
  {
    name: 'name and value',
    pattern: new RegExp(`((?:${NAMES})\\\\?["']?[ \\t]{0,8}(?::=|=>|[:=])[ \\t]{0,8}\\\\?)${VALUE}`, ANY),
    accept: isValue,
  },
  {
    name: 'hash of a password',
    pattern: /()\$(?:1|2[abxy]|5|6|y|7|argon2(?:id?|d))\$[\w./$=,+-]{20,400}/g,
  },
  {
    name: 'private key in base64',
    pattern:
      /()\bLS0tLS1CRUdJTi(?:BQUklWQVRF|BSU0EgUFJJ|BFQyBQUklW|BPUEVOU1NI|BFTkNSWVBU|BEU0EgUFJJ|BQR1AgUFJJ)[\w+/=]{0,65536}/g,
  },
  {
    name: 'JSON web token, or JSON in base64',
    pattern: /()\beyJ[\w-]{8,8192}(?:\.[\w-]{0,8192}){0,4}[\w+/=]{0,8192}/g,
    accept: (value) => value.includes('.') || value.length > 24,
  },
  { name: 'token of Telegram', pattern: /()\b\d{8,10}:AA[\w-]{30,50}/g },
  {
    name: 'webhook of Slack',
    pattern: /(\bhooks\.slack\.com\/(?:services|workflows|triggers)\/)[\w/-]{10,300}/g,
  },
  { name: 'token of HCP Terraform', pattern: /()\b[A-Za-z0-9]{14}\.atlasv1\.[\w-]{20,300}/g },
  { name: 'token by its beginning', pattern: new RegExp(`()\\b(?:${PREFIXES.join('|')})`, 'g') },
];

function isNumber(text: string): boolean {
  return /^\d{1,12}$/.test(text);
}

/** Words that stand after "token:" where no token does. */
const WORDS: ReadonlySet<string> = new Set(
  (
    'a an and any are as at authentication authorization auth bad be been being but by can cannot changed configured could created credentials ' +
    'deleted denied disabled does empty enabled error expired expires failed false file for forbidden found from given had has have ' +
    'if ignored in incorrect incomplete invalid is it its key malformed may mismatch missing must needed never new nil no none not null of ok ' +
    'on or password passwords permission please provided read redacted refused rejected required reset revoked rotated secret secrets set should ' +
    'skipped string that the there this to token tokens true undefined unauthorized unavailable unchanged unknown unset updated used user valid ' +
    'value was were will with without wrong your yes'
  ).split(' '),
);

function wordOf(value: string): string {
  return /^[(["']{0,2}([a-z]{1,20})[)\]"'.,:;!?]{0,3}$/i.exec(value)?.[1]?.toLowerCase() ?? '';
}

function isNoWord(value: string): boolean {
  return !value.startsWith('***') && !WORDS.has(wordOf(value)) && !/^[a-z]{1,20}[.,:]?$/.test(value);
}

/** Part of a sentence: a word of those, or one that another word follows. */
function isProse(value: string, rest: string): boolean {
  if (WORDS.has(wordOf(value))) return true;
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

function isValue(value: string, kept: string, rest: string): boolean {
  if (isPlaceholder(value) || value === '""' || value === "''") return false;
  // With an equals sign, in quotes or right after the colon nobody writes sentences.
  const isSaid = /[:][ \t]{1,8}$/.test(kept) && !/^["']/.test(value);
  if (isSaid) return !isProse(value, rest);
  return !/^["']?(?:true|false|null|nil|none|undefined|yes|no|unset|empty|redacted)["']?$/i.test(value);
}

function isUserAndPassword(value: string): boolean {
  const decoded = Buffer.from(value, 'base64').toString('latin1');
  return decoded.includes(':') && /^[\x20-\x7e]+$/.test(decoded);
}
