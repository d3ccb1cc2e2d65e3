import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What somebody's monitoring answers. */
export interface Answer {
  status: number;
  body: object;
}

/** The monitoring of a story: it gives its answers one after the other, and the last one from then on. */
export async function serveHealth(
  answers: readonly Answer[],
  onAsked: (answer: Answer) => void,
): Promise<{ url: string; close: () => Promise<void> }> {
  let asked = 0;
  const server = createServer((_, response) => {
    const answer = answers[Math.min(asked, answers.length - 1)] ?? { status: 404, body: {} };
    asked += 1;
    onAsked(answer);
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
