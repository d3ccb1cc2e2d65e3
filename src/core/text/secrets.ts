import { COMMAND_RULES } from './secret-commands.ts';
import { TOKENS } from './secret-tokens.ts';
import { isNoWord, isProse, isRandom, isUserAndPassword, isValue } from './secret-values.ts';
import type { SecretRule } from './secret-rule.ts';

/**
 * What credentials look like, as data. Shapes of tokens follow the rules of gitleaks (https://github.com/gitleaks/gitleaks,
 * MIT License, Copyright (c) 2019 Zachary Rice), written anew: a beginning of bounded length and one last run of characters,
 * so that a text is read in one go whatever is in it.
 */

/** Names of what is secret; they may have something before them, as in DB_PASSWORD, and nothing after. */
const NAMES = [
  'pass(?:word|wd|phrase)',
  '(?<!pull[_-]{0,1})secret',
  'token',
  'api[_-]?key',
  'apikey',
  '(?:access|secret|private|client|signing|encryption|auth|account|storage|preshared|certificate|master|subscription)[_-]?key(?:[_-](?:data|base))?',
  'shared[_-]?access[_-]?signature',
  'connection[_-]?string',
  'credentials?',
  '(?:db|root|admin|user|bind|ldap|smtp|mail|ftp|sudo|bmc|ipmi|login)pass',
  '(?:root|bind|admin|user|bmc)pw',
  '_pass',
  '_pat',
  '_pwd',
  '_pw',
  '_auth',
  'psk',
  'certificate-key',
].join('|');

const VALUE = '(?:b?"(?:[^"\\\\\\n]|\\\\.){1,4096}"?|b?\'[^\'\\n]{1,4096}\'?|[^\\s"\',;&]{1,4096})';
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
    name: 'authorization header of several parts',
    pattern:
      /(\bauthorization\\?["']?\s{0,4}[:=]\s{0,4}\\?["']?(?:digest|aws4-[\w-]{1,20}|oauth|signature|hawk)[ \t]{1,4})[^\r\n']{1,8192}/gi,
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
  ...COMMAND_RULES,
  {
    name: 'option of a command',
    pattern: new RegExp(`(--?(?:[a-z0-9]{1,20}[_-]){0,4}(?:${NAMES})[ \\t]{1,4})${VALUE}`, ANY),
    accept: (value, _, rest) => !value.startsWith('-') && !isProse(value, rest),
  },
  {
    name: 'login of a netrc file',
    pattern:
      /(\blogin[ \t]{1,4}\S{1,128}\s{1,8}(?:account[ \t]{1,4}\S{1,128}\s{1,8})?password[ \t]{1,4})\S{1,1024}/gi,
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
    name: 'name and value within a text',
    pattern: new RegExp(`((?:${NAMES})\\\\"\\s{0,8}[:=]\\s{0,8}\\\\")[^"\\\\\\n]{1,4096}`, ANY),
    accept: isValue,
  },
  {
    name: 'name and lines in YAML',
    pattern: new RegExp(
      `((?:${NAMES})["']?[ \\t]{0,8}:[ \\t]{0,8}[|>][-+0-9]{0,2}[ \\t]{0,8}\\r?\\n)(?:[ \\t]{1,60}\\S[^\\n]{0,4096}(?:\\n|$)){1,200}`,
      ANY,
    ),
  },
  {
    name: 'name and value on the next line',
    pattern: new RegExp(
      `((?:${NAMES})["']?[ \\t]{0,8}:[ \\t]{0,8}\\r?\\n[ \\t]{1,60})(?:"[^"\\n]{1,4096}"|'[^'\\n]{1,4096}'|[^\\s"':{}[\\],-][^\\s:{}[\\],]{0,4096})(?=,?[ \\t]{0,8}(?:\\r?\\n|$))`,
      ANY,
    ),
    accept: isValue,
  },
  {
    name: 'name and value over several lines',
    pattern: new RegExp(
      `((?:${NAMES})["']?[ \\t]{0,8}[:=][ \\t]{0,8})"[^"\\n]{1,1024}(?:\\n[^"\\n:=]{0,1024}){1,3}"`,
      ANY,
    ),
  },
  {
    name: 'element of XML',
    pattern: new RegExp(`(<[\\w:-]{0,60}(?:${NAMES})>)[^<>\\n]{1,4096}(?=</)`, ANY),
    accept: (value) => !isProse(value, ''),
  },
  {
    name: 'attribute of XML',
    pattern: new RegExp(`((?:key|name)="[\\w.:-]{0,60}(?:${NAMES})"[ \\t]{1,8}value=")[^"\\n]{1,4096}`, ANY),
  },
  {
    name: 'variable of other shells',
    pattern: new RegExp(
      `(\\b(?:setenv|set[ \\t]{1,4}-[a-z]{1,4})[ \\t]{1,4}\\w{0,60}(?:${NAMES})[ \\t]{1,4})${VALUE}`,
      ANY,
    ),
  },
  {
    name: 'name and value, with nothing but a blank between them',
    pattern: new RegExp(
      `(\\b(?:password|passwd|passphrase|wpa_passphrase|api[ _-]?key|(?:certificate|access)[ -]key|token)[ \\t]{1,4}(?:(?:is|for[ \\t]\\S{1,64}|of[ \\t]\\S{1,64})[: \\t]{1,4})?)${VALUE}`,
      ANY,
    ),
    accept: (value, kept) => isRandom(value) || (/^pass/i.test(kept) && value.startsWith('"')),
  },
  {
    name: 'what is called with a secret',
    pattern: new RegExp(`((?:${NAMES})\\(\\\\?["'])[^"'\\n]{1,4096}`, ANY),
    accept: isRandom,
  },
  {
    name: 'name and what looks like a secret',
    pattern:
      /(\b(?:pass|pw|pwd|session[_-]?(?:id|key)|sid|jsessionid|phpsessid|connect\.sid)\\?["']?[ \t]{0,8}[:=][ \t]{0,8}\\?["']?)[^\s"',;&]{1,4096}/gi,
    accept: isRandom,
  },
  {
    name: 'name and value',
    pattern: new RegExp(
      `((?:${NAMES})\\\\?["']?[ \\t]{0,8}(?::=|=>|[:=\uff1d\uff1a])[ \\t]{0,8}\\\\?)${VALUE}`,
      ANY,
    ),
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
  { name: 'token of Telegram', pattern: /(\bbot|\b)\d{8,10}:AA[\w-]{30,50}/g },
  {
    name: 'webhook of Discord',
    pattern: /(\bdiscord(?:app)?\.com\/api\/webhooks\/\d{1,30}\/)[\w-]{10,300}/g,
  },
  {
    name: 'webhook of Teams',
    pattern: /(\b(?:[\w-]{1,60}\.webhook|outlook)\.office(?:365)?\.com\/webhook(?:b2)?\/)[\w@/-]{10,400}/g,
  },
  {
    name: 'line of a password file of PostgreSQL',
    pattern: /(^[\w.*-]{1,253}:(?:[56]\d{3}|\*):[^:\s]{1,64}:[^:\s]{1,64}:)\S{1,1024}$/gm,
  },
  {
    name: 'hash of a password in a directory',
    pattern: /(\{(?:S?SHA\d{0,3}|S?MD5|CRYPT|PBKDF2[\w-]{0,20})\})[\w+/=.$-]{16,400}/g,
  },
  { name: 'key of PuTTY', pattern: /(\bPrivate-Lines: \d{1,4}\r?\n)(?:[\w+/=]{1,100}\r?\n){1,400}/g },
  {
    name: 'key of SSH2',
    pattern: /(-{4} BEGIN SSH2 (?:ENCRYPTED )?PRIVATE KEY -{4})[^-]{1,16384}/g,
  },
  {
    name: 'webhook of Slack',
    pattern: /(\bhooks\.slack\.com\/(?:services|workflows|triggers)\/)[\w/-]{10,300}/g,
  },
  { name: 'token of HCP Terraform', pattern: /()\b[A-Za-z0-9]{14}\.atlasv1\.[\w-]{20,300}/g },
  { name: 'token by its beginning', pattern: new RegExp(`()\\b(?:${TOKENS.join('|')})`, 'g') },
];
