import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

export interface Answer {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a command of ours as a process of its own, to its end. */
export function cliProcess(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  cwd?: string,
): Promise<Answer> {
  const options = { env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024, ...(cwd ? { cwd } : {}) };
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 255;
      resolve({ code, stdout, stderr });
    });
  });
}

let turn: Promise<unknown> = Promise.resolve();

/**
 * The same in this process, which takes a hundredth of the time: one command after the other, each with the streams, the
 * environment and the folder of the process to itself. `test/cli/process.test.ts` holds that there is no difference.
 */
export function cli(args: readonly string[], env: NodeJS.ProcessEnv = {}, cwd?: string): Promise<Answer> {
  const answer = turn.then(() => here(args, env, cwd));
  turn = answer.catch(() => undefined);
  return answer;
}

async function here(args: readonly string[], env: NodeJS.ProcessEnv, cwd?: string): Promise<Answer> {
  const { main } = await import('../../src/cli/program.ts');
  const cleanups: (() => void)[] = [];
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    const stream = process[name];
    const write = stream.write.bind(stream);
    stream.write = (chunk: string | Uint8Array, ...more: unknown[]) => {
      said[name] += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
      for (const it of more) if (typeof it === 'function') it();
      return true;
    };
    cleanups.push(() => (stream.write = write), withoutNew(stream, 'error'));
  }
  for (const signal of ['SIGINT', 'SIGTERM']) cleanups.push(withoutNew(process, signal));
  const envBefore = { ...process.env };
  Object.assign(process.env, env);
  cleanups.push(() => {
    for (const name of Object.keys(env)) delete process.env[name];
    Object.assign(process.env, envBefore);
  });
  const cwdBefore = process.cwd();
  if (cwd !== undefined) process.chdir(cwd);
  cleanups.push(() => process.chdir(cwdBefore));
  const codeBefore = process.exitCode;
  process.exitCode = undefined;
  try {
    await main([process.execPath, MAIN, ...args]);
    const code: unknown = process.exitCode ?? 0;
    return { code: Number(code), ...said };
  } finally {
    process.exitCode = codeBefore;
    for (const cleanup of cleanups) cleanup();
  }
}

/** Takes away what begins to listen meanwhile. */
function withoutNew(emitter: NodeJS.EventEmitter, event: string): () => void {
  const before = new Set(emitter.listeners(event));
  return () => {
    for (const listener of emitter.listeners(event))
      if (!before.has(listener)) emitter.off(event, listener as () => void);
  };
}
