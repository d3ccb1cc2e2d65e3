import { afterEach, expect, test } from 'vitest';
import { createLogger } from '../../src/agent/logger.ts';
import { checkRepository } from '../../src/agent/readiness.ts';
import { Standby } from '../../src/agent/standby.ts';
import { TestRepository } from '../runs/support.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { timetableOn } from '../support/timetable.ts';

let repository: TestRepository;
let standby: Standby | undefined;

afterEach(async () => {
  await standby?.stop();
  repository[Symbol.dispose]();
});

test('a standby replica whose branch is missing says which there are, as the leader does', async () => {
  repository = new TestRepository();
  repository.push({ 'README.md': 'operations\n' });
  const clock = new FakeClock();
  const config = repository.config({ git: { branch: 'mian' } });
  standby = new Standby(config, createLogger('silent'), clock, timetableOn(clock));
  const state = () => standby?.state() ?? {};
  await expect.poll(() => state().lastPoll, { timeout: 30_000 }).toBeDefined();
  const said = 'the remote has no branch "mian"; it has "main"';
  expect(state().problem).toBe(said);
  expect(checkRepository(state(), clock.wall())).toMatchObject({ missing: `fetched 0 s ago: ${said}` });
});
