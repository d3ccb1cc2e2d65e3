import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Check, ChecksSchema, type CheckStatus } from '../../../src/api/checks.ts';
import { type ChecksStep, lookAtChecks } from '../../../src/core/checks/checks.ts';
import { leftovers } from '../../../src/core/checks/command.ts';
import type { Answer, Try } from '../../../src/core/checks/try.ts';
import type { PodFacts } from '../../../src/core/rollout/facts.ts';

const BEGAN = Date.parse('2030-01-01T00:00:00Z');

const checkOf = (fields: object): Check => {
  const [check] = ChecksSchema.parse([fields]);
  if (!check) throw new Error('no check');
  return check;
};
const http = (fields: object = {}) => checkOf({ http: { url: 'http://a.example/' }, ...fields });
const command = (fields: object = {}) => checkOf({ command: { command: ['true'] }, ...fields });

const podOf = (fields: Partial<PodFacts>): PodFacts => ({
  name: 'a-check',
  uid: 'u1',
  createdAt: BEGAN,
  state: 'running',
  started: true,
  deleting: false,
  exitCode: undefined,
  reason: undefined,
  message: undefined,
  ...fields,
});

/** One agent's process with the checks of one step: what it decides is on record once it says so. */
class Process {
  now = BEGAN;
  statuses: readonly CheckStatus[] | undefined;
  persisted: readonly CheckStatus[] | undefined;
  readonly found: readonly CheckStatus[] | undefined;
  readonly answers = new Map<string, Answer>();
  readonly pods = new Map<string, PodFacts>();
  readonly seen = new Set<string>();
  readonly gone = new Set<string>();
  readonly readAt = new Map<string, number>();
  readonly refused = new Map<string, number>();
  private readonly checks: readonly Check[];

  constructor(checks: readonly Check[], found?: readonly CheckStatus[]) {
    this.checks = checks;
    this.found = found;
    this.persisted = found;
    this.statuses = found;
  }

  look(over = true): ChecksStep & { types: string[] } {
    const { checks, statuses, persisted, found, answers, pods, seen, gone, readAt, refused, now } = this;
    const facts = { answers, pods, seen, gone, readAt };
    const refusedSince = (key: string) => refused.get(key);
    const troubles = new Map([...refused.keys()].map((key) => [key, 'violates PodSecurity']));
    const view = { checks, step: 0, statuses, persisted, found, facts, refusedSince, troubles, now };
    const result = lookAtChecks(view, { began: BEGAN, over });
    this.statuses = result.statuses;
    return { ...result, types: result.actions.map(({ type }) => type) };
  }

  record(): void {
    this.persisted = this.statuses;
  }

  /** The try that is asked for now is answered. */
  answer(passed: boolean, seen = passed ? 'status 200' : 'status 503', over = true): void {
    const [action] = this.look(over).actions;
    if (action?.type !== 'ask-check') throw new Error(`asks for ${action?.type}`);
    this.answers.set(`0.${action.check}.${action.number}`, { passed, seen });
    this.look(over);
  }

  pass(ms: number): this {
    this.now += ms;
    return this;
  }

  pod(number: number, fields: Partial<PodFacts>): void {
    this.pods.set(`0.0.${number}`, podOf({ createdAt: this.now, ...fields }));
    this.seen.add(`0.0.${number}`);
  }
}

describe('after the soak', () => {
  test('one try that passes is enough', () => {
    const process = new Process([http()]);
    expect(process.look().actions).toEqual([
      { type: 'ask-check', step: 0, check: 0, number: 1, reason: 'try 1 of a check by http' },
    ]);
    process.answer(true);
    expect(process.look()).toMatchObject({ actions: [], verdict: { to: 'passed' } });
    expect(process.statuses).toMatchObject([{ phase: 'Passed', tries: 1, message: 'status 200' }]);
  });

  test('the tries are 5 s apart, and the last one that fails is the verdict', () => {
    const process = new Process([http({ attempts: 2 })]);
    process.answer(false);
    expect(process.look()).toMatchObject({ actions: [], lookAgainAt: BEGAN + 5000, verdict: undefined });
    expect(process.look().waitsFor).toBe('check http (checks[0]): try 1, the one before: status 503');
    expect(process.pass(4999).look().actions).toEqual([]);
    expect(process.pass(1).look().types).toEqual(['ask-check']);
    process.answer(false, 'status 500');
    const message = 'check http (checks[0]) failed, 2 tries: status 500';
    expect(process.look()).toMatchObject({ actions: [], verdict: { to: 'failed', message } });
  });

  test('all checks have to pass, and one that fails is enough', () => {
    const process = new Process([http({ name: 'first' }), http({ name: 'second', attempts: 1 })]);
    expect(process.look().types).toEqual(['ask-check', 'ask-check']);
    process.answers.set('0.0.1', { passed: true, seen: 'status 200' });
    expect(process.look().verdict).toBeUndefined();
    process.answers.set('0.1.1', { passed: false, seen: 'status 500' });
    expect(process.look().verdict).toEqual({
      to: 'failed',
      message: 'check second failed, 1 try: status 500',
    });
  });

  test('a look that changes nothing gives the very same statuses', () => {
    const process = new Process([http(), command()]);
    process.look();
    const { statuses } = process;
    expect(process.pass(1000).look().statuses).toBe(statuses);
  });

  test('what was seen is masked, one line, and cut', () => {
    const process = new Process([http({ attempts: 1 })]);
    process.answer(false, `status 500: password=hunter2hunter2\n\u001b[31m${'é'.repeat(400)}`);
    const message = process.statuses?.[0]?.message ?? '';
    expect(message).toMatch(/^status 500: password=\*\*\* é+…$/);
    expect(message).toHaveLength(256);
  });

  test('a request that was under way when its process ended is sent again, as the same try', () => {
    const before = new Process([http()]);
    before.look();
    before.record();
    const after = new Process([http()], before.persisted);
    expect(after.look().actions).toMatchObject([{ type: 'ask-check', number: 1 }]);
  });
});

describe('during the soak', () => {
  const often = http({ intervalSeconds: 60, attempts: 1 });

  test('a check without an interval waits for its end', () => {
    expect(new Process([http()]).look(false)).toMatchObject({
      actions: [],
      verdict: undefined,
      lookAgainAt: undefined,
    });
  });

  test('one with an interval is evaluated at its distance', () => {
    const process = new Process([often]);
    expect(process.look(false)).toMatchObject({ actions: [], lookAgainAt: BEGAN + 60_000 });
    process.pass(60_000).answer(true, 'status 200', false);
    expect(process.look(false)).toMatchObject({ actions: [], lookAgainAt: BEGAN + 120_000 });
    process.pass(60_000);
    expect(process.look(false).actions).toMatchObject([{ type: 'ask-check', number: 2 }]);
  });

  test('two evaluations that fail in a row end it', () => {
    const process = new Process([often]);
    process.pass(60_000).answer(false, 'status 500', false);
    expect(process.look(false).verdict).toBeUndefined();
    process.pass(60_000).answer(false, 'status 503', false);
    expect(process.look(false).verdict).toEqual({
      to: 'failed',
      message: 'check http (checks[0]) failed, 2 evaluations of 1 try in a row: status 503',
    });
  });

  test('one that passes in between makes a new beginning', () => {
    const process = new Process([often]);
    for (const passed of [false, true, false, true, false]) process.pass(60_000).answer(passed, 'x', false);
    expect(process.look(false).verdict).toBeUndefined();
  });

  test('the evaluation after the soak is one of its own, and what it says counts', () => {
    const process = new Process([often]);
    process.pass(60_000).look(false);
    // The soak ends while a try is under way.
    process.answers.set('0.0.1', { passed: true, seen: 'status 200' });
    expect(process.look(true).actions).toMatchObject([{ type: 'ask-check', number: 2 }]);
    process.answer(false);
    expect(process.look(true).verdict).toMatchObject({ to: 'failed' });
  });
});

describe('a command', () => {
  test('is made only once its number is on record', () => {
    const process = new Process([command()]);
    expect(process.look().actions).toEqual([]);
    expect(process.statuses).toMatchObject([{ phase: 'Asking', tries: 1 }]);
    process.record();
    expect(process.look().actions).toMatchObject([{ type: 'ask-check', number: 1 }]);
  });

  test('passes with exit code 0, and what it said is told', () => {
    const process = new Process([command()]);
    process.look();
    process.record();
    process.pod(1, { state: 'succeeded', exitCode: 0, message: 'all is well' });
    expect(process.look().verdict).toEqual({ to: 'passed' });
    expect(process.statuses?.[0]?.message).toBe('exit code 0: all is well');
  });

  test('whose pod was made by a process before, or was not, is not made again: the try has failed', () => {
    const before = new Process([command()]);
    before.look();
    before.record();
    const after = new Process([command()], before.persisted);
    expect(after.look().types).toEqual(['look-up-check']);
    after.gone.add('0.0.1');
    expect(after.look().actions).toEqual([]);
    expect(after.statuses).toMatchObject([{ phase: 'Waiting', tries: 1, message: 'its pod is lost' }]);
    after.pass(5000).look();
    after.record();
    expect(after.look().actions).toMatchObject([{ type: 'ask-check', number: 2 }]);
  });

  test('whose pod is there after a restart goes on with it', () => {
    const before = new Process([command()]);
    before.look();
    before.record();
    const after = new Process([command()], before.persisted);
    after.pod(1, {});
    expect(after.look().actions).toEqual([]);
    after.pod(1, { state: 'succeeded' });
    expect(after.look().verdict).toEqual({ to: 'passed' });
  });

  test('whose pod was seen and is gone has failed, after a question to the API server', () => {
    const process = new Process([command({ attempts: 1 })]);
    process.look();
    process.record();
    process.pod(1, {});
    process.look();
    process.pods.clear();
    expect(process.look().types).toEqual(['look-up-check']);
    process.gone.add('0.0.1');
    expect(process.look().verdict).toMatchObject({ to: 'failed' });
  });

  test('that takes too long has failed once the API server was asked after that time, and its pod goes', () => {
    const process = new Process([command({ timeoutSeconds: 30 })]);
    process.look();
    process.record();
    process.pod(1, { state: 'waiting', reason: 'ImagePullBackOff' });
    expect(process.look().lookAgainAt).toBe(BEGAN + 30_000);
    expect(process.pass(30_000).look().types).toEqual(['look-up-check']);
    process.readAt.set('0.0.1', process.now);
    process.look();
    expect(process.statuses?.[0]?.message).toBe('did not end within 30 s: ImagePullBackOff');
    // The next try waits until the pod of this one has ended.
    expect(process.pass(5000).look().actions).toEqual([]);
    process.pod(1, { deleting: true });
    process.look();
    expect(process.statuses).toMatchObject([{ tries: 1 }]);
    process.pods.clear();
    process.look();
    expect(process.statuses).toMatchObject([{ phase: 'Asking', tries: 2 }]);
  });

  test.each([
    ['is being deleted', { deleting: true }],
    ['may not be deleted', {}],
  ])('whose pod %s and never ends holds up the next try for a minute', (_, pod) => {
    const process = new Process([command({ timeoutSeconds: 1 })]);
    process.look();
    process.record();
    process.pod(1, {});
    process.pass(1000).readAt.set('0.0.1', process.now);
    process.look();
    process.pod(1, pod);
    const { lookAgainAt } = process.pass(5000).look();
    expect(process.statuses).toMatchObject([{ tries: 1 }]);
    expect(lookAgainAt).toBe(BEGAN + 61_000);
    process.pass(55_000).look();
    expect(process.statuses).toMatchObject([{ phase: 'Asking', tries: 2 }]);
  });

  test('whose pod may not be read has failed after its time, with the reason', () => {
    const process = new Process([command({ attempts: 1 })]);
    process.look();
    process.record();
    process.pod(1, {});
    process.pods.clear();
    process.refused.set('look-up-check/0.0.1', BEGAN);
    expect(process.pass(29_999).look().types).toEqual(['look-up-check']);
    expect(process.pass(1).look().verdict).toEqual({
      to: 'failed',
      message: 'check command (checks[0]) failed, 1 try: its pod may not be read: violates PodSecurity',
    });
  });

  test('whose pod the API server refuses has failed after its time, with the reason', () => {
    const process = new Process([command({ attempts: 1 })]);
    process.look();
    process.record();
    process.refused.set('ask-check/0.0.1', BEGAN);
    expect(process.pass(29_999).look().types).toEqual(['ask-check']);
    expect(process.pass(1).look().verdict).toEqual({
      to: 'failed',
      message: 'check command (checks[0]) failed, 1 try: its pod is refused: violates PodSecurity',
    });
  });
});

describe('what is left of tries', () => {
  const asking: CheckStatus = {
    name: 'a',
    phase: 'Asking',
    tries: 2,
    attempt: 2,
    changedAt: '2030-01-01T00:00:00Z',
  };
  const other: CheckStatus = { ...asking, phase: 'Waiting' };
  const left = (
    pod: Partial<PodFacts>,
    isOpen: boolean,
    { current, recorded }: { current?: CheckStatus | undefined; recorded?: CheckStatus | undefined },
  ) => {
    const pods = new Map([['0.0.2', podOf(pod)]]);
    const facts = {
      pods,
      answers: new Map(),
      seen: new Set<string>(),
      gone: new Set<string>(),
      readAt: new Map(),
    };
    const of = (status: CheckStatus | undefined) => (it: Try) => (it.check === 0 ? status : undefined);
    const view = { isOpen: () => isOpen, current: of(current), recorded: of(recorded) };
    return leftovers(facts, view).map(({ type }) => type);
  };

  test.each([
    ['the pod of the try under way stays', {}, true, asking, asking, []],
    ['one that has ended stays until that is on record', { state: 'succeeded' }, true, other, asking, []],
    ['also when the step is over with it', { state: 'succeeded' }, false, other, asking, []],
    ['then it goes', { state: 'succeeded' }, true, other, other, ['delete-check-pod']],
    ['one that runs past its try goes at once', {}, true, other, asking, ['delete-check-pod']],
    ['one that is on its way out already is left alone', { deleting: true }, true, other, other, []],
    ['one of a step that was stopped goes', {}, false, asking, asking, ['delete-check-pod']],
    [
      'also when it has ended: nobody judges it any more',
      { state: 'failed' },
      false,
      asking,
      asking,
      ['delete-check-pod'],
    ],
  ] as const)('%s', (_, pod, isOpen, current, recorded, expected) => {
    expect(left(pod, isOpen, { current, recorded })).toEqual(expected);
  });
});

describe('whatever is lost, killed or late', () => {
  type Event =
    | 'look'
    | 'record'
    | 'make'
    | 'lookUp'
    | 'delete'
    | 'wait'
    | 'kill'
    | 'succeed'
    | 'fail'
    | 'lose';
  /** Looks of agents, one after the other, and a cluster that does what they ask for, or loses it. */
  const event = fc.constantFrom<Event>(
    'look',
    'look',
    'look',
    'record',
    'record',
    'make',
    'make',
    'lookUp',
    'delete',
    'wait',
    'kill',
    'succeed',
    'fail',
    'lose',
  );

  test('a command is made at most once a try, tries are counted and apart, and the verdict is what the last one says', () => {
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 200, size: 'max' }),
        fc.integer({ min: 1, max: 3 }),
        (events, attempts) => {
          const checks = [command({ attempts, timeoutSeconds: 30 })];
          let process = new Process(checks);
          /** What the cluster was asked to make: how often for each try. */
          const made = new Map<string, number>();
          let actions: ChecksStep['actions'] = [];
          const look = () => {
            const before = process.statuses?.[0];
            actions = process.look().actions;
            const after = process.statuses?.[0];
            if (
              after &&
              before &&
              after.tries > before.tries &&
              before.attempt > 0 &&
              before.phase === 'Waiting'
            )
              expect(process.now - Date.parse(before.changedAt)).toBeGreaterThanOrEqual(5000);
            expect(after?.attempt).toBeLessThanOrEqual(attempts);
          };
          const pods = () => [...process.pods].filter(([, { state }]) => state === 'running');
          const take: Record<Event, () => void> = {
            look,
            record: () => process.record(),
            make: () => {
              for (const it of actions) {
                if (it.type !== 'ask-check') continue;
                const key = `0.0.${it.number}`;
                made.set(key, (made.get(key) ?? 0) + 1);
                process.pod(it.number, {});
              }
              actions = [];
            },
            lookUp: () => {
              for (const it of actions) {
                if (it.type !== 'look-up-check') continue;
                const key = `0.0.${it.number}`;
                process.readAt.set(key, process.now);
                if (!process.pods.has(key)) process.gone.add(key);
              }
            },
            delete: () => {
              const current = process.statuses?.[0];
              for (const key of process.pods.keys())
                if (key !== `0.0.${current?.tries}` || current?.phase !== 'Asking') process.pods.delete(key);
            },
            wait: () => void process.pass(7000),
            kill: () => {
              const next = new Process(checks, process.persisted);
              next.now = process.now;
              for (const [key, pod] of process.pods) {
                next.pods.set(key, pod);
                next.seen.add(key);
              }
              process = next;
              actions = [];
            },
            succeed: () => {
              for (const [key, pod] of pods())
                process.pods.set(key, { ...pod, state: 'succeeded', exitCode: 0 });
            },
            fail: () => {
              for (const [key, pod] of pods())
                process.pods.set(key, { ...pod, state: 'failed', exitCode: 1 });
            },
            lose: () => process.pods.clear(),
          };
          for (const it of events) take[it]();
          expect([...made.values()].filter((count) => count > 1)).toEqual([]);
          expect(made.size).toBeLessThanOrEqual(attempts);
          const { phase, message = '' } = process.statuses?.[0] ?? {};
          if (phase === 'Passed') expect(message).toMatch(/^exit code 0/);
          if (phase === 'Failed') expect(message).not.toMatch(/^exit code 0/);
        },
      ),
      { numRuns: 500 },
    );
  });
});
