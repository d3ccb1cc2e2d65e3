import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readNamed } from './credentials.ts';

/** Answers the question of ssh and ssh-keygen for a passphrase. It holds no secret itself. */
const SCRIPT = '#!/bin/sh\nexec cat "$NODEOP_AGENT_PASSPHRASE_FILE"\n';

/** The environment in which ssh's tools take the passphrase from a file; `dispose` takes away what was made for it. */
export async function askpass(
  field: string,
  file: string,
): Promise<{ env: Record<string, string>; dispose: () => Promise<void> }> {
  await readNamed(field, file);
  const folder = await mkdtemp(join(tmpdir(), 'nodeop-agent-ssh-'));
  const script = join(folder, 'askpass');
  await writeFile(script, SCRIPT, { mode: 0o700 });
  return {
    env: { SSH_ASKPASS: script, SSH_ASKPASS_REQUIRE: 'force', NODEOP_AGENT_PASSPHRASE_FILE: file },
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
}
