import type { StepStatus } from '../../api/steps.ts';
import { oneLine } from './table.ts';

type Standing = Pick<StepStatus, 'name' | 'phase'> & { message?: string | undefined };

/** `step canary is passed, tenth soaks (for 10 min), rest is pending`: the one way steps stand in words; '' for none. */
export function stepsText(steps: readonly Standing[] = []): string {
  return steps.map((it) => stepText(it)).join(', ');
}

function stepText({ name, phase, message = '' }: Standing): string {
  const isSaid = message !== '' && phase !== 'Pending';
  return `${name} ${WORDS[phase]}${isSaid ? ` (${oneLine(message, 120)})` : ''}`;
}

const WORDS: Record<StepStatus['phase'], string> = {
  Pending: 'has not begun',
  Running: 'is under way',
  Soaking: 'is watched',
  Checking: 'is checked',
  AwaitingApproval: 'waits for approval',
  Passed: 'has passed',
  Failed: 'has failed',
  Cancelled: 'was given up',
};
