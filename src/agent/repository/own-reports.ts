import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type AgentConfig, clusterOf } from '../../api/config.ts';
import type { GitSigning } from '../../api/git-trust.ts';
import { TransientError } from '../../api/errors.ts';
import { readReport, REPORT_BYTES } from '../../api/report.ts';
import type { SignedSince } from '../../core/runs/ledger.ts';
import { putBackMessage } from '../../core/runs/message.ts';
import {
  baselinePath,
  checkpointPath,
  isYaml,
  overviewPath,
  reportPath,
  resultsFolder,
  runPaths,
} from '../../core/runs/paths.ts';
import { BASELINE_BYTES, readBaseline } from '../../core/runs/baseline.ts';
import { hasCommits, isAncestor } from '../../git/ancestry.ts';
import { pastChanges, type PastChange } from '../../git/log.ts';
import { filesAt, isPlain, listTree, treeChanges, type TreeChange } from '../../git/trees.ts';
import { checkSignatures } from '../../git/signatures.ts';
import { reportKeys } from '../../git/signing.ts';
import type { Files } from '../../git/write.ts';
import { breather, inTurns } from '../../time/breather.ts';
import type { Logger } from '../logger.ts';
import type { Ledger } from './ledger.ts';
import type { ReadTips } from './tip-changes.ts';
import type { TrackedRepository } from './tracked.ts';

/** Written in one commit; contents are held for it. */
const PUT_BACK = 100;
/** Others may go on; nothing is decided meanwhile. */
const ATTEMPTS = 3;
/** Signatures checked by one call of git. */
const BATCH = 500;
const MAX_REMEMBERED = 5000;
/** Of what is told in the log. */
const NAMED = 20;

/**
 * Where the agent signs what it writes, only what it signed is believed. What somebody else made of a report is put back before
 * anything is decided by it, to the state that was signed last, so that all else may take the folder for the agent's own.
 * Judged is what came since the tip that was acted on last: so many commits, however many reports there are.
 */
export class OwnReports {
  readonly #config: AgentConfig;
  readonly #signing: GitSigning;
  readonly #repository: TrackedRepository;
  readonly #ledger: Ledger;
  readonly #log: Logger;
  /** By commit, as of `#files`. */
  readonly #signed = new Map<string, boolean>();
  /** What the files with keys held. */
  #files = '';
  #key = '';
  /** Up to this tip everything was judged. */
  #judged: string | undefined;
  #told = '';

  constructor(
    { config, signing }: { config: AgentConfig; signing: GitSigning },
    { repository, ledger, log }: { repository: TrackedRepository; ledger: Ledger; log: Logger },
  ) {
    this.#config = config;
    this.#signing = signing;
    this.#repository = repository;
    this.#ledger = ledger;
    this.#log = log;
  }

  /** What is to be kept after a look: up to where reports were judged, and from where on they have to be signed. */
  async record(): Promise<{ results: string | undefined; signed: SignedSince }> {
    const key = await this.#keyNow();
    const { signed } = this.#ledger.head;
    const results = this.#judged;
    return { results, signed: signed?.key === key ? signed : { key, commit: results } };
  }

  /** Whether one of these commits is signed, or was there before they had to be. */
  async counts(commits: readonly string[]): Promise<boolean> {
    const { signed } = this.#ledger.head;
    // With another key than before all that is there is believed once.
    if (signed === undefined || signed.key !== (await this.#keyNow())) return true;
    const found = await this.#areSigned(commits);
    if (commits.some((it) => found.has(it))) return true;
    const { commit: start } = signed;
    if (start === undefined) return false;
    const { git } = this.#repository.mirror;
    if (!(await hasCommits(git, [start]))) return true;
    for (const commit of commits) if (await isAncestor(git, commit, start)) return true;
    return false;
  }

  /**
   * Puts back what somebody else changed. The ledger has to be loaded.
   * @throws when a signature cannot be checked now, or nothing can be pushed
   */
  async putBack(): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const { tips, snapshots } = this.#repository;
      const forged = await this.#judge(tips);
      if (forged.size === 0) {
        this.#judged = tips?.results;
        return;
      }
      this.#tell(forged);
      const paths = [...forged.keys()];
      for (let i = 0; i < paths.length; i += PUT_BACK) {
        await this.#write(paths.slice(i, i + PUT_BACK), forged);
      }
      snapshots.forget();
    }
    throw new TransientError('others change the reports all the time');
  }

  /** What there is to put back since the tip that was acted on last. */
  async #judge(tips: ReadTips | undefined): Promise<Map<string, Forged>> {
    const tip = tips?.results;
    const { results: base, signed } = this.#ledger.head;
    const isSame = tip === base || tip === this.#judged;
    if (!tips || tip === undefined || isSame || signed?.key !== (await this.#keyNow())) return new Map();
    return (await this.#isKnown(base, tip)) ? this.#forged(tips.runs, base, tip) : new Map();
  }

  /** Where the history is gone that was judged, nothing is left to compare with; run files that were there before do not begin then. */
  async #isKnown(base: string | undefined, tip: string): Promise<boolean> {
    const { git } = this.#repository.mirror;
    if (base === undefined || (await hasCommits(git, [base]))) return true;
    this.#log.warn({ from: base, to: tip }, 'history was rewritten: the reports that are there are believed');
    return false;
  }

  async #write(paths: readonly string[], forged: ReadonlyMap<string, Forged>): Promise<void> {
    const { mirror } = this.#repository;
    const blobs = paths.flatMap((path) => forged.get(path)?.blob ?? []);
    const found = await mirror.results.contents.read(blobs, Infinity);
    const files: Files = new Map(
      paths.map((path) => {
        const bytes = found.get(forged.get(path)?.blob ?? '');
        return [path, bytes && Buffer.from(bytes).toString()];
      }),
    );
    const text = putBackMessage(paths, clusterOf(this.#config), this.#config.report.skipCi);
    await this.#repository.push(mirror.results, files, text);
  }

  /** Once, though it may take several attempts. */
  #tell(forged: ReadonlyMap<string, Forged>): void {
    const commits = [...new Set([...forged.values()].flatMap((it) => it.commits))];
    const told = [...forged.keys(), ...commits].join('\0');
    if (this.#told === told) return;
    this.#told = told;
    const reports = [...forged.keys()];
    const fields = {
      count: reports.length,
      reports: reports.slice(0, NAMED),
      commits: commits.slice(0, NAMED),
    };
    this.#log.warn(fields, 'reports were changed without a signature that counts; they are put back');
  }

  /** Files that hold something else than what was signed last, with what that is. */
  async #forged(runs: string, base: string | undefined, tip: string): Promise<Map<string, Forged>> {
    const { git } = this.#repository.mirror;
    const forged = new Map<string, Forged>();
    const changed = await this.#changed(base, tip);
    if (changed.length === 0 || (await this.#isOfAnotherCluster(tip))) return forged;
    const folder = resultsFolder(this.#repository.layout);
    const asked = changed.length > PUT_BACK ? { folder } : changed.map(({ path }) => path);
    const range = base === undefined ? tip : `${base}..${tip}`;
    const past = Map.groupBy(await pastChanges(git, range, asked), ({ path }) => path);
    const commits = changed.flatMap(({ path }) => (past.get(path) ?? []).map(({ commit }) => commit));
    const signed = await this.#areSigned(commits);
    for (const { path, before, entry } of changed) {
      const changes = past.get(path) ?? [];
      const last: PastChange | undefined = changes.find(({ commit }) => signed.has(commit));
      const blob = last ? last.after : before?.blob;
      if (blob === entry?.blob && (!entry || isPlain(entry))) continue;
      // Nobody's notes are anybody's report.
      if (blob === undefined && !isYaml(path)) continue;
      const unsigned = changes.filter(({ commit }) => !signed.has(commit));
      forged.set(path, { blob, commits: unsigned.map(({ commit }) => commit) });
    }
    return this.#own(forged, runs);
  }

  /** Reports, and what else decides or is shown first, that are not what they were. */
  async #changed(base: string | undefined, tip: string): Promise<TreeChange[]> {
    const { layout, mirror } = this.#repository;
    const folders = [resultsFolder(layout)];
    const changes = await (base === undefined
      ? listTree(mirror.git, tip, folders)
      : treeChanges(mirror.git, base, tip, folders));
    return changes.filter(({ path }) => isYaml(path) || path === overviewPath(layout));
  }

  /** Two agents of one name must not undo each other's work: one of them refuses to act, and says why. */
  async #isOfAnotherCluster(tip: string): Promise<boolean> {
    const { layout, mirror } = this.#repository;
    const path = baselinePath(layout);
    const entry = (await filesAt(mirror.git, tip, [path])).get(path);
    if (!isPlain(entry)) return false;
    const bytes = (await mirror.results.contents.read([entry.blob], BASELINE_BYTES)).get(entry.blob);
    let owner: string | undefined;
    try {
      owner = bytes && (await inTurns(readBaseline(path, bytes))).owner;
    } catch {
      // Damaged: it is put back.
    }
    return owner !== undefined && owner !== this.#ledger.identity;
  }

  /** Without a name of its own the cluster shares the folder with those that have one, and theirs are not its to mend. */
  async #own(forged: Map<string, Forged>, tip: string): Promise<Map<string, Forged>> {
    const { layout, mirror } = this.#repository;
    if (layout.cluster !== undefined || forged.size === 0) return forged;
    const runs = await filesAt(
      mirror.git,
      tip,
      [...forged.keys()].flatMap((it) => runPaths(layout, it)),
    );
    const mine = new Set([baselinePath(layout), checkpointPath(layout), overviewPath(layout)]);
    for (const path of forged.keys()) if (runPaths(layout, path).some((it) => runs.has(it))) mine.add(path);
    const others = [...forged].flatMap(([path, { blob }]) =>
      mine.has(path) || blob === undefined ? [] : [{ path, blob }],
    );
    const breathe = breather();
    await mirror.results.contents.each(others, REPORT_BYTES, async ({ path }, bytes) => {
      const report = bytes && (await inTurns(readReport(bytes), breathe));
      if (report && reportPath(layout, report.run.path) === path) mine.add(path);
    });
    return new Map([...forged].filter(([path]) => mine.has(path)));
  }

  /** Those of the commits that carry a signature that counts. */
  async #areSigned(commits: readonly string[]): Promise<Set<string>> {
    const unknown = [...new Set(commits)].filter((it) => !this.#signed.has(it));
    if (unknown.length > 0) {
      const { git } = this.#repository.mirror;
      const { verify, dispose } = await reportKeys(this.#signing);
      try {
        for (let i = 0; i < unknown.length; i += BATCH) {
          const some = unknown.slice(i, i + BATCH);
          // Of the agent's own commits the date is true: what it signed stays signed when a key expires.
          const found = await checkSignatures(git, some, verify, { isHistory: true });
          for (const [commit, { ok }] of found) this.#signed.set(commit, ok);
        }
      } finally {
        await dispose();
      }
    }
    const signed = new Set(commits.filter((it) => this.#signed.get(it) === true));
    if (this.#signed.size > MAX_REMEMBERED) this.#signed.clear();
    return signed;
  }

  /** Tells the key and the folder: with another of them, what is there has signatures of before, or none. */
  async #keyNow(): Promise<string> {
    const { sshKeyFile, gpgKeyFile, passphraseFile, allowedSignersFile, keyringFile } = this.#signing;
    const hash = createHash('sha256');
    for (const file of [sshKeyFile, gpgKeyFile, passphraseFile, allowedSignersFile, keyringFile]) {
      // One that cannot be read is told where it is used.
      const bytes = file === undefined ? undefined : await readFile(file).catch(() => undefined);
      hash.update(`${bytes?.length ?? 'none'}\0`).update(bytes ?? '');
    }
    const files = hash.digest('hex');
    if (files === this.#files) return this.#key;
    const { own, dispose } = await reportKeys(this.#signing);
    await dispose();
    this.#signed.clear();
    this.#files = files;
    const folder = resultsFolder(this.#repository.layout);
    this.#key = createHash('sha256').update(`${own}\0${folder}`).digest('hex');
    return this.#key;
  }
}

interface Forged {
  /** What was signed last; absent when there was none. */
  blob: string | undefined;
  /** Who changed it. */
  commits: readonly string[];
}
