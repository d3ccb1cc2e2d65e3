import { open } from 'node:fs/promises';
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { VirtualTime } from './world/time.ts';

function realTime() {
  const time = new VirtualTime();
  time.real = true;
  const told: string[] = [];
  const began = time.now;
  const tell = (what: string) => told.push(`${what} at ${time.now - began}`);
  return { time, told, tell, run: () => time.run(began + 1_000) };
}

test('commands of the real world end in the order in which they were begun, however long each takes', async () => {
  const { time, told, tell, run } = realTime();
  const command = async (name: string, ms: number) => {
    await time.command(() => wait(ms));
    tell(name);
    await time.command(() => wait(1));
    tell(`after ${name}`);
  };
  time.after(5, () => {
    void command('slow', 30);
    void command('quick', 1);
  });
  time.after(6, () => tell('later'));
  await run();
  expect(told).toEqual(['slow at 5', 'quick at 5', 'after slow at 5', 'after quick at 5', 'later at 6']);
});

test('a command that is made of others waits for none of them', async () => {
  const { time, told, tell, run } = realTime();
  time.after(5, () => {
    void time.command(() => time.command(() => wait(1))).then(() => tell('both'));
  });
  await run();
  expect(told).toEqual(['both at 5']);
});

test('no time passes while a file is read and closed, or who works gives way to others', async () => {
  const { time, told, tell, run } = realTime();
  const work = async () => {
    for (let i = 0; i < 100; i += 1) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await (await open(import.meta.filename)).close();
    }
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    for (let i = 0; i < 100; i += 1) await turn();
    tell('done');
  };
  time.after(5, () => void work());
  time.after(6, () => tell('later'));
  await run();
  expect(told).toEqual(['done at 5', 'later at 6']);
});
