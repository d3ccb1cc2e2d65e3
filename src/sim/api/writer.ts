import type { ResourceType } from '../resources.ts';
import { badRequest, forbidden, invalid, StatusError } from '../store/errors.ts';
import type { Obj } from '../store/object.ts';
import { jsonPatch, mergePatch, strategicMerge } from '../store/patch.ts';
import { labelMatcher } from '../store/selectors.ts';
import type { Store } from '../store/store.ts';
import { admitJob, admitPod } from './admission.ts';
import { admit, type CustomType, defaulted, refuseUnknown } from './crd.ts';
import { type DeleteOptions, type Deletion, isTerminating } from './deletion.ts';
import { evict } from './eviction.ts';
import { DEFAULTS, INITIAL } from './new-objects.ts';
import type { Target } from './request.ts';
import { readScale, writeScale } from './scale.ts';
import { validate } from './validate.ts';

export interface WriterOptions {
  store: Store;
  deletion: Deletion;
  /** Called for what clients create: its owners may be gone already. */
  created: (key: string, object: Obj) => void;
}

/** Answers POST, PUT, PATCH and DELETE. */
export class Writer {
  private readonly options: WriterOptions;
  private readonly custom: ReadonlyMap<string, CustomType>;

  constructor(options: WriterOptions, custom: ReadonlyMap<string, CustomType>) {
    this.options = options;
    this.custom = custom;
  }

  post(target: Target, body: Obj, strict: boolean) {
    const { store } = this.options;
    const { name, namespace } = target;
    if (name !== undefined && target.subresource === 'eviction') {
      return {
        code: 201,
        body: evict(store, name, namespace ?? '', body, this.options.deletion),
      };
    }
    if (name !== undefined) throw new StatusError(405, 'MethodNotAllowed', 'create takes no name');
    if (target.type.namespaced) {
      if (namespace === undefined) throw badRequest('an empty namespace may not be set during creation');
      this.checkNamespace(target, namespace, body);
    }
    const object = {
      ...body,
      metadata: { ...body.metadata, ...(target.type.namespaced && namespace ? { namespace } : {}) },
    };
    const custom = this.custom.get(target.key);
    if (strict && custom) refuseUnknown(custom, object);
    const admitted = this.admit(target, object);
    const stored = withoutStatus(target.type, admitted);
    if (target.key === 'pods') admitPod(store, stored);
    if (target.key === 'jobs.batch') admitJob(store, stored);
    const made = store.create(
      target.key,
      { ...(custom ? defaulted(custom, stored) : stored), ...INITIAL[target.key] },
      DEFAULTS[target.key],
    );
    this.options.created(target.key, made);
    return { code: 201, body: made };
  }

  private checkNamespace({ key }: Target, namespace: string, body: Obj): void {
    if (!isTerminating(this.options.store.read('namespaces', namespace))) return;
    const name = body.metadata?.name ?? '';
    throw forbidden(
      `${key} "${name}" is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`,
    );
  }

  /** A custom object is only replaced by one that says which version it replaces. */
  put(target: Target, body: Obj): Obj {
    if (target.subresource === 'scale') return this.scale(target, body);
    if (this.custom.has(target.key) && body.metadata.resourceVersion === undefined) {
      const message = 'Invalid value: 0x0: must be specified for an update';
      throw invalid(target.key, target.name ?? '', [{ field: 'metadata.resourceVersion', message }]);
    }
    return this.write(target, body);
  }

  private write(target: Target, body: Obj): Obj {
    const { store } = this.options;
    const metadata = {
      ...body.metadata,
      name: target.name ?? '',
      ...(target.namespace ? { namespace: target.namespace } : {}),
    };
    const sub = target.subresource === 'status' ? ('status' as const) : undefined;
    const before = store.read(target.key, metadata.name, metadata.namespace);
    const object = { ...body, metadata };
    return store.update(
      target.key,
      sub ? this.admitStatus(target, object) : this.admit(target, object, before),
      {
        subresource: sub,
      },
    );
  }

  private scale(target: Target, scale: Obj): Obj {
    const before = this.options.store.read(target.key, target.name ?? '', target.namespace);
    return readScale(this.write({ ...target, subresource: undefined }, writeScale(before, scale)));
  }

  patch(target: Target, contentType: string, patch: unknown): Obj {
    const before = this.options.store.read(target.key, target.name ?? '', target.namespace);
    if (target.subresource === 'scale') {
      const { resourceVersion: _version, ...own } = before.metadata;
      const scale = readScale({ ...before, metadata: own });
      return this.scale(target, this.patched(target, scale, contentType, patch));
    }
    const { resourceVersion: _, ...metadata } = before.metadata;
    const patched = this.patched(target, { ...before, metadata }, contentType, patch);
    if (patched.metadata.uid !== before.metadata.uid) {
      const message = 'Invalid value: field is immutable';
      throw invalid(target.type.kind, target.name ?? '', [{ field: 'metadata.uid', message }]);
    }
    return this.write(target, patched);
  }

  private patched(target: Target, base: Obj, contentType: string, patch: unknown): Obj {
    const media = contentType.split(';')[0]?.trim();
    if (media === 'application/json-patch+json') return jsonPatch(base, patch) as Obj;
    if (media === 'application/merge-patch+json') return mergePatch(base, patch) as Obj;
    if (media === 'application/strategic-merge-patch+json' && !this.custom.has(target.key))
      return strategicMerge(base, patch) as Obj;
    throw new StatusError(415, 'UnsupportedMediaType', `the patch type ${media} is not supported`);
  }

  private admit(target: Target, object: Obj, before?: Obj): Obj {
    validate(target.type, object, before);
    const custom = this.custom.get(target.key);
    return custom ? admit(custom, object) : object;
  }

  private admitStatus(target: Target, object: Obj): Obj {
    const custom = this.custom.get(target.key);
    return custom ? admit(custom, object) : object;
  }

  delete(url: URL, target: Target, body: object) {
    const { store, deletion } = this.options;
    const options = deleteOptions(url, body);
    if (target.name === undefined) {
      const matcher = labelMatcher(url.searchParams.get('labelSelector') ?? '');
      const { items } = store.page(
        target.key,
        matcher,
        target.namespace === undefined ? {} : { namespace: target.namespace },
      );
      for (const object of items) deletion.delete(target.key, object, options);
      return { code: 200, body: { kind: 'Status', apiVersion: 'v1', status: 'Success' } };
    }
    const object = store.read(target.key, target.name, target.namespace);
    return { code: 200, body: deletion.delete(target.key, object, options) };
  }
}

/** Options come in the body, or by an old way in the query. */
function deleteOptions(url: URL, body: object): DeleteOptions {
  const grace = url.searchParams.get('gracePeriodSeconds');
  const policy = url.searchParams.get('propagationPolicy') as DeleteOptions['propagationPolicy'] | null;
  return {
    ...body,
    ...(grace === null ? {} : { gracePeriodSeconds: Number(grace) }),
    ...(policy === null || policy === undefined ? {} : { propagationPolicy: policy }),
  };
}

function withoutStatus(type: ResourceType, object: Obj): Obj {
  if (!type.status || type.kind === 'Node') return object;
  const { status: _, ...rest } = object;
  return rest;
}
