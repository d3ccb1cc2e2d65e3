import type { Mark } from '../moments.ts';
import type { Deed } from '../plan.ts';
import type { Random } from '../random.ts';

/**
 * What a history may hold. Each takes some of it by chance and leaves the others out: in one with everything, one thing
 * hides another.
 */
const FEATURES = [
  'drain',
  'cordon',
  'preflight',
  'reboot',
  'postflight',
  'steps',
  'checks',
  'windows',
  'retries',
  'bad commands',
  'bad images',
  'odd machines',
  'slow kubelets',
  'brakes',
  'others',
  'long commands',
  'short waits',
  'slow ends',
] as const;
export type Feature = (typeof FEATURES)[number];

const TROUBLES = ['agent', 'writes', 'clock', 'api', 'watches', 'nodes', 'people', 'hands', 'git'] as const;
export type Trouble = (typeof TROUBLES)[number];

/** What a history is made of. */
export interface Mix {
  features: ReadonlySet<Feature>;
  troubles: readonly Trouble[];
  /** What people do, and at which moments things happen; anything, and at any, when absent. */
  deeds?: readonly Deed[];
  marks?: readonly Mark[];
}

/**
 * What belongs together: some histories have these and little else, so that what hangs on two or three things at the right time
 * comes about in hundreds of histories, not in tens of thousands.
 */
const THEMES: readonly (Omit<Mix, 'features'> & { features: readonly Feature[] })[] = [
  { features: ['long commands'], troubles: ['people'], deeds: ['hold', 'suspend', 'cancel'] },
  { features: ['steps', 'brakes', 'long commands'], troubles: ['people'] },
  { features: ['steps', 'checks'], troubles: ['agent', 'writes', 'watches', 'nodes'] },
  { features: ['windows', 'long commands'], troubles: ['people', 'nodes'] },
  { features: ['long commands', 'short waits'], troubles: ['agent', 'agent', 'writes'] },
  {
    features: ['drain', 'short waits'],
    troubles: ['api', 'agent'],
    marks: ['cordon', 'Draining', 'eviction'],
  },
  {
    features: ['retries', 'long commands', 'slow ends'],
    troubles: ['hands', 'hands', 'nodes'],
    deeds: ['delete pod'],
    marks: ['command starts'],
  },
  { features: ['preflight', 'reboot', 'short waits'], troubles: ['watches'] },
  {
    features: ['cordon', 'others', 'bad commands', 'long commands'],
    troubles: ['people'],
    deeds: ['delete'],
    marks: ['command starts', 'Running'],
  },
];

export function mixOf(random: Random, repository: boolean): Mix {
  if (random.chance(0.4)) {
    const theme = random.pick(THEMES);
    const more = FEATURES.filter(() => random.chance(0.1));
    return { ...theme, features: new Set([...theme.features, ...more]) };
  }
  const share = random.pick([0.2, 0.4, 0.6]);
  return {
    features: new Set(FEATURES.filter(() => random.chance(share))),
    troubles: TROUBLES.filter((it) => (it !== 'git' || repository) && random.chance(0.4)),
  };
}
