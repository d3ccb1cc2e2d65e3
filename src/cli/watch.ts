import { Command, Option } from 'commander';
import { isFinalPhase, type NodeOp, type NodeOpStatus } from '../api/nodeop.ts';
import { InvalidError, TransientError } from '../api/errors.ts';
import { durationMs } from '../api/schema.ts';
import { line } from '../core/text/output.ts';
import { isOthers } from '../core/external/status.ts';
import { oneLine, spoken } from '../core/text/table.ts';
import { ApiError } from '../kube/api-error.ts';
import { ExternalWatch } from '../kube/external-watch.ts';
import { NODEOPS } from '../kube/resources.ts';
import { trimNodeOp } from '../kube/trim.ts';
import { WatchCache } from '../kube/watch.ts';
import {
  type Access,
  accessOf,
  clusterOptions,
  explained,
  ReadOnlyCluster,
  type ClusterFlags,
} from './cluster.ts';
import { heldHeading, heldText } from './held.ts';
import { candidates, findRun, isMeant, labelOf, runPathOf } from './find-run.ts';
import { type Format, outputOption, printEntry } from './output.ts';
import { columns, durationText, phaseText, printError, prose, shellWord, untilSignal } from './terminal.ts';
import {
  findPassedOver,
  findWaiting,
  othersPassedOver,
  PASSED_OVER,
  readWaiting,
  showPassedOver,
  showWaiting,
} from './waiting.ts';
import { type Change, changesOf } from './watch/changes.ts';
import { StatusLine } from './watch/status-line.ts';
import { paceText, progressBar } from './watch/progress.ts';

interface WatchFlags extends ClusterFlags {
  timeout: string;
  format: Format;
}

export function watchCommand(): Command {
  const command = new Command('watch')
    .description('follow one rollout until it is over; waits for a run that has not begun')
    .argument('<RUN>', 'a NodeOp, <namespace>/<name>, or the path of a run file');
  return outputOption(clusterOptions(command))
    .addOption(
      new Option('--timeout <duration>', 'how long to watch; 0s: until it is over')
        .argParser(durationText)
        .default('0s'),
    )
    .addHelpText(
      'after',
      prose(`
Reads the cluster only; ending it with Ctrl-C does nothing to the rollout. Exit status: 0 completed, 1 failed, cancelled,
deleted or passed over, 2 an option is invalid, 3 the cluster is away, or the time is over.

-o json prints one JSON object a line, -o yaml one document each. They have "type" and "time"; type "waiting": run, reason, message, until; type "rollout": phase, done, failed, message; type "node": node, phase, message;
type "step": step, phase, message; type "deleted"; type "passedOver": run, message. The last one of a rollout that is over
has phase Completed, Failed or Cancelled.

Example:
  nodeop-agent watch runs/2030-01-31-swappiness.yaml --context berlin
  nodeop-agent watch swappiness -o json --timeout 2h | jq -r 'select(.type == "node") | .node + " " + .phase'`),
    )
    .action(run);
}

async function run(wanted: string, flags: WatchFlags): Promise<void> {
  const cluster = new ReadOnlyCluster(flags);
  const watch = new RunWatch(cluster, wanted, flags);
  const limit = durationMs(flags.timeout);
  const timer = limit > 0 ? setTimeout(() => watch.fail(outOfTime(flags.timeout)), limit) : undefined;
  const interrupted = untilSignal().then(() => 130);
  try {
    process.exitCode = await Promise.race([watch.ended(), interrupted]);
  } finally {
    clearTimeout(timer);
    await watch.stop();
    await cluster.close();
  }
}

const NEVER =
  'a run file that is invalid, or for other clusters, never does: see its report in the repository';

/** What it waited for before the first look. */
const FIRST = 'nobody has looked yet';

/** Between two looks at what a run waits for that has not begun. */
const WAITING_MS = 5_000;

/** One rollout as it goes on: every change is printed once, also across interrupted watches. */
class RunWatch {
  private readonly cache: WatchCache<NodeOp>;
  private readonly others: ExternalWatch;
  private readonly wanted: string;
  private readonly format: Format;
  private readonly over = Promise.withResolvers<number>();
  /** Those that were there at the beginning, until one is chosen of them. */
  private there: NodeOp[] | undefined = [];
  private followed: string | undefined;
  private nodeOp: NodeOp | undefined;
  private status: NodeOpStatus | undefined;
  private began: number | undefined;
  private readonly cluster: ReadOnlyCluster;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  private readonly access: Access;
  private readonly line = new StatusLine();

  constructor(cluster: ReadOnlyCluster, wanted: string, flags: WatchFlags) {
    const { client } = cluster;
    const { namespace, format } = flags;
    this.cluster = cluster;
    this.wanted = wanted;
    this.access = accessOf(flags);
    this.format = format;
    this.cache = new WatchCache<NodeOp>({
      client,
      resource: NODEOPS,
      namespace,
      trim: trimNodeOp,
      onChange: (nodeOp, gone) => this.take(nodeOp, gone),
      onError: (error) => this.trouble('watch nodeops', error),
    });
    this.others = new ExternalWatch({
      client,
      onChange: () => this.look(),
      onError: (error) => this.trouble('watch nodes and jobs', error),
    });
  }

  /** The exit status; rejects with what a person must do something about. */
  async ended(): Promise<number> {
    const first = this.cache.start().then(() => {
      this.choose();
      if (this.followed !== undefined) return;
      void this.sayWaiting(FIRST);
    });
    return Promise.race([this.over.promise, first.then(() => this.over.promise)]);
  }

  fail(error: Error): void {
    this.over.reject(error);
  }

  /** What it waits for, whenever that changes. Of somebody who may not look nothing is asked. */
  private async sayWaiting(before: string): Promise<void> {
    const others = await readWaiting(this.cluster).catch(() => undefined);
    if (this.followed !== undefined || this.stopped) return;
    const never = others && findPassedOver(others, this.wanted);
    if (never !== undefined) return this.never(never);
    const found = others && findWaiting(others, this.wanted);
    if (before === FIRST) this.say(`waiting for ${this.wanted} to begin; ${NEVER}`);
    const more = found === undefined && others ? othersPassedOver(others) : undefined;
    if (more !== undefined && before === FIRST) this.say(more);
    const text = found === undefined ? '' : JSON.stringify(found);
    if (found && text !== before) {
      if (this.format === 'text') showWaiting(found, 'text');
      else printEntry({ type: 'waiting', time: new Date().toISOString(), ...found }, this.format);
    }
    this.timer = setTimeout(() => void this.sayWaiting(text), WAITING_MS);
  }

  private never(path: string): void {
    const time = new Date().toISOString();
    if (this.format === 'text') showPassedOver(path, 'text');
    else printEntry({ type: 'passedOver', time, run: path, message: PASSED_OVER }, this.format);
    this.over.resolve(1);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    this.line.clear();
    await Promise.all([this.cache.stop(), this.others.stop()]);
  }

  /** A beginning of a name is good for what is there; what is yet to come has to be named in full. */
  private choose(): void {
    const there = this.there ?? [];
    this.there = undefined;
    const found = candidates(there, this.wanted).length > 0 ? findRun(there, this.wanted) : undefined;
    for (const nodeOp of there) this.take(nodeOp, false, nodeOp === found);
  }

  private take(nodeOp: NodeOp, gone: boolean, isIt = isMeant(nodeOp, this.wanted)): void {
    if (this.there !== undefined) return void this.there.push(nodeOp);
    const { uid = '' } = nodeOp.metadata;
    if (this.followed === undefined && !gone && isIt) {
      this.followed = uid;
      const path = runPathOf(nodeOp);
      const held = heldText(nodeOp);
      if (held !== undefined) this.say(heldHeading(held));
      this.say(`${labelOf(nodeOp)}${path === undefined ? '' : ` for ${path}`}`);
    }
    if (uid !== this.followed) return;
    if (gone) {
      // What was over before it was deleted has been told of already.
      this.tell({ type: 'deleted', time: new Date().toISOString() });
      return this.over.resolve(1);
    }
    this.nodeOp = nodeOp;
    if (!isOthers(nodeOp)) return this.look();
    this.others.start().then(
      () => this.look(),
      (error: unknown) => this.over.reject(error),
    );
  }

  private look(): void {
    if (this.nodeOp === undefined) return;
    const now = new Date();
    const { status = {} } = isOthers(this.nodeOp) ? this.others.read(this.nodeOp) : this.nodeOp;
    this.began ??= Date.parse(status.startedAt ?? '') || undefined;
    for (const change of changesOf(this.status, status, now)) this.tell(change, status);
    this.status = status;
    if (!isFinalPhase(status.phase)) {
      const { began } = this;
      return this.line.show((width) => progressBar(status, began, { now: now.getTime(), width }));
    }
    if (status.phase !== 'Completed')
      this.say(`\nWhy:\n  nodeop-agent status ${shellWord(this.name())} --failed${this.access.own}`);
    this.over.resolve(status.phase === 'Completed' ? 0 : 1);
  }

  private tell(change: Change, status: NodeOpStatus = {}): void {
    if (this.format !== 'text') return printEntry(change, this.format);
    const seconds = (Date.parse(change.time) - (this.began ?? Date.parse(change.time))) / 1000;
    this.line.print(`${spoken(seconds).padStart(11)}  ${sentence(change)}${this.pace(change, status)}`);
  }

  /** Where there is no line that stays, the pace is told with what is new of the whole. */
  private pace(change: Change, status: NodeOpStatus): string {
    if (change.type !== 'rollout' || columns() !== undefined) return '';
    const text = paceText(status, this.began, Date.parse(change.time));
    return text === '' ? '' : `; ${text}`;
  }

  /** For people; a script has nothing to read here. */
  private say(text: string): void {
    if (this.format === 'text') this.line.print(text);
  }

  private name(): string {
    return (this.nodeOp && (runPathOf(this.nodeOp) ?? labelOf(this.nodeOp))) ?? this.wanted;
  }

  /** What no retry can mend ends the watch; the rest is said, and tried again. */
  private trouble(what: string, error: unknown): void {
    // A connection that breaks in mid-answer is no answer of the API server, and comes back as one does.
    const known = error instanceof ApiError ? explained(what, error) : brokenOff(what, error);
    if (known instanceof InvalidError || !this.cache.synced) this.fail(known);
    else {
      this.line.clear();
      printError(`${known.message}; trying again`);
    }
  }
}

function brokenOff(what: string, error: unknown): Error {
  const reason = error instanceof Error ? error.message : String(error);
  return new TransientError(`cannot ${what}: ${reason}`, { cause: error });
}

function sentence(change: Change): string {
  switch (change.type) {
    case 'deleted':
      return 'the NodeOp was deleted';
    case 'node':
      return cells(change.node, change);
    case 'step':
      return cells(`step ${change.step}`, change);
    case 'rollout':
      return cells('rollout', change);
  }
}

/** What others wrote is escaped before our colours come to it. */
function cells(what: string, { phase, message }: { phase: string; message: string }): string {
  return `${line(what).padEnd(20)} ${phaseText(line(phase))} ${line(oneLine(message, 160))}`.trimEnd();
}

function outOfTime(timeout: string): Error {
  return new TransientError(`the rollout is not over after ${timeout}; only the watching ends`);
}
