import type { Session, SignIn } from '../../../api/page.ts';
import { Store } from '../store.ts';
import { ask } from './requests.ts';

const ADDRESS = '/page/session';

/** Undefined until it is known. */
export const session = new Store<Session | undefined>(undefined);

/** @returns whether the server has answered */
export async function readSession(): Promise<boolean> {
  const answer = await ask<Session>(ADDRESS);
  if (answer.ok) session.set(answer.value);
  return answer.ok;
}

/** @returns what is wrong; undefined when one is signed in */
export async function signIn(token: string): Promise<string | undefined> {
  const body: SignIn = { token };
  const answer = await ask<Session>(ADDRESS, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) return answer.message;
  session.set(answer.value);
  return undefined;
}

export async function signOut(): Promise<void> {
  const answer = await ask<Session>(ADDRESS, { method: 'DELETE' });
  if (answer.ok) session.set(answer.value);
}
