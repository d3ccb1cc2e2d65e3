import { Worker } from 'node:worker_threads';
import type { Result, Variables } from './values.ts';
import { workerSource } from './worker-source.ts';

/** What an evaluation may take, of the time that its thread has really had. */
const OWN_TIME_MS = 100;
/** Where nobody can tell how much that was, and between two looks at it. */
const LOOK_MS = OWN_TIME_MS;
/** A thread that does not get on at all. Nobody waits longer, however busy the machine is. */
const AT_MOST_MS = 30_000;

/** The part of `Clock` (core/ports.ts) that is needed; nothing of the program is known here. */
interface Timer {
  after: (ms: number, call: () => void) => () => void;
}

/**
 * Evaluates an expression in a thread of its own, which is ended once it has had 100 ms for it; to start it does not count.
 * Never rejects: whatever keeps it from giving true or false is a problem of the expression.
 */
export async function evaluate(expression: string, variables: Variables, timer: Timer): Promise<Result> {
  let worker: Worker;
  try {
    worker = start({ expression, variables });
  } catch (error) {
    return { problem: `cannot be evaluated: ${textOf(error)}` };
  }
  try {
    return await watch(worker, timer);
  } finally {
    await worker.terminate();
  }
}

function start(workerData: { expression: string; variables: Variables }): Worker {
  return new Worker(workerSource ?? new URL('./worker.ts', import.meta.url), {
    eval: workerSource !== undefined,
    workerData,
    env: {},
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 },
  });
}

function watch(worker: Worker, timer: Timer): Promise<Result> {
  return new Promise((resolve) => {
    const timers = new Set<() => void>();
    const settle = (result: Result) => {
      for (const cancel of timers) cancel();
      resolve(result);
    };
    const later = (ms: number, call: () => void) => {
      const cancel = timer.after(ms, () => {
        timers.delete(cancel);
        call();
      });
      timers.add(cancel);
    };
    const tooLong = () => settle({ problem: `takes longer than ${OWN_TIME_MS} ms` });
    const look = async (before: number | undefined) => {
      const used = await ownTime(worker);
      if (before === undefined || used === undefined || used - before >= OWN_TIME_MS) tooLong();
      else later(LOOK_MS, () => void look(before));
    };
    worker.on('message', (message: 'ready' | Result) => {
      if (message !== 'ready') return settle(message);
      void ownTime(worker).then((before) => {
        worker.postMessage('go');
        later(LOOK_MS, () => void look(before));
      });
    });
    worker.on('error', (error) => settle({ problem: `cannot be evaluated: ${textOf(error)}` }));
    worker.on('exit', () => settle({ problem: 'cannot be evaluated: its thread ended' }));
    later(AT_MOST_MS, () => settle({ problem: 'cannot be evaluated: its thread does not get on' }));
  });
}

/** Milliseconds of processor time that the thread has had; undefined where Node.js cannot tell (before 22.20 and 24.6). */
async function ownTime(worker: Worker): Promise<number | undefined> {
  if (typeof worker.cpuUsage !== 'function') return undefined;
  try {
    const { user, system } = await worker.cpuUsage();
    return (user + system) / 1000;
  } catch {
    return undefined;
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
