import { at, isRecord, type Obj } from '../store/object.ts';

/** What batch/v1 fills in of a new Job: the selector and labels by which its pods are found, and how they are replaced. */
export function jobDefaults(job: Obj): Obj {
  const { name = '', uid = '' } = job.metadata;
  const labels = {
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uid,
    'job-name': name,
  };
  const template = at(job, 'spec.template');
  const own = at(template, 'metadata');
  const known = at(own, 'labels');
  const metadata = {
    ...(isRecord(own) ? own : {}),
    labels: { ...(isRecord(known) ? known : {}), ...labels },
  };
  return {
    ...job,
    spec: {
      backoffLimit: 6,
      completions: 1,
      parallelism: 1,
      podReplacementPolicy: job.spec?.['podFailurePolicy'] === undefined ? 'TerminatingOrFailed' : 'Failed',
      ...job.spec,
      selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } },
      template: { ...(isRecord(template) ? template : {}), metadata },
    },
  };
}
