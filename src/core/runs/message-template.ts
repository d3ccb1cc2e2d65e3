import { PLACEHOLDER } from '../../api/message-template.ts';

/**
 * A commit message in the form that a Git host asks for. `{summary}` is its first line, `{details}` all that follows (runs
 * and trailers), at the end unless the template says where.
 */
export function fillTemplate(template: string, message: string, cluster = ''): string {
  const end = message.indexOf('\n');
  const values: Record<string, string> = {
    summary: end < 0 ? message : message.slice(0, end),
    details: end < 0 ? '' : message.slice(end).trim(),
    cluster,
  };
  const whole = template.includes('{details}') ? template : `${template.trimEnd()}\n\n{details}`;
  const filled = whole.replaceAll(PLACEHOLDER, (_, name: string) => values[name] ?? '');
  // Where there are no details two empty lines would meet.
  const lines = filled.trimEnd().split('\n');
  return `${lines.filter((line, i) => line !== '' || lines[i - 1] !== '').join('\n')}\n`;
}
