import type { Pattern } from '../../api/patterns.ts';
import type { NodeOp } from '../../api/nodeop.ts';
import type {
  Keyed,
  LogAnswer,
  RunDetails,
  SearchAnswer,
  SearchQuery,
  View,
  ViewName,
} from '../../api/page.ts';
import { agentView } from '../../core/page/agent.ts';
import { specText } from '../../core/page/details.ts';
import type { AgentFacts, PageFacts, SeenFacts } from '../../core/page/facts.ts';
import { masked } from '../../core/page/masked.ts';
import { nodeView } from '../../core/page/node.ts';
import { nodesView } from '../../core/page/nodes.ts';
import { isOpen, type Run, runsOf } from '../../core/page/row.ts';
import { namespaceOf, runView, type RunSubject } from '../../core/page/run.ts';
import { runsView } from '../../core/page/runs.ts';
import { search } from '../../core/page/search.ts';
import { mayReadLogs, maySee, type Sees } from '../../core/page/sees.ts';
import type { Clock } from '../../core/ports.ts';
import { endOfLog } from '../../core/logs/end.ts';
import { own } from '../../api/own.ts';
import { ANNOTATION_RUN_BLOB, ANNOTATION_RUN_COMMIT } from '../../api/labels.ts';
import { logFolder } from '../../core/runs/retention.ts';
import { maskCredentials } from '../../core/text/mask.ts';
import { plain } from '../../core/text/output.ts';
import type { PageSource } from '../../http/page/source.ts';
import type { KubeClient } from '../../kube/client.ts';
import { commandLog } from '../../kube/command-log.ts';
import { inTurns } from '../../time/breather.ts';
import type { ClusterWatchOptions } from './cluster-watch.ts';
import { Looking } from './looking.ts';
import { MadeForNodes } from './made-for-nodes.ts';
import { type PageBranch, Reports } from './reports.ts';
import { RunFiles } from './run-files.ts';

export interface LiveSourceOptions {
  client: KubeClient;
  clock: Clock;
  cluster: Pick<ClusterWatchOptions, 'namespace' | 'lease'>;
  layout: () => PageFacts['layout'];
  /** Branches with run files and with reports; undefined where there is no repository to read. */
  branches?: { runs: PageBranch; results: PageBranch } | undefined;
  git: PageFacts['git'];
  gitOfResults: PageFacts['gitOfResults'];
  agent: () => AgentFacts;
  access: PageFacts['access'];
  /** What is masked in messages and logs, besides what looks like a credential. */
  mask: readonly Pattern[];
  onError: (error: unknown) => void;
}

const LOG = { lines: 1_000, bytes: 256 * 1024 };

/** Everything the page shows, read while somebody looks at it. */
export class LiveSource implements PageSource {
  readonly #options: LiveSourceOptions;
  readonly #looking: Looking;
  readonly #reports: Reports | undefined;
  readonly #files: RunFiles | undefined;
  readonly #made: MadeForNodes;
  readonly #masked = new WeakMap<NodeOp, NodeOp>();

  constructor(options: LiveSourceOptions) {
    this.#options = options;
    const { branches, layout, client } = options;
    const changed = () => this.#looking.changed();
    this.#made = new MadeForNodes(client, changed);
    this.#reports = branches && new Reports(branches.results, layout(), changed);
    this.#files = branches && new RunFiles(branches.runs, layout());
    this.#looking = new Looking({ ...options, reports: this.#reports });
  }

  readonly watch = (onChange: () => void): (() => void) => this.#looking.watch(onChange);

  readonly view = async (
    name: ViewName,
    asked: { run?: string | undefined; node?: string | undefined },
    sees: Sees,
  ): Promise<View<unknown, Keyed> | undefined> => {
    await this.#looking.ready();
    switch (name) {
      case 'runs':
        return inTurns(runsView(this.#facts(sees)));
      case 'nodes':
        return inTurns(nodesView(this.#facts(sees)));
      case 'agent':
        return agentView(this.#facts(sees));
      case 'run':
        return this.#run(asked.run ?? '', sees);
      case 'node':
        return this.#node(asked.node ?? '', asked.run, sees);
    }
  };

  readonly search = async (query: SearchQuery, sees: Sees): Promise<SearchAnswer> => {
    await this.#looking.ready();
    return inTurns(search(query, this.#facts(sees)));
  };

  readonly details = async (id: string, sees: Sees): Promise<RunDetails | undefined> => {
    const subject = await this.#subject(id, sees);
    if (!subject) return undefined;
    const { git, gitOfResults } = this.#options;
    const { nodeOp, report, card } = subject;
    const annotations = nodeOp?.metadata.annotations ?? {};
    const commit = annotations[ANNOTATION_RUN_COMMIT] ?? report?.run.commit;
    const spec = nodeOp?.spec ?? report?.spec;
    const text = specText(spec);
    const original = await this.#files?.original(annotations[ANNOTATION_RUN_BLOB] ?? report?.run.blob);
    const definition = original && (await this.#files?.definition(original.spec.nodeOp, commit, spec));
    const pullRequest = await this.#files?.pullRequest(commit, git);
    return {
      ...(text !== undefined && { spec: text }),
      ...(definition && { definition }),
      commits: (card && (await this.#resultFiles()?.commits(card.report, gitOfResults))) ?? [],
      ...(pullRequest && { pullRequest }),
    };
  };

  readonly log = async (id: string, node: string, sees: Sees): Promise<LogAnswer | undefined> => {
    const subject = await this.#subject(id, sees);
    if (!subject || !mayReadLogs(sees, namespaceOf(subject))) return undefined;
    const { nodeOp, card } = subject;
    const entry = own(nodeOp?.status?.nodeStatuses, node);
    const live = nodeOp && entry && (await commandLog(this.#options.client, nodeOp, node, LOG));
    if (live && live.text !== '') return { text: this.#shown(live.text), cut: live.isCut, from: 'pod' };
    const file = card && !node.includes('/') ? `${logFolder(card.report)}${node}.log` : undefined;
    const kept = file === undefined ? undefined : await this.#resultFiles()?.file(file);
    if (kept) return { text: this.#shown(Buffer.from(kept.bytes).toString()), cut: false, from: 'file' };
    const report = subject.report ?? (card && (await this.#reports?.report(card)));
    const inReport = report?.status.nodes?.find(({ name }) => name === node);
    const end = endOfLog(entry?.log ?? inReport?.log, entry?.cause ?? inReport?.cause);
    return end === undefined ? undefined : { text: this.#shown(end), cut: false, from: 'report' };
  };

  /** Resolves when nothing is read any more. */
  close(): Promise<void> {
    return this.#looking.close();
  }

  #facts(sees: Sees): SeenFacts {
    const { clock, layout, git, gitOfResults, agent, access } = this.#options;
    const known = this.#looking.cluster;
    const { nodeOps, ...cluster } = known?.facts ?? {
      nodeOps: [],
      nodes: new Map(),
      record: undefined,
      lease: {},
    };
    const stale = known ? known.stale : 'nothing is read now';
    return {
      ...cluster,
      nodeOps: nodeOps.map((it) => this.#withoutMasked(it)),
      now: clock.wall(),
      layout: layout(),
      reports: this.#reports?.facts ?? { cards: [], total: 0, state: 'none' },
      stale: stale ?? this.#looking.trouble,
      agent: agent(),
      git,
      gitOfResults,
      access,
      sees,
    };
  }

  /** What the configuration has masked in reports is masked here. */
  #withoutMasked(nodeOp: NodeOp): NodeOp {
    const { mask } = this.#options;
    if (mask.length === 0) return nodeOp;
    const before = this.#masked.get(nodeOp);
    if (before) return before;
    const without = masked(nodeOp, mask);
    this.#masked.set(nodeOp, without);
    return without;
  }

  #shown(log: string): string {
    return maskCredentials(plain(log), this.#options.mask).trimEnd();
  }

  #resultFiles(): RunFiles | undefined {
    const { branches, layout } = this.#options;
    return branches && new RunFiles(branches.results, layout());
  }

  /** The run of that id, as far as it may be seen; reports that are still being read are waited for. */
  async #find(id: string, sees: Sees): Promise<Run | undefined> {
    await this.#looking.ready();
    const found = runsOf(this.#facts(sees)).get(id);
    if (found || this.#reports?.facts.state !== 'reading') return found;
    await this.#looking.branchesRead();
    return runsOf(this.#facts(sees)).get(id);
  }

  async #subject(id: string, sees: Sees): Promise<RunSubject | undefined> {
    const run = await this.#find(id, sees);
    return run && this.#filled(run);
  }

  /** With what is read of this run alone. */
  async #filled(run: Run): Promise<RunSubject> {
    const { nodeOp, card } = run;
    const report = card && !nodeOp ? await this.#reports?.report(card) : undefined;
    const path = run.waiting?.run ?? card?.path;
    if (isOpen(run)) {
      const file = path === undefined ? undefined : await this.#files?.file(path);
      return { ...run, report, file };
    }
    const blob = nodeOp?.metadata.annotations?.[ANNOTATION_RUN_BLOB] ?? report?.run.blob;
    return { ...run, report, original: await this.#files?.original(blob) };
  }

  async #run(id: string, sees: Sees): Promise<View<unknown, Keyed> | undefined> {
    const subject = await this.#subject(id, sees);
    return subject && inTurns(runView(subject, this.#facts(sees)));
  }

  async #node(node: string, run: string | undefined, sees: Sees): Promise<View<unknown, Keyed> | undefined> {
    const subject = run === undefined ? undefined : await this.#subject(run, sees);
    if (run !== undefined && !subject) return undefined;
    const known = await this.#reports?.past(node, (card) => maySee(sees, card.namespace));
    const facts = this.#facts(sees);
    const view = nodeView(
      {
        node,
        run: subject,
        past: known?.past ?? [],
        looked: known?.looked ?? 0,
        reading: facts.reports.state === 'reading',
        made: (nodeOp) => this.#made.of(nodeOp, node),
      },
      facts,
    );
    const isKnown = view.head.exists || view.head.here !== undefined || view.rows.length > 0;
    return isKnown || facts.stale !== undefined || facts.reports.state === 'reading' ? view : undefined;
  }
}
