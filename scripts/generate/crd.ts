import { ANNOTATION_RUN } from '../../src/api/labels.ts';
import { NODEOP_GROUP, NODEOP_KIND, NODEOP_VERSION } from '../../src/api/nodeop.ts';
import { toStructural, type JsonSchema } from './structural.ts';

/** A condition's field, as kubectl's JSONPath says it. */
const ready = (field: string) => `.status.conditions[?(@.type=="Ready")].${field}`;

/** What `kubectl get` shows; those with a priority only with `-o wide`. */
const COLUMNS = [
  { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
  { name: 'Done', type: 'string', description: 'Finished nodes of all', jsonPath: '.status.summary.done' },
  { name: 'Failed', type: 'integer', jsonPath: '.status.summary.failed' },
  { name: 'Reason', type: 'string', jsonPath: ready('reason') },
  {
    name: 'Run',
    type: 'string',
    description: 'The run file it was made for',
    jsonPath: `.metadata.annotations.${ANNOTATION_RUN.replaceAll('.', '\\.')}`,
  },
  { name: 'Message', type: 'string', jsonPath: ready('message'), priority: 1 },
  { name: 'Started', type: 'date', jsonPath: '.status.startedAt', priority: 1 },
  { name: 'Ended', type: 'date', jsonPath: '.status.completedAt', priority: 1 },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
];

/** The CustomResourceDefinition; `schema` describes `spec` and `status`. */
export function customResourceDefinition(schema: JsonSchema): unknown {
  const structural = toStructural(schema);
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `nodeops.${NODEOP_GROUP}` },
    spec: {
      group: NODEOP_GROUP,
      scope: 'Namespaced',
      names: {
        kind: NODEOP_KIND,
        listKind: `${NODEOP_KIND}List`,
        plural: 'nodeops',
        singular: 'nodeop',
        shortNames: ['nop'],
      },
      versions: [
        {
          name: NODEOP_VERSION,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: COLUMNS,
          schema: {
            openAPIV3Schema: {
              description: 'One run of a command on nodes of the cluster.',
              ...structural,
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: { type: 'object' },
                ...structural.properties,
              },
            },
          },
        },
      ],
    },
  };
}
