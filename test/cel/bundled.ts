import { evaluate } from '../../src/cel/evaluate.ts';
import { systemClock } from '../../src/time/clock.ts';

/** The entry of a bundle that a test makes: what it evaluates has to come out of the same file. */
const variables = { body: { json: '{"a": 1}' } };
const results = [
  await evaluate('body.a == 1', variables, systemClock),
  await evaluate('body.a', variables, systemClock),
];
process.stdout.write(JSON.stringify(results));
