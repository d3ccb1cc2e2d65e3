import { expect, test } from 'vitest';
import { playOf } from './support/scenes.ts';
import { Visitor } from './support/visitor.ts';

test('whoever is not signed in sees a form; a token that is not taken is told, one that is shows the runs', async () => {
  const play = playOf('running', 20);
  const session = {
    auth: 'kubernetes' as const,
    signedIn: false,
    mayReadLogs: false,
    version: '0.1.0',
    user: 'ada',
  };
  const visitor = await Visitor.come({ ...play, session, token: 'right' });
  try {
    const { page } = visitor;
    await visitor.see('/');
    await page.getByLabel('Token').fill('wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').getByText('the token is not taken').waitFor();
    await page.getByLabel('Token').fill('right');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Runs' }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Token').waitFor();
    expect(await page.getByLabel('Token').inputValue()).toBe('');
    // A refused request is an error to the browser's console, and no other is there.
    expect(visitor.complaints.filter((it) => !it.includes('401'))).toEqual([]);
  } finally {
    await visitor.leave();
  }
});
