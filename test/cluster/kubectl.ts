import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** Runs kubectl on the cluster of KUBECONFIG; what it printed. Throws with what it complained about. */
export function kubectl(args: string[], input?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile('kubectl', args, { maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`kubectl ${args.join(' ')}: ${stderr.trim()}`));
      else resolve(stdout);
    });
    child.stdin?.end(input ?? '');
  });
}

/** Applies objects as they are; the server checks them, whatever schemas its version publishes. */
export async function apply(...items: object[]): Promise<void> {
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  await kubectl(['apply', '--validate=false', '-f', '-'], list);
}

export async function get<T>(...args: string[]): Promise<T> {
  return JSON.parse(await kubectl(['get', ...args, '-o', 'json'])) as T;
}

/** The value once it is as wanted; errors in between are those of a cluster in motion. */
export async function until<T>(
  what: string,
  look: () => Promise<T>,
  wanted: (value: T) => boolean,
  seconds = 180,
): Promise<T> {
  let last = 'nothing';
  for (const end = Date.now() + seconds * 1000; Date.now() < end;) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- that is what waiting is
      const value = await look();
      if (wanted(value)) return value;
      last = typeof value === 'string' ? value : JSON.stringify(value);
    } catch (error) {
      last = String(error);
    }
    // oxlint-disable-next-line no-await-in-loop
    await sleep(300);
  }
  throw new Error(`gave up waiting for ${what}; last seen: ${last.slice(-4000)}`);
}
