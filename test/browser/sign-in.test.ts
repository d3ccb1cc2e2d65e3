import { expect, test } from 'vitest';
import { playOf } from './support/scenes.ts';
import { TOKEN } from './support/stage.ts';
import { Visitor } from './support/visitor.ts';

test('whoever is not signed in sees a form; a token that is not taken is told, one that is shows the runs', async () => {
  const visitor = await Visitor.come({ ...playOf('running', 20), isLocked: true });
  try {
    const { page } = visitor;
    await visitor.see('/');
    await page.getByLabel('Token').fill('wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').getByText('this token is not taken').waitFor();
    await page.getByLabel('Token').fill(TOKEN);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Runs' }).waitFor();
    // The session is a cookie, so it is there when the page is loaded anew.
    await visitor.see('/nodes');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Token').waitFor();
    expect(await page.getByLabel('Token').inputValue()).toBe('');
    // A refused request is an error to the browser's console, and no other is there.
    expect(visitor.complaints.filter((it) => !it.includes('401'))).toEqual([]);
  } finally {
    await visitor.leave();
  }
});
