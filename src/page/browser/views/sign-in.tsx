import { useState } from 'preact/hooks';
import type { Session } from '../../../api/page.ts';
import { signIn } from '../live/session.ts';
import { said } from '../words.ts';
import { PageTitle } from './page-title.tsx';

/** How to come by what is asked for. */
const HELP: Readonly<Record<Session['auth'], string>> = {
  none: '',
  token: 'It stands in the file that http.page.auth names in the configuration of the agent.',
  kubernetes:
    'A token of the cluster, such as kubectl create token NAME gives for a service account that may list NodeOps. It is shown to the cluster once and not kept.',
  proxy: 'The proxy in front of this page signs people in. It has not told who you are: come by its address.',
};

/** @param known why somebody who is known already sees nothing */
export function SignInView({ auth, known }: { auth: Session['auth']; known: string | undefined }) {
  const [token, setToken] = useState('');
  const [problem, setProblem] = useState(known);
  const [isBusy, setBusy] = useState(false);
  const send = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(await signIn(token.trim()));
    setBusy(false);
  };
  return (
    <main class="sign-in">
      <form onSubmit={(event) => void send(event)}>
        <PageTitle title="Sign in">nodeop-agent</PageTitle>
        {auth !== 'proxy' && (
          <>
            <label for="token">Token</label>
            <input
              id="token"
              type="password"
              autocomplete="off"
              spellcheck={false}
              required
              value={token}
              aria-describedby="help problem"
              aria-invalid={problem !== undefined}
              onInput={(event) => setToken(event.currentTarget.value)}
            />
          </>
        )}
        <p id="help" class="muted">
          {known === undefined && HELP[auth]}
        </p>
        <p id="problem" class="tone-failed" role="alert">
          {problem !== undefined && said(problem)}
        </p>
        {auth !== 'proxy' && (
          <button class="primary" type="submit" disabled={isBusy}>
            {isBusy ? 'Signing in…' : 'Sign in'}
          </button>
        )}
      </form>
    </main>
  );
}
