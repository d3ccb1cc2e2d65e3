import { type AgentConfig, clusterOf, replacedCluster } from '../../api/config.ts';
import { InvalidError } from '../../api/errors.ts';
import type { NodeOp } from '../../api/nodeop.ts';
import {
  baselineMessage,
  ownerMessage,
  passedOverMessage,
  restoredMessage,
} from '../../core/runs/message.ts';
import { baselinePath, isYaml, reportPath, resultsFolder } from '../../core/runs/paths.ts';
import { formatBaseline } from '../../core/runs/baseline.ts';
import type { Head } from '../../core/runs/ledger.ts';
import { hasCommits } from '../../git/ancestry.ts';
import type { Logger } from '../logger.ts';
import { unlessBroken } from './history.ts';
import type { Snapshot } from './snapshot.ts';
import type { TrackedRepository } from './tracked.ts';

/** Of what is told in the log. */
const NAMED = 20;

/** Keeps the record of whose reports these are, and of run files that are passed over. */
export class Baseline {
  readonly #config: AgentConfig;
  readonly #repository: TrackedRepository;
  readonly #log: Logger;
  readonly #file: string;

  constructor(config: AgentConfig, repository: TrackedRepository, log: Logger) {
    this.#config = config;
    this.#repository = repository;
    this.#log = log;
    this.#file = baselinePath(repository.layout);
  }

  /**
   * Writes it at first contact, and puts it back when people removed it.
   * @param identity of this cluster
   * @param head what this cluster acted on last; without tips it never worked with the repository
   * @throws InvalidError when another cluster writes its reports here
   */
  async keep(
    snapshot: Snapshot,
    nodeOps: ReadonlyMap<string, NodeOp>,
    { identity, head }: { identity: string; head: Head },
  ): Promise<Snapshot> {
    return this.#whole(await this.#own(snapshot, nodeOps, { identity, head }), head);
  }

  async #own(
    snapshot: Snapshot,
    nodeOps: ReadonlyMap<string, NodeOp>,
    { identity, head }: { identity: string; head: Head },
  ): Promise<Snapshot> {
    const { baseline, owner } = snapshot;
    if (baseline === undefined) {
      const isAsked = this.#config.runs.initial === 'baseline' && head.runs === undefined;
      const isFirst = isAsked && (await this.#isFirstContact(snapshot));
      return isFirst ? this.#begin(snapshot, nodeOps, identity) : this.#restore(snapshot, identity);
    }
    if (owner === identity) return snapshot;
    if (owner !== undefined) this.#mayTakeOver(owner, identity);
    return this.#write(baseline, identity, ownerMessage);
  }

  /**
   * What was passed over at the last look is passed over for good: whoever takes lines away would have runs begin that somebody
   * else signed, long ago and for another cluster perhaps.
   */
  async #whole(snapshot: Snapshot, { results }: Head): Promise<Snapshot> {
    const { mirror, snapshots } = this.#repository;
    if (results === undefined || results === snapshot.resultsTip) return snapshot;
    if (!(await hasCommits(mirror.git, [results]))) return snapshot;
    const before = await snapshots.past.baselineAt(results, snapshot).catch(unlessBroken);
    const missing = [...(before?.runs ?? [])].filter((it) => snapshot.baseline?.has(it) !== true);
    if (missing.length === 0) return snapshot;
    const fields = { count: missing.length, runs: missing.slice(0, NAMED), baseline: this.#file };
    this.#log.warn(fields, 'run files were taken out of the baseline file; they are put back');
    return this.passOver(snapshot, missing);
  }

  /** Puts these run files on record as passed over, before anything else is done. */
  async passOver(snapshot: Snapshot, runs: readonly string[]): Promise<Snapshot> {
    const { baseline, owner } = snapshot;
    const missing = runs.filter((it) => baseline?.has(it) !== true);
    if (missing.length === 0) return snapshot;
    const all = new Set([...(baseline ?? []), ...missing]);
    return this.#write(all, owner, (_, cluster, skipCi) => passedOverMessage(missing, cluster, skipCi));
  }

  /** Two clusters of one name would take each other's runs for their own. */
  #mayTakeOver(owner: string, identity: string): void {
    if (replacedCluster(this.#config) === owner) {
      this.#log.warn({ replaced: owner, identity }, 'this cluster takes over the name of another one');
      return;
    }
    const name = clusterOf(this.#config);
    const who = name === undefined ? 'without a name' : `under the name "${name}"`;
    const folder = resultsFolder(this.#repository.layout);
    throw new InvalidError(
      `another cluster writes its reports to ${folder}/ ${who}: its kube-system has the UID ${owner}, the one here ` +
        `${identity}; give this cluster a name of its own (cluster: NAME), or, if it was rebuilt and takes the other's place, ` +
        `write cluster: {${name === undefined ? '' : `name: ${name}, `}replaces: ${owner}}`,
    );
  }

  /** A README or the like in the folder is nobody's report, and without a name the folders of clusters that have one are theirs. */
  async #isFirstContact(snapshot: Snapshot): Promise<boolean> {
    const { over, reports } = snapshot;
    const isEmpty = over === 0 && ![...reports.present()].some(([path]) => isYaml(path));
    const { layout, snapshots } = this.#repository;
    if (isEmpty || layout.cluster !== undefined) return isEmpty;
    const briefs = await snapshots.reports.briefs(snapshot);
    return ![...briefs].some(([path, { run }]) => reportPath(layout, run) === path);
  }

  async #begin(
    snapshot: Snapshot,
    nodeOps: ReadonlyMap<string, NodeOp>,
    identity: string,
  ): Promise<Snapshot> {
    // Files that came after this agent had seen the branch missing were added under its eyes.
    const { sawNoBranch } = this.#repository;
    const runs = sawNoBranch ? [] : (await this.#allRuns(snapshot)).filter((it) => !nodeOps.has(it));
    const next = await this.#write(runs, identity, (_, cluster, skipCi) =>
      baselineMessage(runs.length, cluster, skipCi),
    );
    const note = 'first contact: run files that are there already are passed over, see the baseline file';
    if (runs.length > 0) this.#log.warn({ runs, baseline: this.#file }, note);
    return next;
  }

  async #allRuns(snapshot: Snapshot): Promise<string[]> {
    await this.#repository.snapshots.lookUp.all(snapshot);
    return [...snapshot.runs.present()].map(([path]) => path);
  }

  /** Without it, runs that are over would begin again. */
  async #restore(snapshot: Snapshot, identity: string): Promise<Snapshot> {
    const removed = await this.#repository.snapshots.past.removedBaseline(snapshot);
    if (!removed) return this.#write([], identity, ownerMessage);
    const { owner } = removed;
    if (owner !== undefined && owner !== identity) this.#mayTakeOver(owner, identity);
    const next = await this.#write(removed.runs, identity, restoredMessage);
    this.#log.warn({ baseline: this.#file }, 'the baseline file was removed; it is put back');
    return next;
  }

  async #write(
    runs: Iterable<string>,
    owner: string | undefined,
    message: (file: string, cluster: string | undefined, skipCi: boolean) => string,
  ): Promise<Snapshot> {
    const { skipCi } = this.#config.report;
    const files = new Map([[this.#file, formatBaseline(runs, owner)]]);
    const text = message(this.#file, clusterOf(this.#config), skipCi);
    await this.#repository.push(this.#repository.mirror.results, files, text);
    return this.#repository.read();
  }
}
