import type { AgentConfig } from '../../api/config.ts';
import type { Clock, NodeOpStore, ReportListener, Telemetry } from '../../core/ports.ts';
import type { Holds } from '../holds.ts';
import type { Logger } from '../logger.ts';
import { RunExecutor } from './actions.ts';
import { Baseline } from './baseline.ts';
import { Blocked } from './blocked.ts';
import { CarryOut } from './carry-out.ts';
import { Copies } from './copies.ts';
import { Edited } from './edited.ts';
import { FactsReader } from './facts.ts';
import { HoldFile } from './hold-file.ts';
import { Ledger } from './ledger.ts';
import { Overlooked } from './overlooked.ts';
import { NeverAgain } from './never-again.ts';
import { NodeLogs } from './node-logs.ts';
import { OnRecord } from './on-record.ts';
import { OwnReports } from './own-reports.ts';
import { Publisher } from './publisher.ts';
import { ReportBuilder } from './reports.ts';
import { Restored } from './restored.ts';
import { Scheduled } from './scheduled.ts';
import { Scheduler } from './scheduler.ts';
import type { ReadTips } from './tip-changes.ts';
import { TrackedRepository } from './tracked.ts';
import { Trust } from './trust.ts';

export interface ReconcilerDeps {
  config: AgentConfig;
  store: NodeOpStore;
  holds: Holds;
  log: Logger;
  clock: Clock;
  now: () => Date;
  telemetry: Telemetry;
  signal: AbortSignal;
  /** Nobody has led for so long that the cluster may come from a backup. */
  isUntended: boolean;
  /** Told once NodeOps have been compared with their reports for that. */
  onTended?: (() => void) | undefined;
  /** Told whenever `isRecorded` says more, or NodeOps may go on. */
  onRecord?: (() => void) | undefined;
  onReports?: ReportListener | undefined;
}

export type Rooms = ReturnType<typeof rooms>;

/** Everything that has a part in a look at the repository, put together. */
export function rooms(deps: ReconcilerDeps) {
  const { config, store, log, clock, now, telemetry, signal, isUntended, onReports } = deps;
  const { onRecord = () => undefined, onTended = () => undefined } = deps;
  const ledger = new Ledger(store.ledger);
  const repository = new TrackedRepository({ ...deps, recorded: () => actedOn(ledger) });
  const { mirror, layout, snapshots: reader } = repository;
  const blocked = new Blocked(log);
  const reports = new ReportBuilder(config, store, mirror);
  const publisher = new Publisher({ config: config.report, repository, log, clock, now, onReports });
  const executor = new RunExecutor({ config, layout, store, ledger, reports, telemetry, log, clock, now });
  const nodeLogs = new NodeLogs(config.report, store, repository);
  const edited = new Edited(config, { mirror, reader, layout, reports, ledger, log });
  const own = ownReports(config, { repository, ledger, log });
  const baseline = new Baseline(config, repository, log);
  const trust = config.git.verify && new Trust(mirror, config.git.verify, { now, clock });
  const holdFile = new HoldFile(mirror, layout, trust);
  const overlooked = new Overlooked(mirror, layout, log);
  const carriesOut = config.rollout.executor === 'agent';
  const executesAll = config.runs.initial === 'execute';
  const scheduler = new Scheduler({ mirror, reader, layout, trust, executesAll, logger: log });
  return {
    repository,
    ledger,
    blocked,
    publisher,
    executor,
    nodeLogs,
    own,
    holdFile,
    overlooked,
    copies: copiesOf(config, { store, reader, ledger, layout, log }),
    facts: new FactsReader({
      ...carriedOut(config),
      mirror,
      reader,
      edited,
      layout,
      ledger,
      trust,
      logger: log,
    }),
    scheduled: new Scheduled({ scheduler, repository, log, now, skipCi: config.report.skipCi }),
    restored: new Restored({ store, reader, layout, log, now, isUntended, carriesOut, onTended }),
    neverAgain: new NeverAgain({ repository, ledger, baseline, blocked, log }),
    record: new OnRecord({
      ledger,
      layout,
      reports,
      holdFile,
      overlooked,
      own,
      blocked,
      log,
      signal,
      onRecord,
    }),
    carryOut: new CarryOut({ executor, nodeLogs, publisher, repository, now, log, signal }),
  };
}

/** Absent where the agent signs nothing. */
function ownReports(
  config: AgentConfig,
  others: ConstructorParameters<typeof OwnReports>[1],
): OwnReports | undefined {
  const { signing } = config.git;
  if (!signing) return undefined;
  const own = new OwnReports({ config, signing }, others);
  others.repository.snapshots.past.heed((commits) => own.counts(commits));
  return own;
}

/** Absent where another controller carries out all there is. */
function copiesOf(
  { rollout }: AgentConfig,
  deps: ConstructorParameters<typeof Copies>[0],
): Copies | undefined {
  return rollout.executor === 'agent' ? new Copies(deps) : undefined;
}

/** What run files are judged by. */
function carriedOut({ kubernetes, rollout, defaults, checks }: AgentConfig) {
  return {
    namespace: kubernetes.namespace,
    executor: rollout.executor,
    defaultImage: defaults.image,
    checkAccess: checks,
  };
}

/** The tips that were acted on last, as far as the cluster remembers them. */
function actedOn(ledger: Ledger): ReadTips | undefined {
  if (!ledger.isLoaded) return undefined;
  const { runs, results } = ledger.head;
  return runs === undefined ? undefined : { runs, results };
}
