import { connection, paused } from '../live/follow.ts';
import { session, signOut } from '../live/session.ts';
import { top } from '../live/top.ts';
import type { Route } from '../route.ts';
import { useStore } from '../store.ts';
import { TONE_SHAPES } from '../draw/shapes.ts';
import { said } from '../words.ts';
import { Shape } from './state.tsx';

const PLACES = [
  { path: '/', label: 'Runs', views: ['runs', 'run'] },
  { path: '/nodes', label: 'Nodes', views: ['nodes', 'node'] },
  { path: '/agent', label: 'Agent', views: ['agent'] },
];

/** Stands above every view: where one is, how the page is connected, and what holds for all of it. */
export function Header({ view }: { view: Route['view'] }) {
  const { cluster, held, stale } = useStore(top);
  return (
    <>
      <header class="header">
        <a class="name" href="/">
          nodeop-agent
          {cluster !== undefined && <span class="cluster">{said(cluster)}</span>}
        </a>
        <nav aria-label="Views">
          {PLACES.map(({ path, label, views }) => (
            <a key={path} href={path} aria-current={views.includes(view) ? 'page' : undefined}>
              {label}
            </a>
          ))}
        </nav>
        <Connection />
        <User />
      </header>
      {held !== undefined && (
        <p class="banner tone-held" role="status">
          <Shape path={TONE_SHAPES.held} />
          {said(held)}
        </p>
      )}
      {stale !== undefined && (
        <p class="banner tone-failed" role="status">
          <Shape path={TONE_SHAPES.warning} />
          {said(stale)}
        </p>
      )}
    </>
  );
}

const WORDS = {
  connecting: 'Connecting',
  live: 'Live',
  reconnecting: 'Reconnecting',
  paused: 'Paused',
  over: 'Ended',
};

function Connection() {
  const state = useStore(connection);
  const isPaused = useStore(paused);
  return (
    <div class={`connection is-${state}`}>
      <span class="connection-word" role="status">
        {WORDS[state]}
      </span>
      <button
        type="button"
        aria-pressed={isPaused}
        title={isPaused ? 'Show what is new again' : 'Keep the page as it is now'}
        onClick={() => paused.set(!isPaused)}
      >
        {isPaused ? 'Resume' : 'Pause'}
      </button>
    </div>
  );
}

function User() {
  const who = useStore(session);
  if (who === undefined || who.auth === 'none' || who.auth === 'proxy') return null;
  return (
    <div class="user">
      {who.user !== undefined && <span class="muted">{said(who.user)}</span>}
      <button type="button" onClick={() => void signOut()}>
        Sign out
      </button>
    </div>
  );
}
