import type { Setting } from './session.ts';

/**
 * What old tools wrote and git itself reads without harm: names, addresses and dates of people, and padded modes. And names
 * that lead out of a checkout, which there is none of here: a run file of such a name is refused by a report, alone.
 */
export const HARMLESS: readonly string[] = [
  'badDate',
  'badDateOverflow',
  'badEmail',
  'badName',
  'badTimezone',
  'hasDot',
  'hasDotdot',
  'hasDotgit',
  'missingEmail',
  'missingNameBeforeEmail',
  'missingSpaceBeforeDate',
  'missingSpaceBeforeEmail',
  'zeroPaddedDate',
  'zeroPaddedFilemode',
];

/**
 * Every object is checked as it comes in: a tree that is not sorted, or names a file twice, is read in different ways by
 * different commands, so that one would show the signed file and another one execute its twin.
 * @param skipList file with ids of objects that are taken all the same
 */
export function objectChecks(skipList: string): Setting[] {
  return [
    ['fetch.fsckObjects', 'true'],
    ...HARMLESS.map((kind): Setting => [`fetch.fsck.${kind}`, 'ignore']),
    ['fetch.fsck.skipList', skipList],
  ];
}
