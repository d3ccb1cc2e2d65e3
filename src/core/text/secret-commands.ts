import { isNumber } from './secret-values.ts';
import type { SecretRule } from './secret-rule.ts';

/** Options of well-known commands that take a secret, and tell of it by a letter at most. */

/** So much may stand between a command and its option. */
const BETWEEN = '[^\\n]{0,100}?';
const WORD = '(?:"[^"\\n]{1,1024}"?|\'[^\'\\n]{1,1024}\'?|[^\\s"\'|;&]{1,1024})';
const isNoNumber = (value: string) => !isNumber(value);

export const COMMAND_RULES: readonly SecretRule[] = [
  {
    name: 'user and password of curl',
    pattern: /((?:\s-u|--user|--proxy-user)[ \t=]{0,4}["']?[^\s:"']{1,128}:)[^\s"']{1,1024}/g,
    accept: isNoNumber,
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
    name: 'login at a registry',
    pattern: new RegExp(
      `(\\b(?:docker|podman|nerdctl|buildah|skopeo|crane|oras|helm)(?=[ \\t])${BETWEEN}\\blogin(?=[ \\t])${BETWEEN}[ \\t]-p[ \\t=]{0,4})${WORD}`,
      'g',
    ),
  },
  {
    name: 'management controllers',
    pattern: new RegExp(
      `(\\b(?:ipmitool|ipmi-\\w{1,20}|racadm|hponcfg|saa|sum)(?=[ \\t])${BETWEEN}[ \\t]-[pP][ \\t]{1,4})${WORD}`,
      'g',
    ),
    accept: isNoNumber,
  },
  {
    name: 'directories and devices',
    pattern: new RegExp(
      `(\\b(?:ldap[a-z]{3,12}(?=[ \\t])${BETWEEN}[ \\t]-w|snmp[a-z]{3,12}(?=[ \\t])${BETWEEN}[ \\t]-[cAX])[ \\t]{0,4})${WORD}`,
      'g',
    ),
  },
  { name: 'user and password of Samba', pattern: /([ \t]-U[ \t]{0,4}["']?[^\s%"']{1,128}%)[^\s"']{1,1024}/g },
  {
    name: 'archives',
    pattern: new RegExp(
      `(\\b(?:7z[ar]?(?=[ \\t])${BETWEEN}[ \\t]-p|un?rar(?=[ \\t])${BETWEEN}[ \\t]-h?p|(?:un)?zip(?=[ \\t])${BETWEEN}[ \\t]-P[ \\t]{1,4}))${WORD}`,
      'g',
    ),
  },
  { name: 'pass phrase of openssl', pattern: /(\bpass:)[^\s"']{1,1024}/g, accept: isNoNumber },
  {
    name: 'key of openssl',
    pattern: new RegExp(`(\\bopenssl(?=[ \\t])${BETWEEN}[ \\t]-k[ \\t]{1,4})${WORD}`, 'g'),
  },
  {
    name: 'what is piped into chpasswd',
    pattern:
      /(\b(?:echo|printf)[ \t]{1,4}["']?[\w.-]{1,64}:)[^\s"'|]{1,1024}(?=["']?[ \t]{0,4}\|[ \t]{0,4}(?:sudo[ \t]{1,4})?chpasswd)/g,
  },
  {
    name: 'what is piped into --password-stdin',
    pattern:
      /(\b(?:echo|printf)[ \t]{1,4}(?:-[a-z]{1,3}[ \t]{1,4})?["']?)[^\s"'|-][^\s"'|]{0,1024}(?=["']?[ \t]{0,4}\|[^\n|]{0,80}--password-stdin)/g,
  },
  { name: 'literal of a Secret', pattern: /(--from-literal[= \t]["']?[\w.-]{1,253}=)[^\s"']{1,4096}/g },
  {
    name: 'kickstart',
    pattern: new RegExp(
      `(\\brootpw(?=[ \\t])${BETWEEN}[ \\t]--(?:plaintext|iscrypted)[ \\t]{1,4})${WORD}`,
      'g',
    ),
  },
  { name: 'net user', pattern: /(\bnet[ \t]{1,4}user[ \t]{1,4}[\w.-]{1,64}[ \t]{1,4})[^\s/]{1,128}/gi },
];
