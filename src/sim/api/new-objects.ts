import type { Obj } from '../store/object.ts';
import { jobDefaults } from './job-defaults.ts';

/** What is filled in of new objects, as far as clients depend on it. */
export const DEFAULTS: Record<string, (object: Obj) => Obj> = {
  'jobs.batch': jobDefaults,
  'daemonsets.apps': (set) => ({
    ...set,
    spec: {
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
      ...set.spec,
    },
  }),
  'statefulsets.apps': (set) => ({
    ...set,
    spec: { updateStrategy: { type: 'RollingUpdate' }, ...set.spec },
  }),
};

/** The status some types are born with. */
export const INITIAL: Record<string, { status: Record<string, unknown> }> = {
  namespaces: { status: { phase: 'Active' } },
  pods: { status: { phase: 'Pending' } },
  'customresourcedefinitions.apiextensions.k8s.io': {
    status: { conditions: [{ type: 'Established', status: 'True' }] },
  },
};
