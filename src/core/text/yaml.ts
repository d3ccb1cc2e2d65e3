import { formatYaml } from '../../api/yaml.ts';

/** What of a value the log of a workflow could take for a command (see output.ts) once it stands in YAML, where lines may begin at any blank. */
const IN_YAML = /(?<=#)#(?=\[|[vV][sS][oO]\[)|(?<![^\s]):(?=:)/g;

/** YAML that is put out, to be read by people, programs or both: nothing in it acts, and it reads as what it was made of. */
export function yaml(value: unknown, options: Parameters<typeof formatYaml>[1]): string {
  return formatYaml(value, options, IN_YAML);
}
