/**
 * What the page's browser side and its server say to each other. Types alone, so that both sides can import it. All times are
 * epoch milliseconds, all texts are plain text and never markup.
 *
 * Every address below is of the page's own origin, and everything but a sign-in and its end is a GET:
 *
 * | address | answer |
 * |---|---|
 * | `/`, `/runs/<run id>`, `/nodes`, `/nodes/<node>`, `/agent` | the page itself, the same file for all; `?…` is the front end's own (filters, a node within a run) |
 * | `/page/assets/<file>` | scripts and styles, for good: their names change with their content |
 * | `/page/session` | `Session`; never refused |
 * | `POST /page/session` with `SignIn` as JSON | 200 and `Session` with a cookie; 401 not taken, 429 too many attempts (`retry-after`), both with `PageError` |
 * | `DELETE /page/session` | 200 and `Session`: signed out |
 * | `/page/events?view=…` | server-sent events of one view, see `PageEvents` |
 * | `/page/search?…` | `SearchAnswer`, see `SearchQuery` |
 * | `/page/details?run=<run id>` | `RunDetails` |
 * | `/page/log?run=<run id>&node=<node>` | `LogAnswer` |
 *
 * Whoever is not signed in where that is asked for gets 401, whoever may not see something 403, all that is not there 404, each
 * with `PageError`. An `EventSource` does not tell why it was refused: `/page/session` does.
 */

/**
 * What stands behind `/runs/` in the address of a run: the path of its run file below the folder of run files, or
 * `~<namespace>/<name>` of a NodeOp without one, or `=<cluster>/<path>` of another cluster's run. Of an address each part
 * between slashes is percent-encoded, in a query all of it.
 */
export type RunId = string;

/**
 * `view=` and what belongs to it: `runs`, `run&run=<run id>`, `node&node=<name>[&run=<run id>]`, `nodes`, `agent`.
 */
export interface PageViews {
  runs: View<RunsHead, RunRow>;
  run: View<RunHead, NodeRow>;
  node: View<NodeHead, HistoryRow>;
  nodes: View<NodesHead, NodesRow>;
  agent: View<AgentHead, QueueRow>;
}
export type ViewName = keyof PageViews;

/** One head, and rows by their key; in which order they are shown is up to the front end. */
export interface View<Head, Row extends Keyed> {
  head: Head;
  rows: Row[];
}

export interface Keyed {
  /** Tells a row from all others of its view, for as long as it is there. */
  key: string;
}

/**
 * The events of `/page/events`, by their name, with their data as JSON. `snapshot` comes first, and again whenever the changes
 * since are too many; `change` at most twice a second. The id of each is a version that is to be treated as opaque: the browser
 * gives the last one as `Last-Event-ID` when it comes back, and gets the changes since, or a snapshot. A comment is sent every
 * 15 s. The stream is compressed where the browser takes gzip.
 */
export interface PageEvents<Name extends ViewName> {
  snapshot: PageViews[Name];
  /** A head is always whole; rows that are in neither list are as before. */
  change: {
    head?: PageViews[Name]['head'];
    upserts?: PageViews[Name]['rows'];
    gone?: string[];
  };
  /** Nothing more comes, and coming back is of no use before something else is done: sign in again, or go elsewhere. */
  over: { reason: 'signed-out' | 'not-found'; message: string };
}

export interface PageError {
  /** What is wrong, in a sentence for people. */
  error: string;
}

export interface Session {
  /** How people sign in: not at all, with the agent's own token, with one of the cluster, or a proxy has done it. */
  auth: 'none' | 'token' | 'kubernetes' | 'proxy';
  signedIn: boolean;
  /** Why somebody who is known sees nothing all the same. */
  problem?: string;
  /** Who it is, where that is known. */
  user?: string;
  /** Whether lines of logs may be seen; without, they are left out everywhere. */
  mayReadLogs: boolean;
  /** When the session ends by itself. */
  until?: number;
  version: string;
}

export interface SignIn {
  token: string;
}

/** How a run stands: the phases of reports, in the words people search for. */
export type RunState = 'Waiting' | 'Pending' | 'Running' | 'Completed' | 'Failed' | 'Cancelled' | 'Invalid';

/** How many nodes came to what. */
export interface NodeCounts {
  total: number;
  pending: number;
  inFlight: number;
  completed: number;
  failed: number;
  cancelled: number;
  /** Of those that completed. */
  skipped: number;
}

/** What is told of every run, wherever it stands in a list. `key` is its RunId. */
export interface RunRow extends Keyed {
  /** Path of its run file, or `<namespace>/<name>` of a NodeOp without one. */
  name: string;
  state: RunState;
  /** Of another cluster than this page's, or of this one where it has a name. */
  cluster?: string;
  /** Whether it waits for people: held, suspended, or held up by something in the cluster. */
  stuck?: boolean;
  /** Who merged it, and when. */
  by?: string;
  mergedAt?: number;
  startedAt?: number;
  finishedAt?: number;
  /** Absent where nothing is known of nodes yet. */
  counts?: NodeCounts;
  /** The step it is in, in words: `step canary is watched (for 10 min)`. */
  step?: string;
  /** What it waits for, or why it ended as it did, in words. */
  why?: string;
  /** The time that it waits for. */
  until?: number;
  /** When it will be over, should it go on at the pace so far. */
  estimate?: number;
}

/** Something that a person has to look at. */
export interface NeedsYou extends Keyed {
  kind: 'held' | 'failed' | 'heldUp' | 'cordoned' | 'invalid' | 'waiting' | 'agent';
  /** In a sentence. */
  text: string;
  run?: RunId;
  node?: string;
  since?: number;
}

/** What stands above every view. */
export interface Top {
  /** The cluster's name, where it has one. */
  cluster?: string;
  /** The first line, where the whole cluster is held: `Held: …`. */
  held?: string;
  /** Why what is shown may be old: the API server or the repository cannot be read. */
  stale?: string;
}

/** Open runs, those that need somebody, and the newest of the others; the rest is found by `/page/search`. */
export interface RunsHead extends Top {
  needsYou: NeedsYou[];
  /** How many runs there are altogether, as far as reports were read. */
  total: number;
  /** What there is to filter by. */
  clusters: string[];
  people: string[];
  /** Whether old reports are known: not configured here, still being read, or all read. */
  reports: 'none' | 'reading' | 'read';
  /** Run files that never begin, in a sentence. */
  passedOver?: string;
  /** How to add a run. */
  actions: GitAction[];
}

/** Nodes that say the same, with the first of them and how many there are. */
export interface NodeGroup {
  text: string;
  count: number;
  nodes: string[];
}

export interface StepView {
  name: string;
  phase:
    | 'Pending'
    | 'Running'
    | 'Soaking'
    | 'Checking'
    | 'AwaitingApproval'
    | 'Passed'
    | 'Failed'
    | 'Cancelled';
  /** The same in words, with what it waits for. */
  text: string;
  nodes: number;
  finished: number;
  failed: number;
  /** When the present phase began. */
  since?: number;
  /** While it is watched: when that ends. */
  soakEnds?: number;
  checks: CheckView[];
}

export interface CheckView {
  name: string;
  phase: string;
  message?: string;
  /** What it saw last. */
  saw?: string;
  since?: number;
}

/** A stretch of time in which no node was worked on: `from` the last one until `to` the next, or until now. */
export interface Pause {
  from: number;
  to?: number;
  /** What was waited for: `the window was closed`, `step canary was watched`. */
  text: string;
}

/** A page of the Git host, or a command that a person can copy. */
export interface Link {
  label: string;
  url: string;
}

/**
 * A change that a person can make in Git. With `url` it is done there; `text` is what has to be typed, or is filled in already
 * (`filled`); `line` is the line of the file to look at.
 */
export interface GitAction {
  kind: 'new' | 'retry' | 'suspend' | 'resume' | 'cancel' | 'hold';
  label: string;
  /** What will happen once it is merged. */
  effect: string;
  /** Path of the file in the repository. */
  path: string;
  url?: string;
  text?: string;
  filled?: boolean;
  line?: number;
}

/** One run; its rows are nodes. */
export interface RunHead extends Top {
  run: RunRow;
  /** Its NodeOp, `<namespace>/<name>`, where there is one. */
  nodeOp?: string;
  /** By how its nodes can be grouped: `step`, `zone`, both or neither. */
  groupedBy: ('step' | 'zone')[];
  steps: StepView[];
  /** Why nodes failed, most nodes first. */
  failures: NodeGroup[];
  /** What nodes in flight wait for. */
  waits: NodeGroup[];
  /** What is wrong with a run file that is not valid: `line 4, column 3: spec.image: …`. */
  problems: string[];
  /** What to know beside all this, such as a NodeOp that others may change. */
  warnings: string[];
  pauses: Pause[];
  links: Link[];
  actions: GitAction[];
  /** Commands that can be typed as they stand. */
  commands: string[];
}

/** A node in a run. `key` is its name. */
export interface NodeRow extends Keyed {
  phase:
    | 'Pending'
    | 'Preflight'
    | 'Draining'
    | 'Running'
    | 'Rebooting'
    | 'Postflight'
    | 'Completed'
    | 'Failed'
    | 'Cancelled';
  step?: string;
  zone?: string;
  message?: string;
  attempts?: number;
  exitCode?: number;
  reboot?: string;
  /** It was left cordoned. */
  cordoned?: boolean;
  startedAt?: number;
  /** When its present phase began. */
  since?: number;
  finishedAt?: number;
}

/** One node, in one run (the one asked for, else the one under way or the last); its rows are what ran on it before. */
export interface NodeHead extends Top {
  node: string;
  /** Whether the cluster has it. */
  exists: boolean;
  ready: boolean;
  isCordoned: boolean;
  /** Why it is cordoned, or that it is not, in a sentence. */
  cordon: string;
  run?: { id: RunId; name: string; state: RunState };
  /** How it stands in that run. */
  here?: NodeRow;
  /** Of the same run, one after the other, as far as they are on record; the last one may go on. */
  phases?: { phase: NodeRow['phase']; from: number; until?: number }[];
  /** The end of its log, where it is on record and may be seen. */
  log?: string;
  /** Runs that have it to come. */
  waiting: { id: RunId; name: string; why?: string }[];
  commands: string[];
  /** How many reports were looked at for what ran on it before. */
  looked: number;
  reading: boolean;
}

/** `key` is the RunId. */
export interface HistoryRow extends Keyed {
  name: string;
  phase: NodeRow['phase'];
  message?: string;
  startedAt?: number;
  finishedAt?: number;
}

export interface NodesHead extends Top {
  total: number;
  ready: number;
  cordoned: number;
  leftCordoned: number;
}

/** `key` is the node's name. */
export interface NodesRow extends Keyed {
  ready: boolean;
  /** Since when it is as it is: for a node that is Ready mostly since its boot. */
  readySince?: number;
  cordoned: boolean;
  /** A NodeOp cordoned it that works on it no more. */
  leftCordoned?: boolean;
  /** By whom and why, in a sentence. */
  cordon?: string;
  zone?: string;
  controlPlane?: boolean;
  /** What is under way on it, or was last. */
  last?: { run: RunId; name: string; phase: NodeRow['phase']; at?: number; message?: string };
}

/** Its rows are runs that have not begun, in their order as far as there is one. */
export interface AgentHead extends Top {
  /** Who leads, by the Lease; absent when nobody does or it cannot be read. */
  leader?: string;
  leads: boolean;
  /** What serves this page: the agent that leads, one that stands by, or the command `page`. */
  servedBy: 'leader' | 'standby' | 'command';
  version: string;
  kubernetes?: string;
  /** The repository without credentials, and its branch. */
  repository?: string;
  branch?: string;
  tip?: string;
  tipUrl?: string;
  lastPoll?: number;
  problems: string[];
  queued: number;
  passedOver?: string;
}

/** `key` is the RunId. */
export interface QueueRow extends Keyed {
  name: string;
  reason: string;
  message: string;
  until?: number;
}

/** All that is given has to fit. These are also what the front end has in its own address. */
export interface SearchQuery {
  state?: RunState;
  cluster?: string;
  /** Words that all stand somewhere: in path, person, definition, message, cause of a failure. */
  text?: string;
  person?: string;
  /** `next` of the answer before. */
  cursor?: string;
}

export interface SearchAnswer {
  /** Newest first. */
  rows: RunRow[];
  /** There is more. */
  next?: string;
  /** How many fit altogether. */
  found: number;
  /** Of how many. */
  total: number;
  /** Reports are still being read: ask again for the rest. */
  reading: boolean;
}

/** What is read once, when a run is opened. */
export interface RunDetails {
  /** The spec as executed, as YAML; values of the environment are left out. */
  spec?: string;
  /** Definition it was made of, and what differs from it. */
  definition?: { name: string; diff: DiffLine[] };
  /** Of its report, newest first. */
  commits: { hash: string; subject: string; at: number; url?: string }[];
  pullRequest?: Link;
}

export interface DiffLine {
  kind: 'same' | 'added' | 'removed';
  text: string;
}

export interface LogAnswer {
  text: string;
  /** Where it comes from: the pod, a file beside the report, or the end of it in the report. */
  from: 'pod' | 'file' | 'report';
  /** Whether the beginning is missing. */
  cut: boolean;
}

/**
 * One file of the browser side, as `src/http/page/assets.ts` serves it: compressed once, when it is built. `path` is
 * `index.html`, or `assets/<name with a hash of its content>`.
 */
export interface PageAsset {
  path: string;
  /** Its `content-type`. */
  type: string;
  /** As base64, so that the whole lies in the agent's one file. */
  brotli: string;
  gzip: string;
  /** A hash of the content. */
  etag: string;
}
