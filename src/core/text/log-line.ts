import { screen } from './output.ts';

/** What each line has, and what its own column tells. */
const HEAD = new Set(['time', 'level', 'msg']);

/** One record of the log as people read it: `06:35:12 INFO  run waits  run=runs/a.yaml reason="its window is closed"`; UTC. */
export function logLine(json: string): string {
  const record = JSON.parse(json) as Record<string, unknown>;
  const { time = '', level = '', msg = '' } = record as Record<string, string | undefined>;
  const fields = Object.entries(record)
    .filter(([name]) => !HEAD.has(name))
    .map(([name, value]) => ` ${shown(name)}=${shown(value)}`)
    .join('');
  return screen(`${time.slice(11, 19)} ${level.toUpperCase().padEnd(5)} ${msg}${fields && ` ${fields}`}`);
}

function shown(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}
