import type { Setting } from './session.ts';

/** What old tools wrote and git itself reads without harm: names, addresses and dates of people, and padded modes. */
export const HARMLESS: readonly string[] = [
  'badDate',
  'badDateOverflow',
  'badEmail',
  'badName',
  'badTimezone',
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
