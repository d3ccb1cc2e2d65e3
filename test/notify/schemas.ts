/** What receivers take, written down from their documentation as far as the examples use it. */

const text = (type: string, maxLength: number) => ({
  type: 'object',
  additionalProperties: false,
  required: ['type', 'text'],
  properties: {
    type: { const: type },
    text: { type: 'string', minLength: 1, maxLength },
    verbatim: { type: 'boolean' },
  },
});

/**
 * https://docs.slack.dev/reference/block-kit: a header is plain text of at most 150 characters, a section of at most 3,000; at most 50
 * blocks, and 10 elements in a context.
 */
export const SLACK = {
  type: 'object',
  additionalProperties: false,
  required: ['text'],
  properties: {
    text: { type: 'string', minLength: 1, maxLength: 40_000 },
    blocks: {
      type: 'array',
      maxItems: 50,
      items: {
        oneOf: [
          {
            type: 'object',
            additionalProperties: false,
            required: ['type', 'text'],
            properties: { type: { const: 'header' }, text: text('plain_text', 150) },
          },
          {
            type: 'object',
            additionalProperties: false,
            required: ['type', 'text'],
            properties: {
              type: { const: 'section' },
              text: { oneOf: [text('mrkdwn', 3000), text('plain_text', 3000)] },
            },
          },
          {
            type: 'object',
            additionalProperties: false,
            required: ['type', 'elements'],
            properties: {
              type: { const: 'context' },
              elements: { type: 'array', maxItems: 10, items: text('mrkdwn', 3000) },
            },
          },
        ],
      },
    },
  },
};

/** A workflow takes messages with adaptive cards of version 1.4 at most (https://adaptivecards.io/explorer). */
export const TEAMS = {
  type: 'object',
  additionalProperties: false,
  required: ['type', 'attachments'],
  properties: {
    type: { const: 'message' },
    attachments: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['contentType', 'content'],
        properties: {
          contentType: { const: 'application/vnd.microsoft.card.adaptive' },
          contentUrl: { type: ['string', 'null'] },
          content: {
            type: 'object',
            additionalProperties: false,
            required: ['type', 'version', 'body'],
            properties: {
              $schema: { type: 'string' },
              type: { const: 'AdaptiveCard' },
              version: { enum: ['1.0', '1.1', '1.2', '1.3', '1.4'] },
              msteams: { type: 'object', properties: { width: { const: 'Full' } } },
              body: {
                type: 'array',
                items: {
                  type: 'object',
                  additionalProperties: false,
                  required: ['type', 'inlines'],
                  properties: {
                    type: { const: 'RichTextBlock' },
                    inlines: {
                      type: 'array',
                      items: {
                        type: 'object',
                        additionalProperties: false,
                        required: ['type', 'text'],
                        properties: {
                          type: { const: 'TextRun' },
                          text: { type: 'string', minLength: 1 },
                          weight: { enum: ['Lighter', 'Default', 'Bolder'] },
                          size: { enum: ['Default', 'Small', 'Medium', 'Large', 'ExtraLarge'] },
                          isSubtle: { type: 'boolean' },
                        },
                      },
                    },
                  },
                },
              },
            },
          },
        },
      },
    },
  },
};

const labels = {
  type: 'object',
  additionalProperties: { type: 'string' },
  propertyNames: { pattern: '^[a-zA-Z_][a-zA-Z0-9_]*$' },
};

/** `postableAlerts` of Alertmanager's api/v2/openapi.yaml; names of labels as Prometheus has them. */
export const ALERTMANAGER = {
  type: 'array',
  items: {
    type: 'object',
    additionalProperties: false,
    required: ['labels'],
    properties: {
      labels: { ...labels, required: ['alertname'] },
      annotations: labels,
      startsAt: { type: 'string', format: 'date-time' },
      endsAt: { type: 'string', format: 'date-time' },
      generatorURL: { type: 'string' },
    },
  },
};
