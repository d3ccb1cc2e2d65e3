import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Feedback } from '../../src/agent/feedback.ts';
import { FeedbackSchema } from '../../src/api/feedback.ts';
import type { NodeOpReport, ReportPhase } from '../../src/api/report.ts';
import { runStatus } from '../../src/core/feedback/status.ts';
import { silent } from '../runs/support.ts';
import { GitHost, TOKEN } from '../support/git-host.ts';

const COMMIT = 'c'.repeat(40);
const LAYOUT = { nodeops: 'nodeops', runs: 'runs', results: 'results' };

const fault = fc.constantFrom<GitHost['faults'][number]>(
  'cut',
  'torn',
  'lost',
  { status: 500 },
  { status: 503, headers: { 'retry-after': '0' } },
  { status: 429, headers: { 'retry-after': '0' } },
);
const step = fc.record({
  run: fc.constantFrom('a', 'b', 'c'),
  phase: fc.constantFrom<ReportPhase>('Pending', 'Running', 'Completed', 'Failed', 'Cancelled', 'Invalid'),
  faults: fc.array(fault, { maxLength: 3 }),
  /** Whether it is told before the next step, or the two come in a burst. */
  settles: fc.boolean(),
  /** The agent is killed after it and starts anew. */
  restarts: fc.boolean(),
});

function report(run: string, phase: ReportPhase): NodeOpReport {
  return {
    apiVersion: 'agent.nodeop.dev/v1alpha1',
    kind: 'NodeOpReport',
    metadata: { name: run },
    run: { path: `runs/${run}.yaml`, commit: COMMIT, committedAt: new Date().toISOString() },
    status: { phase, finishedAt: new Date().toISOString() },
  };
}

test.each(['github', 'gitlab', 'gitea'] as const)(
  'whatever %s does meanwhile, it ends with the newest state of each run, said in one comment',
  async (provider) => {
    const dir = mkdtempSync(join(tmpdir(), 'nodeop-feedback-'));
    writeFileSync(join(dir, 'token'), TOKEN);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        const stub = await GitHost.start(provider);
        stub.pullRequests.set(COMMIT, 7);
        const config = FeedbackSchema.parse({
          provider,
          apiUrl: stub.apiUrl,
          project: 'ops/nodes',
          tokenFile: join(dir, 'token'),
        });
        const mergesAfter = () => Promise.resolve([]);
        const open = () =>
          new Feedback({ config, layout: LAYOUT, branch: 'main', logger: silent, mergesAfter, retryMs: 1 });
        // What the repository holds: a restarted agent is told all of it.
        const reports = new Map<string, NodeOpReport>();
        let feedback = open();
        for (const { run, phase, faults, settles, restarts } of steps) {
          stub.faults.push(...faults);
          reports.set(run, report(run, phase));
          feedback.tell([report(run, phase)]);
          if (settles) await feedback.settle(20_000);
          if (!restarts) continue;
          await feedback.stop();
          feedback = open();
          feedback.tell([...reports.values()]);
        }
        await feedback.settle(20_000);
        await feedback.stop();
        await stub.stop();

        for (const [run, it] of reports) {
          const shown = stub.latest(COMMIT).find(({ context }) => context === `nodeop-agent/${run}`);
          expect(shown?.description).toBe(runStatus(it).description);
        }
        expect(stub.of(7)).toHaveLength(1);
        const sections = (stub.of(7)[0]?.body ?? '').split('<!-- run ').slice(1);
        const states = sections.map((text) => [
          /^runs%2F(\w+)/.exec(text)?.[1],
          /\*\*(\w+)\*\*/.exec(text)?.[1],
        ]);
        expect(new Map(states as [string, string][])).toEqual(
          new Map([...reports].map(([run, { status }]) => [run, status.phase])),
        );
        expect(sections).toHaveLength(reports.size);
      }),
      { numRuns: 25 },
    );
    rmSync(dir, { recursive: true });
  },
);
