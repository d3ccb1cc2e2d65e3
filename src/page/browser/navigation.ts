import { Store } from './store.ts';
import { routeOf } from './route.ts';

function here() {
  return routeOf(location.pathname, location.search);
}

export const route = new Store(here());
/** Whether people have just come from another view, and have not got to the new one yet. */
export const arrival = new Store(false);

/** Goes to another view. */
export function go(address: string): void {
  history.pushState(undefined, '', address);
  arrival.set(true);
  route.set(here());
  scrollTo(0, 0);
}

/** The same view with other parameters; no step to go back to, as people type. */
export function amend(address: string): void {
  history.replaceState(undefined, '', address);
  route.set(here());
}

/** Links within the page change the view without loading it anew. Those for other windows stay what they are. */
export function followLinks(): void {
  addEventListener('popstate', () => {
    arrival.set(true);
    route.set(here());
  });
  document.addEventListener('click', (event) => {
    const isPlain =
      event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (event.defaultPrevented || !isPlain || link === null || link.target !== '') return;
    const to = new URL(link.href);
    if (to.origin !== location.origin || to.hash !== '') return;
    event.preventDefault();
    go(`${to.pathname}${to.search}`);
  });
}
