import { said } from '../words.ts';
import { PageTitle } from './page-title.tsx';

/** Where there is nothing to show, why, and the way out. */
export function Nowhere({ message }: { message: string }) {
  return (
    <div class="view narrow">
      <PageTitle title="Nothing here" />
      <p>{said(message)}</p>
      <p>
        <a href="/">All runs</a>
      </p>
    </div>
  );
}

/** The room of a view whose first answer is on its way. */
export function Coming({ title }: { title: string }) {
  return (
    <div class="view" aria-busy="true">
      <PageTitle title={title} isComing />
      <div class="coming" />
      <div class="coming" />
    </div>
  );
}
