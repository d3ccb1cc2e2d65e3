import type { Clock } from '../core/ports.ts';

/** Longer waits than a timer can hold are cut into several. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The machine's own time. Nothing else in the agent asks for it. */
export const systemClock: Clock = {
  wall: () => Date.now(),
  steady: () => performance.timeOrigin + performance.now(),
  after: (ms, call) => {
    let timer: NodeJS.Timeout;
    const wait = (left: number): void => {
      const part = Math.min(Math.max(0, left), MAX_TIMER_MS);
      timer = setTimeout(() => (left > part ? wait(left - part) : call()), part);
    };
    wait(ms);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};
