import { readFile } from 'node:fs/promises';
import { apiUrlOf, type Feedback as FeedbackConfig } from '../api/feedback.ts';
import type { NodeOpReport } from '../api/report.ts';
import { commentMarker, withRun } from '../core/feedback/comment.ts';
import { filePage, projectAt } from '../core/feedback/links.ts';
import { runStatus, statusContext, worthTelling } from '../core/feedback/status.ts';
import { reportPath, type Layout } from '../core/runs/paths.ts';
import { type Comment, type Host, HostError } from '../host/host.ts';
import { openHost } from '../host/open.ts';
import type { Clock } from '../core/ports.ts';
import { backoffMs, pause } from '../time/backoff.ts';
import { systemClock } from '../time/clock.ts';
import type { Logger } from './logger.ts';

export interface FeedbackOptions {
  config: FeedbackConfig;
  layout: Layout;
  /** The branch the reports are on. */
  branch: string;
  /** Their repository, when it is not the one with the run files. */
  resultsUrl?: string;
  logger: Logger;
  /** Merges after a commit, oldest first: hosts may know a pull request by its merge alone. */
  mergesAfter: (commit: string) => Promise<string[]>;
  /** The first wait after a failure, in milliseconds; it doubles up to a quarter of an hour. */
  retryMs?: number;
  clock?: Clock;
}

const MAX_RETRY_MS = 15 * 60_000;

/**
 * Tells the Git host how runs are going. Runs never wait for it: of each run the newest report is kept
 * until it is told. What the host shows is compared with what it should show, so nothing is remembered
 * over a restart and nothing is said twice.
 */
export class Feedback {
  readonly #options: FeedbackOptions;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #abort = new AbortController();
  /** By path of the run file, longest waiting first. */
  readonly #waiting = new Map<string, NodeOpReport>();
  readonly #pullRequests = new Map<string, number | undefined>();
  readonly #comments = new Map<number, Comment>();
  #opened: { token: string; host: Promise<Host> } | undefined;
  #working: Promise<void> | undefined;

  constructor(options: FeedbackOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.logger.child({ loop: 'feedback', provider: options.config.provider });
  }

  /** A ReportListener. */
  readonly tell = (reports: readonly NodeOpReport[]): void => {
    const now = new Date(this.#clock.wall());
    for (const report of worthTelling(reports, now)) this.#waiting.set(report.run.path, report);
    if (this.#abort.signal.aborted || this.#waiting.size === 0) return;
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
  };

  /** Waits until all is told, but no longer than that many milliseconds. */
  async settle(ms: number): Promise<void> {
    const timer = new AbortController();
    await Promise.race([this.#working, pause(this.#clock, ms, timer.signal)]);
    timer.abort();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#working;
  }

  async #work(): Promise<void> {
    const { signal } = this.#abort;
    let failures = 0;
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined || signal.aborted) return;
      const [path, report] = next;
      try {
        // oxlint-disable-next-line no-await-in-loop -- one request after the other, as hosts ask for
        await this.#deliver(report);
        failures = 0;
        if (this.#waiting.get(path) === report) this.#waiting.delete(path);
      } catch (error) {
        if (signal.aborted) return;
        // oxlint-disable-next-line no-await-in-loop
        await this.#failed(path, report, error, failures);
        failures += 1;
      }
    }
  }

  async #failed(path: string, report: NodeOpReport, error: unknown, failures: number): Promise<void> {
    const reason = error instanceof Error ? error.message : String(error);
    if (this.#waiting.get(path) === report) this.#waiting.delete(path);
    if (error instanceof HostError && error.permanent) {
      this.#log.warn(
        { run: path, status: error.status, reason },
        'the host refuses feedback; it is left out',
      );
      return;
    }
    // The others have their turn first; newer news of this run take its place.
    if (!this.#waiting.has(path)) this.#waiting.set(path, report);
    const asked = error instanceof HostError ? error.retryAfterMs : undefined;
    const wait = asked ?? backoffMs(this.#clock, failures, this.#options.retryMs ?? 5_000, MAX_RETRY_MS);
    this.#log.warn({ run: path, reason, retryInMs: Math.round(wait) }, 'feedback failed; will retry');
    await pause(this.#clock, wait, this.#abort.signal);
  }

  async #deliver(report: NodeOpReport): Promise<void> {
    const { commit } = report.run;
    if (commit === undefined) return;
    const { config, layout } = this.#options;
    const host = await this.#host();
    const context = statusContext(config.context, layout.runs, report);
    const targetUrl = this.#pageOf(report);
    const { state, description } = runStatus(report);
    const shown = await host.status(commit, context);
    if (shown?.description !== description || shown.targetUrl !== targetUrl) {
      await host.setStatus(commit, { context, state, description, targetUrl });
    }
    if (config.comment) await this.#comment(host, commit, report, targetUrl);
    this.#log.debug({ run: report.run.path, state, commit }, 'feedback is given');
  }

  #pageOf({ run }: NodeOpReport): string {
    const { config, layout, branch, resultsUrl } = this.#options;
    const host = { ...config, apiUrl: apiUrlOf(config) };
    const project = resultsUrl === undefined ? config.project : projectAt(host, resultsUrl);
    return filePage({ ...host, project }, branch, reportPath(layout, run.path));
  }

  async #comment(host: Host, commit: string, report: NodeOpReport, reportUrl: string): Promise<void> {
    const pullRequest = await this.#pullRequestOf(host, commit);
    if (pullRequest === undefined) return;
    const { config, layout } = this.#options;
    const marker = commentMarker(config.context, layout.cluster);
    const known = this.#comments.get(pullRequest) ?? (await host.findComment(pullRequest, marker));
    const body = withRun(known?.body, marker, report, reportUrl);
    if (known === undefined) return host.addComment(pullRequest, body);
    this.#comments.delete(pullRequest);
    if (normal(known.body) !== normal(body)) {
      try {
        await host.editComment(pullRequest, known.id, body);
      } catch (error) {
        // Somebody deleted it since it was found: the next attempt makes a new one.
        if (error instanceof HostError && error.status === 404) throw new HostError(0, error.message, 0);
        throw error;
      }
    }
    this.#comments.set(pullRequest, { id: known.id, body });
    forgetOldest(this.#comments, 20);
  }

  async #pullRequestOf(host: Host, commit: string): Promise<number | undefined> {
    if (this.#pullRequests.has(commit)) return this.#pullRequests.get(commit);
    let found = await host.pullRequestOf(commit);
    if (found === undefined) {
      for (const merge of await this.#options.mergesAfter(commit)) {
        // oxlint-disable-next-line no-await-in-loop -- the nearest merge is nearly always the one
        found = await host.pullRequestOf(merge);
        if (found !== undefined) break;
      }
    }
    this.#pullRequests.set(commit, found);
    forgetOldest(this.#pullRequests, 1000);
    return found;
  }

  /** The token is read each time, so that a new one is taken at once. */
  async #host(): Promise<Host> {
    const { config } = this.#options;
    let token: string;
    try {
      token = (await readFile(config.tokenFile, 'utf8')).trim();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`cannot read the token: ${reason}`, { cause: error });
    }
    if (this.#opened?.token !== token) {
      const { provider, project } = config;
      const host = openHost({ provider, project, token, apiUrl: apiUrlOf(config) }, this.#abort.signal);
      this.#opened = { token, host };
    }
    return this.#opened.host;
  }
}

/** What is forgotten is asked for again; an agent that runs for years must not grow. */
function forgetOldest<Key>(known: Map<Key, unknown>, most: number): void {
  for (const key of known.keys()) if (known.size > most) known.delete(key);
}

/** Hosts may change the ends of lines and of the text. */
function normal(body: string): string {
  return body.replaceAll('\r\n', '\n').trimEnd();
}
