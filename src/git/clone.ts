import { createHash } from 'node:crypto';
import { appendFile, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { InvalidError } from '../api/errors.ts';
import { GitCommand } from './command.ts';
import { clearLeftovers } from './leftovers.ts';

export interface CloneOptions {
  /** Where the bare clone lies. Made when missing, made again when broken. */
  dir: string;
  /** A git command that is silent for longer is killed. */
  timeoutMs: number;
  /** Objects that are taken though git finds fault with them. */
  skip?: readonly string[];
  /** Kills a running command. */
  signal?: AbortSignal;
}

/** How a repository names its objects. */
export type ObjectFormat = 'sha1' | 'sha256';

/** Says that a folder is the agent's own clone and may be thrown away. */
const MARKER = 'nodeop-agent';
/** One object a line that is taken unchecked. */
const SKIP_LIST = 'nodeop-agent-skip';
/** Of what the agent keeps in git's configuration. */
const SECTION = 'nodeop-agent';
/** Says by what rules the objects of a clone were checked as they came in; one of other rules is begun anew. */
const CHECKED = `${SECTION}.checked`;
const RULES = '1';

/**
 * The folder of the agent's bare clone. Nothing in it is worth keeping: it is a cache of what the remotes hold, and
 * whenever it looks broken it is mended, and when that does not help begun anew. No URL is written into it, since one may
 * hold credentials.
 */
export class Clone {
  readonly git: GitCommand;
  /** For what is asked of a remote before there is a clone, or when it is broken. */
  readonly outside: GitCommand;
  readonly #options: CloneOptions;
  #begun = 0;
  #format: ObjectFormat | undefined;
  /** What a command said that failed: `suspect` it may be the clone's fault, `hopeless` it was mended already. */
  #state: 'new' | 'ready' | 'suspect' | 'hopeless' = 'new';
  #wasMended = false;

  constructor(options: CloneOptions) {
    this.#options = { ...options, dir: resolve(options.dir) };
    this.git = this.#command(this.#options.dir);
    this.outside = this.#command(dirname(this.#options.dir));
  }

  /** How often it was begun anew: a new number says that all that was fetched before is gone. */
  get begun(): number {
    return this.#begun;
  }

  /** Known once it was opened. */
  get format(): ObjectFormat | undefined {
    return this.#format;
  }

  /** Of objects that are taken unchecked. */
  get skipList(): string {
    return join(this.#options.dir, SKIP_LIST);
  }

  /**
   * To be called before a fetch. A clone that failed is mended, and begun anew when it fails again.
   * @param format asks how the remote names its objects, where a new clone has to know
   * @throws InvalidError when the folder is somebody else's
   */
  async open(format: () => Promise<ObjectFormat>): Promise<void> {
    const { dir } = this.#options;
    const entries: string[] = await readdir(dir).catch(() => []);
    if (entries.length > 0 && !entries.includes(MARKER)) {
      throw new InvalidError(`git.dir ${dir} is not empty and not a clone this agent made; it is left alone`);
    }
    const isHopeless = this.#state === 'hopeless' || (this.#state === 'suspect' && this.#wasMended);
    if (entries.length === 0 || isHopeless) return this.begin(await format());
    if (this.#state === 'ready') {
      this.#wasMended = false;
      return;
    }
    // No other process works in this clone: what another one left is in the way.
    await this.mend();
    this.#wasMended = this.#state === 'suspect';
    if (!(await this.#isUsable())) return this.begin(await format());
    this.#state = 'ready';
  }

  /** Takes away what killed processes and power cuts leave behind. */
  async mend(): Promise<void> {
    this.git.forget();
    await clearLeftovers(this.#options.dir);
  }

  /** An empty clone is made beside the old one and takes its place, so that there is a whole one or none. */
  async begin(format: ObjectFormat): Promise<void> {
    const { dir, skip = [] } = this.#options;
    const fresh = `${dir}.new`;
    await rm(fresh, { recursive: true, force: true });
    await mkdir(dirname(dir), { recursive: true });
    await mkdir(fresh);
    const git = this.#command(fresh);
    // No template: no hook runs here, and its samples are most of the files.
    await git.text(['init', '--quiet', '--bare', '--template=', `--object-format=${format}`, fresh]);
    await appendFile(join(fresh, 'config'), `[${SECTION}]\n\tchecked = ${this.#rules()}\n`);
    const ids = skip.filter((it) => it.length === (format === 'sha1' ? 40 : 64));
    await writeFile(join(fresh, SKIP_LIST), ids.map((it) => `${it}\n`).join(''));
    const note = 'A cache of the remote repository. It may be deleted at any time.\n';
    await writeFile(join(fresh, MARKER), note);
    this.git.forget();
    await rm(dir, { recursive: true, force: true });
    await rename(fresh, dir);
    this.#begun += 1;
    this.#format = format;
    this.#wasMended = false;
    this.#state = 'ready';
  }

  /** After a command failed that needs nothing but the clone: the next fetch mends it, or begins anew. */
  markBroken(): void {
    if (this.#state !== 'hopeless') this.#state = 'suspect';
  }

  /** The next fetch begins anew. */
  abandon(): void {
    this.#state = 'hopeless';
  }

  async #isUsable(): Promise<boolean> {
    const ask = (...args: string[]) => this.git.text(args).catch(() => '');
    const [told, rules] = await Promise.all([
      ask('rev-parse', '--is-bare-repository', '--show-object-format'),
      ask('config', '--local', CHECKED),
    ]);
    const [isBare, format] = told.split('\n');
    if (isBare !== 'true' || rules.trim() !== this.#rules()) return false;
    this.#format = format === 'sha256' ? 'sha256' : 'sha1';
    return true;
  }

  #rules(): string {
    const { skip = [] } = this.#options;
    const hash = createHash('sha256').update(skip.toSorted().join('\n')).digest('hex');
    return `${RULES}-${hash.slice(0, 16)}`;
  }

  #command(dir: string): GitCommand {
    const { timeoutMs, signal } = this.#options;
    return new GitCommand({ dir, timeoutMs, ...(signal === undefined ? {} : { signal }) });
  }
}
