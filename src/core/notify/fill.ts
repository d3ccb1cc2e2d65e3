import { PLACEHOLDER } from '../../api/message-template.ts';
import { NOTIFY_FIELDS, type NotifyField, type NotifyTarget } from '../../api/notify.ts';
import { escape as markdown } from '../text/markup.ts';

type Values = Readonly<Record<NotifyField, string>>;

const ESCAPES: Record<NotifyTarget['escape'], (text: string) => string> = {
  none: (text) => text,
  // https://docs.slack.dev/messaging/formatting-message-text: these three make links and mentions.
  slack: (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'),
  markdown,
};

/** What anybody may have written, in a name or a message. */
const FREE: ReadonlySet<NotifyField> = new Set<NotifyField>(['title', 'text', 'name', 'run', 'node']);

/**
 * The body to post. Fields are put into the texts of a tree that becomes JSON as a whole, so that no value can end a text, add
 * a field or be anything but text; keys are as they were written.
 */
export function bodyOf(
  { template, escape }: Pick<NotifyTarget, 'template' | 'escape'>,
  values: Values,
): string {
  const put = (field: NotifyField) =>
    FREE.has(field)
      ? escaped(values[field], ESCAPES[escape], field === 'title' ? TITLE : TEXT)
      : values[field];
  const fill = (tree: unknown): unknown => {
    if (typeof tree === 'string') return tree.replaceAll(PLACEHOLDER, (_, field: NotifyField) => put(field));
    if (Array.isArray(tree)) return tree.map(fill);
    if (typeof tree !== 'object' || tree === null) return tree;
    return Object.fromEntries(Object.entries(tree).map(([key, value]) => [key, fill(value)]));
  };
  return JSON.stringify(fill(template ?? ALL));
}

/** What Slack takes as a header; and less than it takes as a section. */
const TITLE = 150;
const TEXT = 2_500;

/** Escaped, and as much of it as receivers take: escapes make it longer, and half of one is none. */
function escaped(text: string, escape: (text: string) => string, most: number): string {
  const whole = escape(text);
  if (whole.length <= most) return whole;
  const fits = (length: number) => escape(`${text.slice(0, length)}…`).length <= most;
  let [low, high] = [0, text.length];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return escape(`${text.slice(0, low)}…`).toWellFormed();
}

/** Without a template: every field by its name. */
const ALL = Object.fromEntries(Object.keys(NOTIFY_FIELDS).map((field) => [field, `{${field}}`]));
