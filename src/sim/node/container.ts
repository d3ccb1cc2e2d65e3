import type { Clock } from '../../core/ports.ts';
import { at, isRecord, type Obj, textOf } from '../store/object.ts';
import type { Store } from '../store/store.ts';
import { expand } from './expansion.ts';
import type { Outcome } from './kubelet.ts';
import { ContainerLog } from './log.ts';
import type { ContainerResult, RunningContainer } from './runtime.ts';

export type ContainerSpec = Record<string, unknown>;

export function containersOf(pod: Obj): ContainerSpec[] {
  const list = pod.spec?.['containers'];
  return Array.isArray(list) ? list.filter(isRecord) : [];
}

/** Why a container can't start, as the kubelet words it in `state.waiting`. */
export interface Hindrance {
  reason: string;
  message: string;
}

/** Repository names are lower case; whatever follows may be a tag or a digest. */
const IMAGE = /^([\w.-]+(:\d+)?\/)?[a-z0-9]+([._/-]+[a-z0-9]+)*(:[\w][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$/;

/** `first`: whether it was not tried before. */
export function hindranceOf(
  pod: Obj,
  container: ContainerSpec,
  { store, pullable, first }: { store: Store; pullable: (image: string) => boolean; first: boolean },
): Hindrance | undefined {
  const image = textOf(container['image']);
  if (image !== '' && !IMAGE.test(image)) {
    const message = `Failed to apply default image tag "${image}": couldn't parse image name "${image}": invalid reference format`;
    return { reason: 'InvalidImageName', message };
  }
  if (!pullable(image)) {
    if (!first) return { reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}"` };
    const message = `failed to pull and unpack image "${image}": failed to resolve reference: no such host`;
    return { reason: 'ErrImagePull', message };
  }
  const missing = missingReference(pod, container, store);
  return missing === undefined ? undefined : { reason: 'CreateContainerConfigError', message: missing };
}

/** A registry below `.invalid` is never there (RFC 2606), here as on any other cluster. */
export function isPullable(image: string): boolean {
  return !/^[^/]*\.invalid(:\d+)?\//.test(image);
}

const SOURCES = [
  ['valueFrom.secretKeyRef', 'secrets', 'secret'],
  ['valueFrom.configMapKeyRef', 'configmaps', 'configmap'],
] as const;

/** A variable's value that must come from an object that is not there, or has no such key. */
function missingReference(pod: Obj, container: ContainerSpec, store: Store): string | undefined {
  for (const entry of variables(container)) {
    for (const [path, key, kind] of SOURCES) {
      const reference = at(entry, path);
      if (!isRecord(reference) || reference['optional'] === true) continue;
      const [name, field] = [textOf(reference['name']), textOf(reference['key'])];
      const object = store.get(key, name, pod.metadata.namespace);
      if (object === undefined) return `${kind} "${name}" not found`;
      if (valueOf(object, field) === undefined)
        return `couldn't find key ${field} in ${kind} ${pod.metadata.namespace}/${name}`;
    }
  }
  return undefined;
}

function valueOf(object: Obj, key: string): string | undefined {
  const data = at(object, 'data');
  const strings = at(object, 'stringData');
  const plain = isRecord(strings) ? strings[key] : undefined;
  if (plain !== undefined) return textOf(plain);
  const value = isRecord(data) ? data[key] : undefined;
  if (value === undefined) return undefined;
  return object.kind === 'Secret' ? Buffer.from(textOf(value), 'base64').toString() : textOf(value);
}

function variables(container: ContainerSpec): Record<string, unknown>[] {
  return Array.isArray(container['env']) ? container['env'].filter(isRecord) : [];
}

/** Command and arguments, with the variables in them replaced. */
export function commandOf(container: ContainerSpec, env: Readonly<Record<string, string>>): string[] {
  const words = [container['command'], container['args']].flatMap((it) => (Array.isArray(it) ? it : []));
  return words.map((word) => expand(textOf(word), env));
}

/** A variable may refer to those before it. */
export function environment(pod: Obj, container: ContainerSpec, store: Store): Record<string, string> {
  const env: Record<string, string> = {};
  for (const entry of variables(container)) {
    const value = variable(pod, entry, store, env);
    if (value !== undefined) env[String(entry['name'])] = value;
  }
  return env;
}

function variable(
  pod: Obj,
  entry: Record<string, unknown>,
  store: Store,
  before: Readonly<Record<string, string>>,
): string | undefined {
  const field = at(entry, 'valueFrom.fieldRef.fieldPath');
  if (typeof field === 'string') return textOf(at(pod, field));
  for (const [path, key] of SOURCES) {
    const reference = at(entry, path);
    if (!isRecord(reference)) continue;
    const object = store.get(key, textOf(reference['name']), pod.metadata.namespace);
    return object && valueOf(object, textOf(reference['key']));
  }
  return expand(textOf(entry['value']), before);
}

/** The termination message, or by FallbackToLogsOnError the end of a failed container's log. */
export function messageOf(container: ContainerSpec, result: ContainerResult): { message?: string } {
  if (result.terminationMessage !== '') return { message: result.terminationMessage };
  const falls = container['terminationMessagePolicy'] === 'FallbackToLogsOnError';
  if (!falls || result.exitCode === 0 || result.log === '') return {};
  return { message: result.log.split('\n').slice(-80).join('\n').slice(-2048) };
}

export function scripted(outcome: Outcome, clock: Clock): RunningContainer {
  const { promise, resolve } = Promise.withResolvers<ContainerResult>();
  const log = new ContainerLog(clock);
  log.append(outcome.log ?? '');
  const end = (exitCode: number) =>
    resolve({ exitCode, log: outcome.log ?? '', terminationMessage: outcome.terminationMessage ?? '' });
  const cancel =
    outcome.hang === true
      ? undefined
      : clock.after(outcome.durationMs ?? 0, () => end(outcome.exitCode ?? 0));
  return {
    ended: promise,
    log,
    kill: (signal) => {
      if (signal === 'SIGTERM' && outcome.deaf === true) return;
      cancel?.();
      end(signal === 'SIGTERM' ? 143 : 137);
    },
  };
}
