import { readFile } from 'node:fs/promises';
import { AGENT_API_VERSION, AgentConfigSchema, type AgentConfig } from '../api/config.ts';
import { parseDocument } from '../api/documents.ts';
import { InvalidError } from '../api/errors.ts';
import { reasonOf } from './system-error.ts';

/** Reads and checks the configuration file. Throws InvalidError that names every problem with its line. */
export async function loadConfig(file: string): Promise<AgentConfig> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    const way = 'config/agent.yaml is an example, and nodeop-agent init writes one';
    throw new InvalidError(`cannot read the configuration ${file}: ${reasonOf(error)}; ${way}`, [], {
      cause: error,
    });
  }
  const parsed = parseDocument(bytes, [
    { apiVersion: AGENT_API_VERSION, kind: 'AgentConfig', schema: AgentConfigSchema },
  ]);
  if (parsed.ok) return parsed.value;
  const problems = parsed.problems.map(({ path, message, line, column }) => ({
    path,
    message: line === undefined ? message : `${message} (line ${line}, column ${column})`,
  }));
  throw new InvalidError(`the configuration ${file} is not valid:`, problems);
}
