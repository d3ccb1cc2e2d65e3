import {
  ANNOTATION_NODE,
  ANNOTATION_NODE_UID,
  CONTAINER,
  LABEL_NODE,
  LABEL_NODEOP,
  LABEL_NODEOP_UID,
  LABEL_POSTFLIGHT,
  LABEL_PREFLIGHT,
  LABEL_REBOOT,
} from '../../api/labels.ts';
import type {
  Container,
  Job,
  KubeObject,
  ObjectMeta,
  OwnerReference,
  Pod,
  PodFailurePolicy,
  PodSpec,
} from '../../api/kubernetes.ts';
import { NODEOP_API_VERSION, NODEOP_KIND, type NodeOpSpec } from '../../api/nodeop.ts';
import type { ResourceRequirements } from '../../api/pod-fields.ts';
import { jobName, labelValue, postflightName, preflightName, rebootName } from './names.ts';

/** The NodeOp an object is made for. */
export interface Owner {
  namespace: string;
  name: string;
  uid: string;
}

/** The Job that runs the command on one node, privileged and with the host's root mounted. */
export function mainJob(owner: Owner, spec: NodeOpSpec, node: string): Job {
  const meta = metadata(owner, jobName(owner, node), node);
  const { image, command, resources } = spec;
  const run = { image, command, resources, readOnlyHost: false };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: meta,
    spec: {
      backoffLimit: spec.backoffLimit,
      ...(spec.activeDeadlineSeconds === undefined
        ? {}
        : { activeDeadlineSeconds: spec.activeDeadlineSeconds }),
      podReplacementPolicy: 'Failed',
      ...(spec.retryAfterDisruption ? {} : { podFailurePolicy: LOST }),
      template: {
        metadata: { labels: meta.labels ?? {}, annotations: meta.annotations ?? {} },
        spec: podSpec(spec, node, run, 'Never'),
      },
    },
  };
}

/**
 * A command whose pod was disrupted, or whose container was killed or lost, may have done its work in part: it is not run
 * again. A container that was lost with its node ends with 137 or 255, one told to stop with 143. Servers before
 * Kubernetes 1.26 drop this without a word, those before 1.29 `podReplacementPolicy`.
 */
const LOST: PodFailurePolicy = {
  rules: [
    { action: 'FailJob', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
    { action: 'FailJob', onExitCodes: { containerName: CONTAINER, operator: 'In', values: [137, 143, 255] } },
  ],
};

/** The check before anything is touched: the host's root is mounted read-only. */
export function preflightPod(owner: Owner, spec: NodeOpSpec, node: string): Pod {
  const meta = metadata(owner, preflightName(owner, node), node, LABEL_PREFLIGHT);
  return checkPod(meta, spec, node, spec.preflight);
}

/** The check after the command and the reboot: it too only looks at the host. */
export function postflightPod(owner: Owner, spec: NodeOpSpec, node: string): Pod {
  const meta = metadata(owner, postflightName(owner, node), node, LABEL_POSTFLIGHT);
  return checkPod(meta, spec, node, spec.postflight);
}

/** One that fails is tried again inside its deadline. */
function checkPod(meta: ObjectMeta, spec: NodeOpSpec, node: string, check: NodeOpSpec['preflight']): Pod {
  const { image, command = [], activeDeadlineSeconds = 120 } = check ?? {};
  const run = {
    image: image === undefined || image === '' ? spec.image : image,
    command,
    resources: spec.preflightResources ?? SMALL,
    readOnlyHost: true,
  };
  const pod = podSpec(spec, node, run, 'OnFailure');
  return { apiVersion: 'v1', kind: 'Pod', metadata: meta, spec: { ...pod, activeDeadlineSeconds } };
}

/**
 * Asks the host's init to reboot, once: a host that is no longer in the boot it was recorded in has
 * rebooted already, so a pod that is started late or twice does nothing. The boot ID is read through
 * the host's root, since /proc of a container need not be the host's.
 */
const REBOOT = `
now=$(cat "$HOST_DIR/proc/sys/kernel/random/boot_id" 2>/dev/null)
if [ -n "$now" ] && [ "$now" != "$BOOT_ID" ]; then echo "rebooted already"; exit 0; fi
sync
nsenter -t 1 -m -u -i -n -p -- reboot || chroot "$HOST_DIR" /sbin/reboot
`.trim();

export function rebootPod(owner: Owner, spec: NodeOpSpec, node: string, bootID: string): Pod {
  const run = {
    image: spec.image,
    command: ['sh', '-c', REBOOT],
    resources: spec.rebootResources ?? SMALL,
    readOnlyHost: false,
  };
  const base = podSpec({ ...spec, env: [{ name: 'BOOT_ID', value: bootID }] }, node, run, 'Never');
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: metadata(owner, rebootName(owner, node), node, LABEL_REBOOT),
    spec: { ...base, hostPID: true },
  };
}

function metadata(owner: Owner, name: string, node: string, marker?: string): ObjectMeta {
  const { labels, ...own } = ownMetadata(owner, name);
  return {
    ...own,
    labels: {
      ...labels,
      [LABEL_NODE]: labelValue(node),
      ...(marker === undefined ? {} : { [marker]: 'true' }),
    },
    annotations: { [ANNOTATION_NODE]: node },
  };
}

/** Says of which node it is, and of no other one of its name. */
export function withNodeUID<T extends KubeObject>(object: T, uid: string): T {
  const annotations = { ...object.metadata.annotations, [ANNOTATION_NODE_UID]: uid };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

/** Of whatever is made for a NodeOp. */
export function ownMetadata(owner: Owner, name: string): ObjectMeta {
  const reference: OwnerReference = {
    apiVersion: NODEOP_API_VERSION,
    kind: NODEOP_KIND,
    name: owner.name,
    uid: owner.uid,
    controller: true,
  };
  return {
    name,
    namespace: owner.namespace,
    labels: {
      [LABEL_NODEOP]: labelValue(owner.name),
      [LABEL_NODEOP_UID]: owner.uid,
    },
    ownerReferences: [reference],
  };
}

interface Run {
  /** Known of every spec that is carried out. */
  image: string | undefined;
  command: string[];
  resources: ResourceRequirements | undefined;
  readOnlyHost: boolean;
}

/** What the reference gives a helper pod that says nothing of its own. */
export const SMALL: ResourceRequirements = {
  requests: { cpu: '200m', memory: '128Mi' },
  limits: { cpu: '200m', memory: '128Mi' },
};

/** A command told to stop has this long; deleting a NodeOp must not wait for Kubernetes' 30 s. */
export const GRACE_SECONDS = 10;

/** One without a name is allowed, and names nothing. */
export function pullSecrets({ imagePullSecrets = [] }: NodeOpSpec): { name: string }[] {
  return imagePullSecrets.flatMap(({ name = '' }) => (name === '' ? [] : [{ name }]));
}

function podSpec(spec: NodeOpSpec, node: string, run: Run, restartPolicy: 'Never' | 'OnFailure'): PodSpec {
  const container: Container = {
    name: CONTAINER,
    image: run.image ?? '',
    command: run.command,
    env: [{ name: 'HOST_DIR', value: spec.hostMountPath }, ...(spec.env ?? [])] as NonNullable<
      Container['env']
    >,
    securityContext: { privileged: true },
    volumeMounts: [{ name: 'host', mountPath: spec.hostMountPath, readOnly: run.readOnlyHost }],
    // A check's silence is a verdict, so only failures may borrow the log: the kubelet does just that.
    terminationMessagePolicy: 'FallbackToLogsOnError',
    ...(run.resources && { resources: run.resources }),
  };
  const secrets = pullSecrets(spec);
  return {
    nodeName: node,
    restartPolicy,
    terminationGracePeriodSeconds: GRACE_SECONDS,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    containers: [container],
    volumes: [{ name: 'host', hostPath: { path: '/' } }],
    tolerations: (spec.tolerations ?? [{ operator: 'Exists' }]) as NonNullable<PodSpec['tolerations']>,
    ...(secrets.length > 0 && { imagePullSecrets: secrets }),
  };
}
