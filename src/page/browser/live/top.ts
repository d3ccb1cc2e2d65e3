import type { Top } from '../../../api/page.ts';
import { Store } from '../store.ts';

/** What stands above every view, as the last head told it. */
export const top = new Store<Top>({});
