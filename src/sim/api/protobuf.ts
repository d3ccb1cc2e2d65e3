import { badRequest, StatusError } from '../store/errors.ts';
import { isRecord, type Obj, textOf } from '../store/object.ts';

/**
 * What typed clients such as `kubectl create` send: Kubernetes' protobuf, which has no way to ask for
 * JSON instead. The kinds people create that way, with the fields of k8s.io/api's `generated.proto`;
 * what is not listed is refused rather than lost.
 */
export const PROTOBUF = 'application/vnd.kubernetes.protobuf';

type Type = 'string' | 'number' | 'boolean' | 'base64' | 'ignored' | Message | { map: Type } | { list: Type };
interface Message {
  fields: Record<number, [name: string, type: Type]>;
}
const message = (fields: Message['fields']): Message => ({ fields });
const map = (of: Type): Type => ({ map: of });
const list = (of: Type): Type => ({ list: of });

const OBJECT_META = message({
  1: ['name', 'string'],
  2: ['generateName', 'string'],
  3: ['namespace', 'string'],
  5: ['uid', 'string'],
  6: ['resourceVersion', 'string'],
  7: ['generation', 'ignored'],
  8: ['creationTimestamp', 'ignored'],
  11: ['labels', map('string')],
  12: ['annotations', map('string')],
  14: ['finalizers', list('string')],
});
const DELETE_OPTIONS = message({
  1: ['gracePeriodSeconds', 'number'],
  2: ['preconditions', message({ 1: ['uid', 'string'], 2: ['resourceVersion', 'string'] })],
  3: ['orphanDependents', 'boolean'],
  4: ['propagationPolicy', 'string'],
  5: ['dryRun', list('string')],
});
const CONTAINER = message({
  1: ['name', 'string'],
  2: ['image', 'string'],
  3: ['command', list('string')],
  4: ['args', list('string')],
  5: ['workingDir', 'string'],
  7: ['env', list(message({ 1: ['name', 'string'], 2: ['value', 'string'] }))],
  13: ['terminationMessagePath', 'string'],
  14: ['imagePullPolicy', 'string'],
});
const TEMPLATE = message({
  1: ['metadata', OBJECT_META],
  2: [
    'spec',
    message({
      2: ['containers', list(CONTAINER)],
      3: ['restartPolicy', 'string'],
      10: ['nodeName', 'string'],
    }),
  ],
});
const SELECTOR = message({ 1: ['matchLabels', map('string')] });
const RESOURCE = message({
  1: ['namespace', 'string'],
  2: ['verb', 'string'],
  3: ['group', 'string'],
  4: ['version', 'string'],
  5: ['resource', 'string'],
  6: ['subresource', 'string'],
  7: ['name', 'string'],
});

const kind = (fields: Message['fields'] = {}) =>
  message({ 1: ['metadata', OBJECT_META], 3: ['status', 'ignored'], ...fields });

const KINDS: Record<string, Message> = {
  'v1 Namespace': kind({ 2: ['spec', 'ignored'] }),
  'v1 Secret': kind({
    2: ['data', map('base64')],
    3: ['type', 'string'],
    4: ['stringData', map('string')],
    5: ['immutable', 'boolean'],
  }),
  'v1 ConfigMap': kind({
    2: ['data', map('string')],
    3: ['binaryData', map('base64')],
    4: ['immutable', 'boolean'],
  }),
  'v1 ServiceAccount': kind(),
  'batch/v1 Job': kind({
    2: [
      'spec',
      message({
        1: ['parallelism', 'number'],
        2: ['completions', 'number'],
        3: ['activeDeadlineSeconds', 'number'],
        6: ['template', TEMPLATE],
        7: ['backoffLimit', 'number'],
        8: ['ttlSecondsAfterFinished', 'number'],
      }),
    ],
  }),
  'apps/v1 Deployment': kind({
    2: [
      'spec',
      message({
        1: ['replicas', 'number'],
        2: ['selector', SELECTOR],
        3: ['template', TEMPLATE],
        4: ['strategy', 'ignored'],
      }),
    ],
  }),
  'policy/v1 Eviction': message({ 1: ['metadata', OBJECT_META], 2: ['deleteOptions', DELETE_OPTIONS] }),
  'authorization.k8s.io/v1 SelfSubjectAccessReview': kind({
    2: [
      'spec',
      message({
        1: ['resourceAttributes', RESOURCE],
        2: ['nonResourceAttributes', message({ 1: ['path', 'string'], 2: ['verb', 'string'] })],
      }),
    ],
  }),
  'authorization.k8s.io/v1 SelfSubjectRulesReview': kind({
    2: ['spec', message({ 1: ['namespace', 'string'] })],
  }),
  'authentication.k8s.io/v1 SelfSubjectReview': kind({ 2: ['status', 'ignored'] }),
};

const ENVELOPE = message({
  1: ['type', message({ 1: ['apiVersion', 'string'], 2: ['kind', 'string'] })],
  2: ['raw', 'base64'],
});
const MAGIC = Buffer.from([0x6b, 0x38, 0x73, 0x00]);

/** The object in a request's body. Options of a deletion have a kind of whatever group is asked. */
export function fromProtobuf(body: Buffer): Obj {
  if (!body.subarray(0, 4).equals(MAGIC)) throw badRequest('the body is not protobuf');
  try {
    const { type, raw } = read(body.subarray(4), ENVELOPE);
    const { apiVersion = '', kind: name = '' } = (isRecord(type) ? type : {}) as Record<string, string>;
    const found = name === 'DeleteOptions' ? DELETE_OPTIONS : KINDS[`${apiVersion} ${name}`];
    if (found === undefined) throw unsupported(`${apiVersion} ${name}`);
    const object = read(Buffer.from((raw as string | undefined) ?? '', 'base64'), found);
    return { metadata: {}, ...object, apiVersion, kind: name };
  } catch (error) {
    if (error instanceof StatusError) throw error;
    throw badRequest('the body is not protobuf');
  }
}

function unsupported(what: string): StatusError {
  const text = `the embedded cluster does not read ${what} as protobuf; send it as JSON (kubectl apply does)`;
  return new StatusError(415, 'UnsupportedMediaType', text);
}

type Wire = { field: number; value: number | Buffer };

/** The fields of a message as they are on the wire, https://protobuf.dev/programming-guides/encoding/. */
function* wire(bytes: Buffer): Generator<Wire> {
  let at = 0;
  const varint = () => {
    for (let value = 0, scale = 1; ; scale *= 128) {
      const byte = bytes.readUInt8(at);
      at += 1;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    if (tag % 8 === 0) yield { field, value: varint() };
    else if (tag % 8 === 2) {
      const length = varint();
      if (at + length > bytes.length) throw new RangeError('cut off');
      yield { field, value: bytes.subarray(at, at + length) };
      at += length;
    } else throw new RangeError(`wire type ${tag % 8}`);
  }
}

/** Fields that are no pointers in Go are always sent: empty ones stand for absent ones. */
function read(bytes: Buffer, { fields }: Message): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const { field, value } of wire(bytes)) {
    const empty = typeof value === 'number' ? value === 0 : value.length === 0;
    const [name, type] = fields[field] ?? [];
    if (name === undefined || type === undefined) {
      if (empty) continue;
      throw unsupported(
        `field ${field} beside ${Object.values(fields)
          .map(([known]) => known)
          .join(', ')}`,
      );
    }
    if (type === 'ignored' || (type === 'string' && empty)) continue;
    if (typeof type === 'object' && 'list' in type) {
      object[name] = [...((object[name] as unknown[] | undefined) ?? []), readOne(value, type.list)];
    } else if (typeof type === 'object' && 'map' in type) {
      const entry = read(value as Buffer, message({ 1: ['key', 'string'], 2: ['value', type.map] }));
      object[name] = {
        ...(object[name] as object | undefined),
        [textOf(entry['key'])]: entry['value'] ?? '',
      };
    } else object[name] = readOne(value, type);
  }
  return object;
}

function readOne(value: number | Buffer, type: Type): unknown {
  if (typeof type === 'object' && 'fields' in type) return read(value as Buffer, type);
  if (typeof value === 'number') return type === 'boolean' ? value !== 0 : value;
  return value.toString(type === 'base64' ? 'base64' : 'utf8');
}
