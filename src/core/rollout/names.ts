import { createHash } from 'node:crypto';
import { trimBoth, trimEnd } from '../../api/trim.ts';

const LABEL_VALUE = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

function hash(text: string, length: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length);
}

/** The text itself where it is a valid label value (at most 63 characters), else a readable start and a hash. */
export function labelValue(text: string): string {
  if (LABEL_VALUE.test(text)) return text;
  const start = trimBoth(text.slice(0, 46).replaceAll(/[^-A-Za-z0-9_.]/g, '-'), '-_.');
  return start === '' ? hash(text, 16) : `${start}-${hash(text, 16)}`;
}

/**
 * Name of the Job of one NodeOp on one node. The UID is part of it, so that a re-created NodeOp never
 * meets its predecessor's Job; at most 63 characters with the helper pods' suffixes, since the Job
 * controller copies it into a label.
 */
export function jobName(op: { name: string; uid: string }, node: string): string {
  const start = trimEnd(op.name.slice(0, 40).replaceAll('.', '-'), '-');
  return `${start}-${hash(`${op.uid}/${node}`, 10)}`;
}

/** Of the pod of one try of a check by command. */
export const checkName = (op: { name: string; uid: string }, tryKey: string) =>
  `${jobName(op, `check/${tryKey}`)}-check`;

export const preflightName = (op: { name: string; uid: string }, node: string) =>
  `${jobName(op, node)}-preflight`;
export const postflightName = (op: { name: string; uid: string }, node: string) =>
  `${jobName(op, node)}-postflight`;
export const rebootName = (op: { name: string; uid: string }, node: string) => `${jobName(op, node)}-reboot`;
