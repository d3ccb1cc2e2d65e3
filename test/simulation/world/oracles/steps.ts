import type { NodeOpStatus } from '../../../../src/api/nodeop.ts';
import type { Obj } from '../../../../src/sim/store/object.ts';
import type { Time } from './seen.ts';

/** Clocks of two agents may differ by so much, and what one has recorded the other counts from. */
const SKEW_MS = 12_000;

interface Step {
  name: string;
  upTo?: number | string;
  concurrency?: number | string;
  soakSeconds?: number;
  checks?: unknown[];
}

interface World {
  time: Time;
  broken: (what: string) => void;
  /** Whether something of the NodeOp runs on the node. */
  isBusy: (uid: string, node: string) => boolean;
}

/** No node of a step begins before all of the step before is done, has soaked, and has passed its checks. */
export class Steps {
  /** Soaks are counted by a clock that people set. */
  isTimeSet = false;
  readonly #world: World;
  /** When something of a NodeOp last ended on a node, by the machines. */
  readonly #ended = new Map<string, number>();
  /** When a check last passed, by the services and machines. */
  readonly #passed = new Map<string, number>();
  readonly #tries = new Set<string>();

  constructor(world: World) {
    this.#world = world;
  }

  ends(uid: string, node: string): void {
    this.#ended.set(`${uid}/${node}`, this.#world.time.now);
  }

  passes(op: string, step: number, check: number): void {
    this.#passed.set(`${op}/${step}/${check}`, this.#world.time.now);
  }

  /** The container of a check's try. */
  tries(uid: string, key: string): void {
    const id = `${uid}/${key}`;
    if (this.#tries.has(id)) this.#world.broken(`try ${key} of a check runs a second time`);
    this.#tries.add(id);
  }

  /** Tries that are not on record any more may come again. */
  isRestored(): void {
    this.#tries.clear();
  }

  /** Something of the NodeOp comes to be on a node on which nothing of it was. */
  begins(op: Obj, node: string): void {
    const { stepOf, nodeStatuses = {} } = statusOf(op);
    const names = Object.keys(nodeStatuses).toSorted();
    const own = Number.parseInt(stepOf?.[names.indexOf(node)] ?? '', 36);
    if (Number.isNaN(own)) return;
    for (const [i, step] of stepsOf(op).slice(0, own).entries()) {
      const nodes = names.filter((_, at) => stepOf?.[at] === i.toString(36));
      this.#isOver(op, step, i, nodes, node);
    }
  }

  #isOver({ metadata }: Obj, step: Step, index: number, nodes: readonly string[], next: string): void {
    const { time, broken, isBusy } = this.#world;
    const { name = '', uid = '' } = metadata;
    const what = `${next} is started though step ${step.name}`;
    const busy = nodes.find((node) => isBusy(uid, node));
    if (busy !== undefined) broken(`${what} goes on on ${busy}`);
    if (this.isTimeSet || nodes.length === 0) return;
    const last = Math.max(...nodes.map((node) => this.#ended.get(`${uid}/${node}`) ?? 0));
    const soakedAt = last + (step.soakSeconds ?? 0) * 1000 - SKEW_MS;
    if (time.now < soakedAt) broken(`${what} has not soaked`);
    for (const check of (step.checks ?? []).keys()) {
      const passed = this.#passed.get(`${name}/${index}/${check}`) ?? 0;
      if (passed < Math.max(1, soakedAt)) broken(`${what} did not pass check ${check} after its soak`);
    }
  }

  stored(object: Obj, before: Obj | undefined): void {
    const [is, was] = [statusOf(object), before ? statusOf(before) : {}];
    const { broken } = this.#world;
    const { name } = object.metadata;
    if (was.stepOf !== undefined && is.stepOf !== was.stepOf)
      broken(`which node of ${name} is in which step changed from ${was.stepOf} to ${is.stepOf}`);
    for (const [i, step] of (was.steps ?? []).entries())
      if (step.phase === 'Passed' && is.steps?.[i]?.phase !== 'Passed')
        broken(`step ${step.name} of ${name} was passed, and is ${is.steps?.[i]?.phase}`);
    if (is.stepOf !== undefined && is.stepOf !== was.stepOf) this.#sizes(object, is.stepOf);
  }

  #sizes(object: Obj, stepOf: string): void {
    const places = stepOf.split('').map((it) => Number.parseInt(it, 36));
    for (const [i, { name, upTo }] of stepsOf(object).entries()) {
      const count = places.filter((place) => place <= i).length;
      const most = upTo === undefined ? Infinity : amountOf(upTo, places.length);
      // One whose bound was reached before it is empty.
      if (places.includes(i) && count > most)
        this.#world.broken(`${count} nodes are in step ${name} or before it, ${most} allowed`);
    }
  }
}

/** How many nodes of the NodeOp may be in flight at once, by the step they are in; one bound for all without steps. */
export function boundsOf(op: Obj): { nodes: string[]; most: number }[] {
  const { stepOf, nodeStatuses = {} } = statusOf(op);
  const names = Object.keys(nodeStatuses).toSorted();
  const whole = (op.spec?.['concurrency'] ?? 0) as number | string;
  if (stepOf === undefined) return [{ nodes: names, most: atOnce(whole, names.length) }];
  return [...stepsOf(op), {}].map((step: Partial<Step>, i) => {
    const nodes = names.filter((_, at) => stepOf[at] === i.toString(36));
    return { nodes, most: atOnce(step.concurrency ?? whole, nodes.length) };
  });
}

function atOnce(amount: number | string, of: number): number {
  return amount === 0 ? Infinity : Math.max(1, amountOf(amount, of));
}

function amountOf(amount: number | string, of: number): number {
  return typeof amount === 'number' ? amount : Math.floor((of * Number.parseInt(amount, 10)) / 100);
}

function stepsOf({ spec = {} }: Obj): Step[] {
  return (spec['steps'] ?? []) as Step[];
}

function statusOf({ status }: Obj): NodeOpStatus {
  return status ?? {};
}
