import { execFile, spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';

export const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;

/** What kubectl prints, on both streams, and its exit status; it remembers nothing between two calls. */
export function kubectl(
  kubeconfig: string,
  args: readonly string[],
  input = '',
): Promise<{ code: number; output: string }> {
  const env = { PATH: process.env['PATH'], HOME: tmpdir(), KUBECONFIG: kubeconfig };
  return new Promise((resolve) => {
    const options = { env, timeout: 60_000, maxBuffer: 64 * 1024 * 1024 };
    const child = execFile('kubectl', [...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 255;
      resolve({ code, output: stdout + stderr });
    });
    child.stdin?.on('error', () => {}).end(input);
  });
}
