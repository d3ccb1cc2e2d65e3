import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../time/clock.ts';
import { ContainerLog } from './log.ts';

/** What a container is to do. */
export interface ContainerRun {
  node: string;
  /** Folder that is the node's root. */
  hostDir: string;
  /** Where the container sees it, and whether read-only; undefined: not at all. */
  mount: { path: string; readOnly: boolean } | undefined;
  command: string[];
  env: Record<string, string>;
  /** Folder for this container's files. */
  workDir: string;
  /** Folder that the stand-in commands write to when the node is to reboot; undefined for one without rights on its host. */
  controlDir: string | undefined;
  log: ContainerLog;
}

export interface ContainerResult {
  exitCode: number;
  log: string;
  terminationMessage: string;
}

export interface RunningContainer {
  ended: Promise<ContainerResult>;
  /** SIGTERM reaches the command, which may take its time; SIGKILL ends everything. */
  kill: (signal: 'SIGTERM' | 'SIGKILL') => void;
  /** What it has said so far. */
  log: ContainerLog;
}

/**
 * Builds a container's view of the world in namespaces of its own: the machine's programs, a private
 * /tmp and /dev, and the simulated node's root at the mount path. Arguments: new root, host folder,
 * mount path, ro|rw, termination log, node name, control folder, then the command. The shell stays as init
 * and passes SIGTERM on: as process 1 a command without a handler of its own would never hear of it.
 */
const NAMESPACE_SCRIPT = `
set -e
told= child=
trap 'told=1; [ -z "$child" ] || kill -TERM "$child" 2>/dev/null' TERM
root=$1 host=$2 at=$3 mode=$4 term=$5 name=$6 control=$7; shift 7
hostname "$name" 2>/dev/null || true
mount -t tmpfs tmpfs "$root"
for dir in usr bin sbin lib lib32 lib64 etc opt; do
  if [ -L "/$dir" ]; then cp -P "/$dir" "$root/$dir"
  elif [ -d "/$dir" ]; then mkdir "$root/$dir"; mount --rbind "/$dir" "$root/$dir"; fi
done
mkdir "$root/proc" "$root/dev" "$root/tmp" "$root/run" "$root/sim"
mount -t proc proc "$root/proc" 2>/dev/null || mount --rbind /proc "$root/proc"
for device in null zero full random urandom; do
  touch "$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"
done
touch "$root/dev/termination-log"; mount --bind "$term" "$root/dev/termination-log"
mount --bind "$control" "$root/sim"
if [ -n "$at" ]; then
  mkdir -p "$root$at"; mount --bind "$host" "$root$at"
  [ "$mode" = rw ] || mount -o remount,bind,ro "$root$at"
fi
set +e
chroot "$root" "$@" & child=$!
[ -z "$told" ] || kill -TERM "$child"
wait "$child"; code=$?
while kill -0 "$child" 2>/dev/null; do wait "$child"; code=$?; done
exit "$code"
`;

/** Stand-ins for the commands that reach the host's init. */
const STAND_INS = {
  reboot: '#!/bin/sh\necho reboot > "$SIM_CONTROL/reboot"\n',
  nsenter: '#!/bin/sh\nwhile [ $# -gt 0 ]; do a=$1; shift; [ "$a" = -- ] && break; done\nexec "$@"\n',
  chroot: '#!/bin/sh\ncase "$*" in *reboot*) exec reboot ;; esac\nexec /usr/sbin/chroot "$@"\n',
};

/** For whoever has no rights on its host: never the machine's own commands. */
const DENIED = '#!/bin/sh\necho "$0: operation not permitted" >&2\nexit 1\n';
const DENIALS = { reboot: DENIED, shutdown: DENIED, poweroff: DENIED, halt: DENIED, nsenter: DENIED };

export function prepareControl(controlDir: string, commands: Record<string, string> = STAND_INS): void {
  const bin = join(controlDir, 'bin');
  mkdirSync(bin, { recursive: true });
  for (const [name, text] of Object.entries(commands)) {
    writeFileSync(join(bin, name), text);
    chmodSync(join(bin, name), 0o755);
  }
}

const UNSHARE = ['--user', '--map-root-user', '--mount', '--pid', '--uts', '--fork', '--kill-child'];

/** Whether containers can have namespaces of their own here; found out by running one. */
export function namespacesWork(dir: string): boolean {
  if (process.platform !== 'linux') return false;
  const controlDir = join(dir, 'probe', 'control');
  const run: ContainerRun = {
    node: 'probe',
    hostDir: dir,
    mount: { path: '/host', readOnly: true },
    command: ['sh', '-c', 'test -d /host'],
    env: {},
    workDir: join(dir, 'probe'),
    controlDir,
    log: new ContainerLog(systemClock),
  };
  prepareControl(controlDir);
  const { command, args, env } = inNamespaces(prepare(run));
  return spawnSync(command, args, { env, timeout: 10_000, stdio: 'ignore' }).status === 0;
}

interface Prepared extends ContainerRun {
  controlDir: string;
  terminationLog: string;
  root: string;
}

/** Without capabilities, and without a way to any. */
const WITHOUT_RIGHTS = ['setpriv', '--no-new-privs', '--bounding-set=-all'];

function prepare(run: ContainerRun): Prepared {
  const root = join(run.workDir, 'root');
  mkdirSync(root, { recursive: true });
  const terminationLog = join(run.workDir, 'termination-log');
  writeFileSync(terminationLog, '');
  if (run.controlDir !== undefined) return { ...run, controlDir: run.controlDir, root, terminationLog };
  const controlDir = join(run.workDir, 'control');
  prepareControl(controlDir, DENIALS);
  return { ...run, controlDir, command: [...WITHOUT_RIGHTS, ...run.command], root, terminationLog };
}

function inNamespaces(run: Prepared): { command: string; args: string[]; env: NodeJS.ProcessEnv } {
  const mode = run.mount?.readOnly === true ? 'ro' : 'rw';
  const script = [
    run.root,
    run.hostDir,
    run.mount?.path ?? '',
    mode,
    run.terminationLog,
    run.node,
    run.controlDir,
  ];
  return {
    command: 'unshare',
    args: [...UNSHARE, 'sh', '-c', NAMESPACE_SCRIPT, 'container', ...script, ...run.command],
    env: { PATH: `/sim/bin:${process.env['PATH'] ?? ''}`, HOME: '/tmp', SIM_CONTROL: '/sim', ...run.env },
  };
}

/** Without namespaces: a plain process that finds the node's root by HOST_DIR. */
function asProcess(run: Prepared): { command: string; args: string[]; env: NodeJS.ProcessEnv } {
  const [command = 'true', ...args] = run.command.map((word) =>
    word.replaceAll('/dev/termination-log', run.terminationLog),
  );
  const path = `${join(run.controlDir, 'bin')}:${process.env['PATH'] ?? ''}`;
  return {
    command,
    args,
    env: {
      PATH: path,
      SIM_CONTROL: run.controlDir,
      ...run.env,
      ...(run.mount && { HOST_DIR: run.hostDir }),
    },
  };
}

export function runContainer(run: ContainerRun, namespaces: boolean): RunningContainer {
  const prepared = prepare(run);
  const { command, args, env } = namespaces ? inNamespaces(prepared) : asProcess(prepared);
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const { log } = run;
  const collect = (chunk: Buffer) => log.append(chunk.toString());
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  // What a command leaves behind ends with it, as in a container.
  child.on('exit', () => send(-(child.pid ?? 0), 'SIGKILL'));
  const ended = new Promise<ContainerResult>((resolve) => {
    child.on('error', (error) => resolve({ exitCode: 127, log: error.message, terminationMessage: '' }));
    child.on('close', (code, signal) => {
      const exitCode = code ?? (signal === 'SIGTERM' ? 143 : 137);
      resolve({
        exitCode,
        log: log.text(),
        terminationMessage: readFileSync(prepared.terminationLog, 'utf8').slice(0, 4096),
      });
    });
  });
  const kill = (signal: 'SIGTERM' | 'SIGKILL') => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    if (signal === 'SIGKILL') send(-child.pid, signal);
    else send(namespaces ? initOf(child) : child.pid, signal);
  };
  return { ended, kill, log };
}

/** The process that `unshare` started, which is the init of the container; `unshare` itself passes nothing on. */
function initOf({ pid = 0 }: ChildProcess): number {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    return Number(children[0]) || pid;
  } catch {
    return pid;
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  if (pid === 0) return;
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}
