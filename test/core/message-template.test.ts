import { expect, test } from 'vitest';
import { AgentConfigSchema } from '../../src/api/config.ts';
import { check, formatProblem } from '../../src/api/schema.ts';
import { fillTemplate } from '../../src/core/runs/message-template.ts';

const MESSAGE = 'runs/a.yaml: Completed (3 of 3) [skip ci]\n\nRun: runs/a.yaml\nCluster: edge-1\n';

test.each<[string, string, string]>([
  ['{summary}', MESSAGE, MESSAGE],
  ['{summary}', 'First contact\n', 'First contact\n'],
  [
    'OPS-7 chore({cluster}): {summary}',
    MESSAGE,
    'OPS-7 chore(edge-1): runs/a.yaml: Completed (3 of 3) [skip ci]\n\nRun: runs/a.yaml\nCluster: edge-1\n',
  ],
  [
    'ops: {summary}\n\n{details}\nSigned-off-by: Agent <agent@example.org>\n',
    MESSAGE,
    'ops: runs/a.yaml: Completed (3 of 3) [skip ci]\n\nRun: runs/a.yaml\nCluster: edge-1\nSigned-off-by: Agent <agent@example.org>\n',
  ],
  [
    'ops: {summary}\n\n{details}\n\nSigned-off-by: Agent <agent@example.org>',
    'First contact',
    'ops: First contact\n\nSigned-off-by: Agent <agent@example.org>\n',
  ],
  ['{summary} $& {cluster}', 'a {details} $1', 'a {details} $1 $& edge-1\n'],
])('%j', (template, message, expected) => {
  expect(fillTemplate(template, message, 'edge-1')).toBe(expected);
});

test.each<[string, RegExp]>([
  ['no placeholder', /report\.message: has to hold \{summary\}/],
  ['{sumary}', /report\.message: has \{sumary\}; there are \{summary\}, \{details\}, \{cluster\}/],
  ['\n{summary}', /report\.message: must not begin with/],
])('the template %j is refused', (message, expected) => {
  const config = {
    apiVersion: 'agent.nodeop.dev/v1alpha1',
    kind: 'AgentConfig',
    git: { url: '/x' },
    report: { message },
  };
  const result = check(AgentConfigSchema, config);
  expect(result.ok ? [] : result.problems.map(formatProblem)).toEqual([expect.stringMatching(expected)]);
});
