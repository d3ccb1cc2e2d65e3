import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A process of its own that answers calls: the measured parts must not share an event loop. */
export class Remote<Calls extends object> {
  readonly child: ChildProcess;
  private readonly waiting = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void }
  >();
  private next = 0;

  constructor(module: string) {
    this.child = fork(fileURLToPath(new URL(module, import.meta.url)), { stdio: ['ignore', 2, 2, 'ipc'] });
    this.child.on('message', ({ id, value, error }: Answer) => {
      const call = this.waiting.get(id);
      this.waiting.delete(id);
      if (error === undefined) call?.resolve(value);
      else call?.reject(new Error(error));
    });
    this.child.on('exit', (code) => {
      for (const { reject } of this.waiting.values()) reject(new Error(`${module} ended with ${code}`));
    });
  }

  call<Name extends keyof Calls & string>(
    name: Name,
    ...args: Calls[Name] extends (...args: infer Args) => unknown ? Args : never
  ): Promise<Calls[Name] extends (...args: never) => infer Result ? Awaited<Result> : never> {
    return new Promise((resolve, reject) => {
      const id = this.next++;
      this.waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.child.send({ id, name, args });
    });
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.disconnect();
    await exit;
  }
}

interface Answer {
  id: number;
  value?: unknown;
  error?: string;
}

/** In the process itself: answers calls until the parent is gone. */
export function answer(calls: Record<string, (...args: never[]) => unknown>, onEnd: () => unknown): void {
  process.on('message', ({ id, name, args }: { id: number; name: string; args: never[] }) => {
    Promise.resolve()
      .then(() => calls[name]?.(...args))
      .then(
        (value) => process.send?.({ id, value }),
        (error: unknown) =>
          process.send?.({ id, error: error instanceof Error ? error.stack : String(error) }),
      );
  });
  process.on('disconnect', () => {
    void Promise.resolve(onEnd()).finally(() => process.exit(0));
  });
}

/** CPU time so far, in milliseconds, as the kernel counts it (in ticks of 10 ms). */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** The largest resident set so far, in megabytes of 10⁶ bytes. */
export function peakMb(pid: number): number {
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (Number(kib) * 1024) / 1e6;
}

const BUNDLE = fileURLToPath(new URL('../dist/nodeop-agent.js', import.meta.url));

/** The agent's memory is bounded by what the image says to Node and to the C library. */
const ENV = { ...process.env, ...imageEnvironment() };

function imageEnvironment(): Record<string, string> {
  const file = readFileSync(new URL('../Dockerfile', import.meta.url), 'utf8');
  const line = /^ENV (.*NODE_OPTIONS=.*)$/m.exec(file)?.[1] ?? '';
  const pairs = [...line.matchAll(/(\w+)=(?:"([^"]*)"|(\S+))/g)];
  if (pairs.length === 0) throw new Error('the Dockerfile does not set NODE_OPTIONS');
  return Object.fromEntries(pairs.map(([, name = '', quoted, plain = '']) => [name, quoted ?? plain]));
}

/** The agent as it is shipped: the bundle, as a process. */
export function startAgent(config: string): ChildProcess {
  const more = process.env['BENCH_NODE_ARGS']?.split(' ') ?? [];
  return spawn(process.execPath, [...more, BUNDLE, 'start', '--config', config], {
    stdio: ['ignore', 2, 2],
    env: ENV,
  });
}

export function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill(signal);
  });
}
