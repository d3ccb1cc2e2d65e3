import { at, type Obj } from '../store/object.ts';

/** The subresource by which `kubectl scale` sees and sets how many there are: autoscaling/v1 Scale. */
export function readScale(object: Obj): Obj {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  return {
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp } as Obj['metadata'],
    spec: { replicas: Number(at(object, 'spec.replicas') ?? 1) },
    status: { replicas: Number(at(object, 'status.replicas') ?? 0) },
  };
}

export function writeScale(object: Obj, scale: Obj): Obj {
  const { resourceVersion: _, ...metadata } = object.metadata;
  const wanted = scale.metadata.resourceVersion;
  return {
    ...object,
    metadata: { ...metadata, ...(wanted === undefined ? {} : { resourceVersion: wanted }) },
    spec: { ...object.spec, replicas: Number(at(scale, 'spec.replicas') ?? 0) },
  };
}
