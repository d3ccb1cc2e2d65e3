import { type Draft, type Fields, fieldsOf } from './imported.ts';

/** A NodeOp taken out of a cluster or a repository: what was done with it stays behind. */
export function ofNodeOp({ metadata, spec }: Fields): Draft {
  const hasImage = typeof fieldsOf(spec)['image'] === 'string' && fieldsOf(spec)['image'] !== '';
  return { metadata: fieldsOf(metadata), spec: fieldsOf(spec), notes: hasImage ? [] : [NO_IMAGE] };
}

const NO_IMAGE =
  'spec.image: none is named: write one, or have defaults.image in the configuration of the agent (validate --config FILE reads it)';

/** Fields of a NodeOpUpgrade that are those of the NodeOp it becomes. */
const SAME = [
  'nodeSelector',
  'image',
  'imagePullSecrets',
  'concurrency',
  'stopOnFailure',
  'uncordonOnFailure',
  'resources',
  'preflightResources',
  'rebootResources',
];
const OWN = ['upgradeActive', 'upgradeRecovery', 'force', 'debug', 'excludePaths'];

/**
 * A NodeOpUpgrade, as the NodeOp that the Kairos operator (0.1.3) makes of it: cordon, drain, `kairos-agent upgrade` from the
 * image's own root, a reboot when the active system is upgraded, and nothing on nodes that are there already.
 */
export function ofNodeOpUpgrade({ metadata, spec: written }: Fields): Draft {
  const spec = fieldsOf(written);
  const { upgradeActive, upgradeRecovery, force, debug, excludePaths } = spec;
  const isRecovery = upgradeRecovery === true;
  const isActive = upgradeActive !== false || !isRecovery;
  const excluded = Array.isArray(excludePaths) ? excludePaths.map(String) : [];
  const upgrade = (where: string) =>
    `kairos-agent${debug === true ? ' --debug' : ''} upgrade${where} --source dir:/${excluded.map((it) => ` --exclude-path ${quoted(it)}`).join('')}`;
  const lines = [
    'set -e',
    'mount --rbind "$HOST_DIR/dev" /dev',
    'mount --rbind "$HOST_DIR/run" /run',
    ...(isRecovery ? [upgrade(' --recovery')] : []),
    ...(isActive ? [upgrade('')] : []),
  ];
  const others = Object.entries(spec).filter(([field]) => !SAME.includes(field) && !OWN.includes(field));
  return {
    metadata: fieldsOf(metadata),
    spec: {
      ...Object.fromEntries(SAME.map((field) => [field, spec[field]])),
      ...Object.fromEntries(others),
      command: ['/bin/sh', '-c', `${lines.join('\n')}\n`],
      cordon: true,
      drainOptions: { enabled: true },
      rebootOnSuccess: upgradeActive !== false,
      // The version of the active system says nothing of the recovery system.
      ...(force !== true && !isRecovery && { preflight: { command: ['/bin/sh', '-c', SKIP_WHEN_THERE] } }),
    },
    notes: [
      'the script is this project’s own wording of what the Kairos operator runs: try it on one node first',
      'the result is no NodeOpUpgrade: its own status, and whoever watches it, are left behind',
    ],
  };
}

const SKIP_WHEN_THERE = `version() {
  for file in "$1/etc/kairos-release" "$1/etc/os-release"; do
    [ -f "$file" ] && sed -n 's/^\\(KAIROS_VERSION\\|KAIROS_SOFTWARE_VERSION\\)="\\{0,1\\}\\([^"]*\\)"\\{0,1\\}$/\\1=\\2/p' "$file" | sort
  done
}
have=$(version "$HOST_DIR") want=$(version "")
if [ -n "$have" ] && [ "$have" = "$want" ]; then echo "already at this version" > /dev/termination-log; fi
`;

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
