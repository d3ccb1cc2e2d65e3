import { type ChildProcess, spawn } from 'node:child_process';
import { openSync, closeSync, readFileSync } from 'node:fs';

/** All that are there, so that none is left behind. */
const all = new Set<Managed>();
process.on('exit', () => {
  for (const one of all) one.kill();
});

/** A process that is started over and over, with all that it starts: as a container. Its output goes to one file. */
export class Managed {
  readonly name: string;
  readonly #command: readonly string[];
  readonly #log: string;
  readonly #env: NodeJS.ProcessEnv;
  #child: ChildProcess | undefined;
  #ended: Promise<number | string | null> = Promise.resolve(null);
  #isPaused = false;

  constructor(
    name: string,
    command: readonly string[],
    { log, env = process.env }: { log: string; env?: NodeJS.ProcessEnv },
  ) {
    this.name = name;
    this.#command = command;
    this.#log = log;
    this.#env = env;
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  start(): void {
    if (this.#child !== undefined) return;
    const out = openSync(this.#log, 'a');
    const [program = '', ...args] = this.#command;
    const child = spawn(program, args, { env: this.#env, stdio: ['ignore', out, out] });
    closeSync(out);
    this.#child = child;
    this.#isPaused = false;
    all.add(this);
    this.#ended = new Promise((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, by) => {
        if (this.#child === child) this.#child = undefined;
        all.delete(this);
        resolve(code ?? by);
      });
    });
  }

  /** As a container is killed. */
  kill(): void {
    send(this.pid, 'SIGKILL');
    this.#child = undefined;
  }

  pause(): void {
    this.#isPaused = true;
    send(this.pid, 'SIGSTOP');
  }

  resume(): void {
    if (this.#isPaused) send(this.pid, 'SIGCONT');
    this.#isPaused = false;
  }

  /** Asked to stop, and killed when it has not by then. @returns its exit code, and how long it took */
  async stop(patienceMs: number): Promise<{ code: number | string | null; ms: number }> {
    const began = performance.now();
    const child = this.#child;
    child?.kill('SIGTERM');
    const impatience = setTimeout(() => {
      if (this.#child === child) this.kill();
    }, patienceMs);
    const code = await this.#ended;
    clearTimeout(impatience);
    return { code, ms: performance.now() - began };
  }
}

/** To a process and all that it has started. */
function send(pid: number, what: NodeJS.Signals): void {
  if (pid === 0) return;
  for (const one of [pid, ...descendants(pid)]) {
    try {
      process.kill(one, what);
    } catch {
      // It has ended meanwhile.
    }
  }
}

function descendants(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    const children = text === '' ? [] : text.split(' ').map(Number);
    return children.flatMap((child) => [child, ...descendants(child)]);
  } catch {
    return [];
  }
}
