import { ANSWERS } from './answers.ts';
import { FILES } from './files.ts';
import { HOOKS } from './hooks.ts';
import type { Kind } from './kind.ts';
import { NAMES } from './names.ts';
import { REPORTS } from './reports.ts';
import { WORDS } from './words.ts';

/** Everything that people, hosts, pods and servers have a say in. */
export const KINDS: readonly Kind[] = [...FILES, ...REPORTS, ...WORDS, ...NAMES, ...HOOKS, ...ANSWERS];
