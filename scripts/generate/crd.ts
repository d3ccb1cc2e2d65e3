import { NODEOP_GROUP, NODEOP_KIND, NODEOP_VERSION } from '../../src/api/nodeop.ts';
import { toStructural, type JsonSchema } from './structural.ts';

const COLUMNS = [
  { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
  { name: 'Done', type: 'string', description: 'Finished nodes of all', jsonPath: '.status.summary.done' },
  { name: 'Failed', type: 'integer', jsonPath: '.status.summary.failed' },
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
