import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { simpleGit } from 'simple-git';
import { LocalGitError, TransientError } from '../api/errors.ts';
import { redact } from './credentials.ts';
import { type GitObject, ObjectReader } from './objects.ts';
import { LOCAL, type Session, type Setting, withSettings } from './session.ts';
import { wordsOf } from './words.ts';

/**
 * Runs git. The only importer of simple-git. The environment is small and explicit: nothing of the
 * agent's own surroundings (hooks, editors, GIT_DIR) can change what a command does, and git never
 * asks a question nobody would answer.
 */
export interface GitCommandOptions {
  /** Repository the commands work in. */
  dir: string;
  /** A command that is silent for longer is killed. */
  timeoutMs: number;
  /** Kills a running command. */
  signal?: AbortSignal;
  env?: NodeJS.ProcessEnv;
}

/** What a command is given beside its arguments. */
export interface Input {
  stdin?: string | undefined;
  /** It is ended before it writes a larger file: whole blocks, see `wholeBlocks`. */
  mostBytes?: number;
}

/** In which POSIX has `ulimit -f` count. */
export const BLOCK = 512;

export function wholeBlocks(bytes: number): number {
  return Math.ceil(bytes / BLOCK) * BLOCK;
}

const BOUNDED = 'bounded';
/** Git itself has no bound on what it fetches; the system has one on what a process writes. */
const AS_BOUNDED: Setting = [`alias.${BOUNDED}`, '!f() { ulimit -f "$1" && shift && exec git "$@"; }; f'];

const PASSED = [
  'PATH',
  'HOME',
  'SSH_AUTH_SOCK',
  'TMPDIR',
  // ssh-keygen takes times without a zone as those of this machine, and so does the agent.
  'TZ',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
];
const FIXED = {
  LC_ALL: 'C.UTF-8',
  GIT_TERMINAL_PROMPT: '0',
  /** File names are names, never patterns. */
  GIT_LITERAL_PATHSPECS: '1',
  // What was verified is what is read, whatever somebody put beside it.
  GIT_NO_REPLACE_OBJECTS: '1',
  // A fetch that comes by a damaged object would ask the remote for it by another fetch, and that one by the next, without end.
  GIT_NO_LAZY_FETCH: '1',
};

const SETTINGS = [
  // A background gc would hold locks after the agent was killed.
  'gc.autoDetach=false',
  'core.quotePath=false',
  // Larger contents are not held: somebody may commit a file of any size, and its content is asked for to tell how large it is.
  'core.bigFileThreshold=16m',
  // What the user's own settings, or those that they include, would change of what git does here or says.
  'core.hooksPath=/dev/null',
  'color.ui=false',
  'i18n.logOutputEncoding=UTF-8',
  'i18n.commitEncoding=UTF-8',
  'log.showRoot=true',
  'log.follow=false',
  'log.mailmap=false',
  'log.showSignature=false',
  'diff.orderFile=/dev/null',
  'diff.ignoreSubmodules=none',
  'fetch.all=false',
  'fetch.prune=false',
  'fetch.recurseSubmodules=false',
  'push.followTags=false',
  'push.gpgSign=false',
  'push.recurseSubmodules=no',
];

/** What simple-git refuses unless told that nobody else had a hand in it; all of it comes from a Session. */
const OWN_SETTINGS = {
  allowUnsafeAlias: true,
  allowUnsafeAskPass: true,
  allowUnsafeConfigEnvCount: true,
  allowUnsafeCredentialHelper: true,
  allowUnsafeGpgProgram: true,
  allowUnsafeHooksPath: true,
  allowUnsafeSshCommand: true,
};

export class GitCommand {
  readonly dir: string;
  readonly #options: GitCommandOptions;
  readonly #objects: ObjectReader;

  constructor(options: GitCommandOptions) {
    this.dir = options.dir;
    this.#options = options;
    this.#objects = new ObjectReader(() => this.#start(['cat-file', '--batch']), options.timeoutMs);
  }

  /**
   * An object by its id or any other name, by a process that many share; undefined when it is not there. Of one larger than
   * `limit` bytes a stand-in is given, one byte larger than the limit.
   */
  object(name: string, limit = Infinity): Promise<GitObject | undefined> {
    return this.#run(['cat-file'], LOCAL, () => this.#objects.read(name, limit));
  }

  /** To be called when another repository takes the place of this one. */
  forget(): void {
    this.#objects.close();
  }

  /** Standard output as text. Throws LocalGitError with git's own words, TransientError when it took too long. */
  async text(args: string[], stdin = ''): Promise<string> {
    return (await this.bytes(args, stdin)).toString('utf8');
  }

  /** The same for what holds paths, which may be anything. */
  async bytes(args: string[], stdin = ''): Promise<Buffer> {
    const pieces: Buffer[] = [];
    await this.stream(args, stdin, (piece) => pieces.push(piece));
    return Buffer.concat(pieces);
  }

  /**
   * The same for a command that needs credentials or keys, which may be at fault as well: throws TransientError, without
   * credentials. It is for those that reach out: after each one that says nothing simple-git waits 50 ms for more.
   */
  async with(session: Session, args: string[], { stdin, mostBytes = Infinity }: Input = {}): Promise<string> {
    if (mostBytes === Infinity) return this.#run(args, session, () => this.#git(session, stdin).raw(args));
    const bounded = withSettings(session, [AS_BOUNDED]);
    const all = [BOUNDED, String(mostBytes / BLOCK), ...args];
    return this.#run(args, session, () => this.#git(bounded, stdin).raw(all));
  }

  /**
   * Standard output piece by piece, for answers too large to be held. `input` goes to standard input. A piece is
   * worked on while git makes the next.
   */
  async stream(args: string[], input: string, onPiece: (piece: Buffer) => unknown): Promise<void> {
    await this.#run(args, LOCAL, async () => {
      const { timeoutMs } = this.#options;
      const child = this.#start(args);
      let isSilent = false;
      const silent = setTimeout(() => {
        isSilent = true;
        child.kill();
      }, timeoutMs);
      // A git that ends early says why by other means.
      child.stdin.on('error', () => undefined).end(input);
      const read = async () => {
        for await (const piece of child.stdout) {
          silent.refresh();
          await onPiece(piece as Buffer);
          silent.refresh();
        }
      };
      try {
        const [[code], words] = await Promise.all([once(child, 'close'), text(child.stderr), read()]);
        if (isSilent) throw new TransientError(`git ${args[0]}: said nothing for ${timeoutMs} ms`);
        if (code !== 0) {
          const exitCode = typeof code === 'number' ? code : undefined;
          throw new LocalGitError(words.trim() || `ended with ${exitCode ?? 'a signal'}`, exitCode);
        }
      } finally {
        clearTimeout(silent);
        child.kill();
      }
    });
  }

  #start(args: string[]) {
    const { dir, signal } = this.#options;
    const settings = SETTINGS.flatMap((it) => ['-c', it]);
    const env = this.#env(LOCAL);
    return spawn('git', [...settings, ...args], { cwd: dir, env, ...(signal && { signal }) });
  }

  async #run<T>(args: string[], session: Session, action: () => Promise<T>): Promise<T> {
    const { secrets } = session;
    const isLocal = session === LOCAL;
    try {
      return await action();
    } catch (error) {
      if (error instanceof TransientError && !(error instanceof LocalGitError)) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      const words = redact(`git ${args[0]}: ${wordsOf(reason)}`, secrets);
      // The original is not kept as the cause: its message and task hold the URL with credentials.
      if (isLocal)
        throw new LocalGitError(words, error instanceof LocalGitError ? error.exitCode : undefined);
      throw new TransientError(words);
    }
  }

  #git(session: Session, stdin?: string) {
    const { dir, timeoutMs, signal } = this.#options;
    const git = simpleGit({
      baseDir: dir,
      trimmed: false,
      timeout: { block: timeoutMs },
      allowEnvironment: [...Object.keys(FIXED), ...Object.keys(session.env)],
      unsafe: OWN_SETTINGS,
      config: [
        ...SETTINGS,
        // The timeout ends git, yet not its helper that talks http; the helper ends itself by this.
        'http.lowSpeedLimit=1',
        `http.lowSpeedTime=${Math.ceil(timeoutMs / 1000)}`,
      ],
      errors: (error, result) =>
        error ?? (result.exitCode === 0 ? undefined : new Error(`exit code ${result.exitCode}`)),
      ...(stdin === undefined ? {} : { input: () => stdin }),
      ...(signal === undefined ? {} : { abort: signal }),
    }).env(this.#env(session));
    return signal === undefined
      ? git
      : git.outputHandler((_, stdout, stderr) => leaveOnAbort(signal, [stdout, stderr]));
  }

  #env(session: Session): Record<string, string> {
    const { env = process.env } = this.#options;
    const passed = PASSED.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]));
    return { ...Object.fromEntries(passed), ...FIXED, ...session.env };
  }
}

/** The signal ends git, but not its helper that talks http: it holds on to these, and the process could not end before it. */
function leaveOnAbort(signal: AbortSignal, streams: readonly NodeJS.ReadableStream[]): void {
  for (const stream of streams) {
    if (!(stream instanceof Readable)) continue;
    const leave = () => stream.destroy();
    signal.addEventListener('abort', leave, { once: true });
    stream.once('close', () => signal.removeEventListener('abort', leave));
  }
}
