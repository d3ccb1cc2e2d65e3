import { useEffect } from 'preact/hooks';
import { later } from './clock.ts';
import { readSession, session } from './live/session.ts';
import { route } from './navigation.ts';
import type { Route } from './route.ts';
import { Header } from './parts/header.tsx';
import { useStore } from './store.ts';
import { AgentView } from './views/agent.tsx';
import { NodeView } from './views/node.tsx';
import { NodesView } from './views/nodes.tsx';
import { Nowhere } from './views/nowhere.tsx';
import { RunView } from './views/run.tsx';
import { RunsView } from './views/runs.tsx';
import { SignInView } from './views/sign-in.tsx';

const AGAIN_MS = 2_000;

export function App() {
  const at = useStore(route);
  const who = useStore(session);
  useEffect(() => {
    let callOff: (() => void) | undefined;
    const read = async () => {
      if (!(await readSession())) callOff = later(AGAIN_MS, () => void read());
    };
    void read();
    return () => callOff?.();
  }, []);
  if (who?.signedIn === false) return <SignInView auth={who.auth} known={who.problem} />;
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Header view={at.view} />
      <main id="main">{who === undefined ? <p class="empty">Asking the agent…</p> : <View at={at} />}</main>
    </>
  );
}

function View({ at }: { at: Route }) {
  switch (at.view) {
    case 'runs':
      return <RunsView query={at.query} />;
    case 'run':
      return <RunView key={at.run} id={at.run} />;
    case 'nodes':
      return <NodesView query={at.query} />;
    case 'node':
      return <NodeView key={`${at.node} ${at.run ?? ''}`} node={at.node} run={at.run} />;
    case 'agent':
      return <AgentView />;
    case 'nowhere':
      return <Nowhere message="There is nothing at this address." />;
  }
}
