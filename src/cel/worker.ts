import { parentPort, workerData } from 'node:worker_threads';
import { prepare } from './run.ts';
import type { Variables } from './values.ts';

/** The thread of one expression: it says that it is ready, evaluates once it is told to, and answers. */
const { expression, variables } = workerData as { expression: string; variables: Variables };
const evaluate = prepare(expression, variables);
parentPort?.once('message', () => parentPort?.postMessage(evaluate()));
parentPort?.postMessage('ready');
