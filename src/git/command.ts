import { simpleGit } from 'simple-git';
import { TransientError } from '../api/errors.ts';
import type { Session } from './access.ts';
import { redact } from './credentials.ts';

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

const PASSED = [
  'PATH',
  'HOME',
  'SSH_AUTH_SOCK',
  'TMPDIR',
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
};

/** What simple-git refuses unless told that nobody else had a hand in it; all of it comes from a Session. */
const OWN_SETTINGS = {
  allowUnsafeAskPass: true,
  allowUnsafeConfigEnvCount: true,
  allowUnsafeCredentialHelper: true,
  allowUnsafeSshCommand: true,
};
const LOCAL: Session = { env: {}, secrets: [] };

export class GitCommand {
  readonly dir: string;
  readonly #options: GitCommandOptions;

  constructor(options: GitCommandOptions) {
    this.dir = options.dir;
    this.#options = options;
  }

  /** Standard output as text. Throws TransientError with git's own words, without credentials. */
  async text(args: string[], stdin?: string | Uint8Array): Promise<string> {
    return this.#run(args, LOCAL, () => this.#git(LOCAL, stdin).raw(args));
  }

  /** The same for a command that talks to a remote. */
  async remote(args: string[], session: Session): Promise<string> {
    return this.#run(args, session, () => this.#git(session).raw(args));
  }

  /** The raw answer of `cat-file --batch` for the object names given, one a line. */
  async batch(names: string): Promise<Buffer> {
    const args = ['--batch'];
    return this.#run(['cat-file', ...args], LOCAL, async () => {
      const output: unknown = await this.#git(LOCAL, names).binaryCatFile(args);
      if (!Buffer.isBuffer(output)) throw new Error('git cat-file gave no bytes');
      return output;
    });
  }

  async #run<T>(args: string[], { secrets }: Session, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      // The original is not kept as the cause: its message and task hold the URL with credentials.
      throw new TransientError(redact(`git ${args[0]}: ${reason.trim()}`, secrets));
    }
  }

  #git(session: Session, stdin?: string | Uint8Array) {
    const { dir, timeoutMs, signal, env = process.env } = this.#options;
    const passed = PASSED.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]));
    return simpleGit({
      baseDir: dir,
      trimmed: false,
      timeout: { block: timeoutMs },
      allowEnvironment: [...Object.keys(FIXED), ...Object.keys(session.env)],
      unsafe: OWN_SETTINGS,
      config: [
        // A background gc would hold locks after the agent was killed.
        'gc.autoDetach=false',
        'core.quotePath=false',
        // The timeout ends git, yet not its helper that talks http; the helper ends itself by this.
        'http.lowSpeedLimit=1',
        `http.lowSpeedTime=${Math.ceil(timeoutMs / 1000)}`,
      ],
      errors: (error, result) =>
        error ?? (result.exitCode === 0 ? undefined : new Error(`exit code ${result.exitCode}`)),
      ...(stdin === undefined
        ? {}
        : { input: () => (typeof stdin === 'string' ? stdin : Buffer.from(stdin)) }),
      ...(signal === undefined ? {} : { abort: signal }),
    }).env({ ...Object.fromEntries(passed), ...FIXED, ...session.env });
  }
}
