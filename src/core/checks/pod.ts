import { CONTAINER, LABEL_CHECK } from '../../api/labels.ts';
import type { Pod, PodSpec } from '../../api/kubernetes.ts';
import type { NodeOpSpec } from '../../api/nodeop.ts';
import { GRACE_SECONDS, type Owner, ownMetadata, pullSecrets, SMALL } from '../rollout/manifests.ts';
import { checkName } from '../rollout/names.ts';
import { type Try, tryKey } from './try.ts';

/** Nobody: images that name no user run as root, which Pod Security `restricted` refuses. */
const USER = 65_532;

/** Of many clusters these are all the nodes there are. That of a cordon is not among them. */
const TAINTS = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];

/**
 * The pod of one try of a check by command: without rights on the host or in the cluster, so that it passes Pod Security
 * `restricted`. The scheduler finds it a node that is Ready and not cordoned.
 */
export function checkPod(owner: Owner, spec: NodeOpSpec, current: Try): Pod {
  const check = spec.steps?.[current.step]?.checks?.[current.check];
  const { image, command = [] } = check?.command ?? {};
  const meta = ownMetadata(owner, checkName(owner, tryKey(current)));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...meta, labels: { ...meta.labels, [LABEL_CHECK]: tryKey(current) } },
    spec: podSpec(spec, {
      image: image === undefined || image === '' ? (spec.image ?? '') : image,
      command,
      seconds: check?.timeoutSeconds ?? 1,
    }),
  };
}

function podSpec(spec: NodeOpSpec, run: { image: string; command: string[]; seconds: number }): PodSpec {
  const secrets = pullSecrets(spec);
  return {
    restartPolicy: 'Never',
    activeDeadlineSeconds: run.seconds,
    terminationGracePeriodSeconds: GRACE_SECONDS,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER,
      runAsGroup: USER,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [
      {
        name: CONTAINER,
        image: run.image,
        command: run.command,
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        terminationMessagePolicy: 'FallbackToLogsOnError',
        resources: SMALL,
      },
    ],
    tolerations: TAINTS.map((key) => ({ key, operator: 'Exists', effect: 'NoSchedule' })),
    ...(secrets.length > 0 && { imagePullSecrets: secrets }),
  };
}
