import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { ANNOTATION_RUN, ANNOTATION_UID } from '../../src/api/labels.ts';
import type { NodeOp } from '../../src/api/nodeop.ts';
import type { NodeOpReport } from '../../src/api/report.ts';
import {
  CAPACITY,
  entriesOf,
  entryOf,
  type LedgerPart,
  roomIn,
  withEntries,
} from '../../src/core/runs/ledger.ts';
import { planRuns, type RunFacts } from '../../src/core/runs/plan.ts';
import { ApiError } from '../../src/kube/api-error.ts';
import { MemoryStore, nodeOp, silent, TestRepository } from './support.ts';

/** Of the writes to the cluster one is lost: before it takes effect, or its answer after that. */
class FaultyStore extends MemoryStore {
  fault: { left: number; isLate: boolean } | undefined;
  /** UIDs of NodeOps that may be carried out, by run. */
  readonly begun = new Map<string, Set<string>>();

  constructor() {
    super();
    const write = this.ledger.write.bind(this.ledger);
    this.ledger.write = (part) => this.#write(() => write(part));
  }

  override create(manifest: Parameters<MemoryStore['create']>[0]): Promise<NodeOp | 'exists'> {
    return this.#write(() => super.create(manifest));
  }

  override patch(namespace: string, name: string, patch: object): Promise<NodeOp> {
    return this.#write(async () => {
      const patched = await super.patch(namespace, name, patch);
      const { uid = '', annotations = {} } = patched.metadata;
      if (annotations[ANNOTATION_UID] !== uid) return patched;
      const run = annotations[ANNOTATION_RUN] ?? '';
      this.begun.set(run, (this.begun.get(run) ?? new Set()).add(uid));
      return patched;
    });
  }

  async #write<T>(effect: () => Promise<T>): Promise<T> {
    const { fault } = this;
    const isNow = fault !== undefined && fault.left-- === 0;
    if (isNow && !fault.isLate) throw new ApiError(0, { message: 'no answer' });
    const answer = await effect();
    if (isNow) throw new ApiError(0, { message: 'the answer is lost' });
    return answer;
  }
}

const name = fc.constantFrom('a', 'b');
const step = fc.oneof(
  fc.record({
    type: fc.constantFrom('add', 'edit file', 'remove file', 'remove report', 'change report'),
    name,
  }),
  fc.record({
    type: fc.constantFrom(
      'finish',
      'delete NodeOps',
      'rewind',
      'no pushes',
      'pushes',
      'restart',
      'lose clone',
    ),
  }),
  fc.record({ type: fc.constant('fault'), left: fc.nat(4), isLate: fc.boolean() }),
);
type Step = { type: string; name?: string; left?: number; isLate?: boolean };

/** People, faults and an agent; whatever they do, a run begins at most once. */
class History {
  readonly repository = new TestRepository();
  readonly store = new FaultyStore();
  loop = this.agent();
  readonly #hook = join(this.repository.bare, 'hooks/pre-receive');

  agent(): RepositoryLoop {
    const config = this.repository.config({ runs: { initial: 'execute', maxConcurrent: 2 } });
    return new RepositoryLoop({ config, store: this.store, logger: silent });
  }

  async take({ type, name: run = 'a', left = 0, isLate = false }: Step): Promise<void> {
    const { repository, store } = this;
    const [file, report] = [`runs/${run}.yaml`, `results/${run}.yaml`];
    const text = repository.read(report);
    if (type === 'add') this.#people(() => repository.push({ [file]: nodeOp(run) }));
    if (type === 'edit file')
      this.#people(() => repository.push({ [file]: nodeOp(run, '  cordon: true\n') }));
    if (type === 'remove file' && repository.read(file)) this.#people(() => repository.remove(file));
    if (type === 'remove report' && text) this.#people(() => repository.remove(report));
    if (type === 'change report' && text) {
      const changed = text
        .replace(/^ {2}phase: .*$/m, '  phase: Invalid')
        .replace(/^ {2}(blob|startedAt): .*\n/gm, '')
        .replace(/^nodeOp:\n(?: {2}.*\n)+/m, '');
      this.#people(() => {
        repository.pull();
        repository.push({ [report]: changed });
      });
    }
    if (type === 'finish') store.finish('Completed');
    if (type === 'delete NodeOps') store.objects.clear();
    if (type === 'rewind' && repository.commits() > 3) this.#rewind();
    if (type === 'no pushes') this.#refuse();
    if (type === 'pushes') rmSync(this.#hook, { force: true });
    if (type === 'fault') store.fault = { left, isLate };
    if (type === 'restart' || type === 'lose clone') {
      await this.loop.stop();
      if (type === 'lose clone') rmSync(join(repository.root, 'agent.git'), { recursive: true, force: true });
      this.loop = this.agent();
    }
    await this.loop.pollNow();
  }

  /** The branch is another one from three commits ago on. */
  #rewind(): void {
    const { repository } = this;
    const { bare, clone } = repository;
    repository.git(bare, 'update-ref', 'refs/heads/main', 'refs/heads/main~3');
    repository.git(clone, 'fetch', '-q', 'origin');
    repository.git(clone, 'reset', '-q', '--hard', 'origin/main');
    this.#people(() => repository.push({ README: String(Math.random()) }));
  }

  /** The agent is refused; people are not. */
  #people(change: () => void): void {
    rmSync(this.#hook, { force: true });
    change();
  }

  #refuse(): void {
    writeFileSync(this.#hook, '#!/bin/sh\nexit 1\n');
    chmodSync(this.#hook, 0o755);
  }

  async end(): Promise<void> {
    await this.loop.stop();
    this.repository[Symbol.dispose]();
  }
}

test(
  'whatever becomes of reports, history, NodeOps, clones and writes, a run begins at most once',
  { timeout: 300_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 8 }), async (steps) => {
        const history = new History();
        history.repository.push({ 'README.md': 'x', 'runs/a.yaml': nodeOp('a') });
        await history.loop.pollNow();
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        for (const it of steps) await history.take(it);
        await history.end();
        for (const uids of history.store.begun.values()) expect(uids.size).toBeLessThanOrEqual(1);
      }),
      { numRuns: 6 },
    );
  },
);

const reportOf = (phase: string, uid: string | undefined) =>
  ({
    run: { path: 'runs/a.yaml' },
    ...(uid !== undefined && { nodeOp: { name: 'a', uid } }),
    status: { phase },
  }) as unknown as NodeOpReport;

test('what is on record as begun, or ever said so, is never begun again, whatever else is so', () => {
  const phases = fc.constantFrom(
    'Waiting',
    'Pending',
    'Running',
    'Completed',
    'Failed',
    'Cancelled',
    'Invalid',
  );
  const facts = fc.record({
    report: fc.option(fc.tuple(phases, fc.option(fc.constant('u'), { nil: undefined })), { nil: undefined }),
    begun: fc.boolean(),
    hasFile: fc.boolean(),
    judged: fc.boolean(),
    passedOver: fc.boolean(),
  });
  const prepared = { ok: true, here: true, manifest: { metadata: { name: 'a', namespace: 'n' }, spec: {} } };
  fc.assert(
    fc.property(facts, ({ report, begun, hasFile, judged, passedOver }) => {
      const run: RunFacts = {
        path: 'runs/a.yaml',
        begun,
        judged,
        passedOver,
        ...(report && { report: reportOf(...report) }),
        ...(hasFile && { file: { blob: 'b', order: 0, prepare: () => prepared as never } }),
      };
      const actions = planRuns([run], new Date(), { maxConcurrent: 1 });
      const [phase, uid] = report ?? [];
      const hasBegun = begun || uid !== undefined || phase === 'Running';
      const isOver = ['Completed', 'Failed', 'Cancelled'].includes(phase ?? '');
      if (hasBegun || isOver || passedOver) expect(actions.map(({ type }) => type)).not.toContain('create');
    }),
  );
});

test('entries are never lost nor made up, and fill parts of a bounded size', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(6000), { maxLength: 12 }), (sizes) => {
      const parts = new Map<string, LedgerPart>();
      const all: string[] = [];
      for (const size of sizes) {
        let left = Array.from({ length: size }, (_, i) => ({ entry: entryOf(`${all.length + i}`) }));
        all.push(...left.map(({ entry }) => entry));
        while (left.length > 0) {
          const next = withEntries(parts, left);
          if (!next) throw new Error('full');
          const { name: key, data } = next.part;
          parts.set(key, { name: key, data: { ...parts.get(key)?.data, ...data } });
          left = left.slice(next.taken);
        }
      }
      expect(entriesOf(parts.values())).toEqual(new Set(all));
      expect(roomIn(parts.values())).toBe(CAPACITY - all.length);
      for (const { data } of parts.values()) expect(JSON.stringify(data).length).toBeLessThan(512 * 1024);
    }),
    { numRuns: 20 },
  );
});

test('when all is full, nothing more is taken', () => {
  const full = 'x'.repeat(16 * 1024);
  const blocks = Array.from({ length: 31 }, (_, i) => [`b${String(i).padStart(2, '0')}`, full] as const);
  const parts = new Map(
    Array.from({ length: 32 }, (_, i) => [String(i), { name: String(i), data: Object.fromEntries(blocks) }]),
  );
  expect(roomIn(parts.values())).toBe(0);
  expect(withEntries(parts, [{ entry: entryOf('a') }])).toBeUndefined();
});
