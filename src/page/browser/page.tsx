import { render } from 'preact';
import { App } from './app.tsx';
import { followLinks } from './navigation.ts';

followLinks();
const root = document.querySelector('#page');
if (root !== null) render(<App />, root);
