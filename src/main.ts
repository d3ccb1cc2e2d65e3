#!/usr/bin/env node
import { tooOld } from './cli/node-version.ts';

// Nothing else is loaded before: what an older Node.js lacks ends in a stack trace.
const problem = tooOld(process.versions.node);
if (problem === undefined) {
  const { main } = await import('./cli/program.ts');
  await main(process.argv);
} else {
  process.stderr.write(`${problem}\n`);
  process.exitCode = 2;
}
