import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Weather } from './weather.ts';

const HALF_OPEN_MS = 30_000;

/** The same for connections whose content it cannot read: each has its fate when it begins. */
export class TcpLink {
  readonly #port: number;
  readonly #weather: Weather;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((client) => this.#serve(client));

  constructor(port: number, weather: Weather) {
    this.#port = port;
    this.#weather = weather;
  }

  async start(): Promise<number> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  #serve(client: Socket): void {
    this.#keep(client);
    const { random } = this.#weather;
    switch (this.#weather.draw()) {
      case 'cut':
      case 'throttled':
      case 'error':
        return void client.destroy();
      case 'half-open':
        setTimeout(() => client.destroy(), HALF_OPEN_MS);
        return;
      case 'slow':
        setTimeout(() => this.#pass(client), random.between(100, 4_000));
        return;
      // The handshake takes some kilobytes: before, in and after it.
      case 'answer lost':
        return this.#pass(client, random.between(4_000, 8_000));
      case 'truncated':
        return this.#pass(client, random.between(10, 4_000));
      case undefined:
        return this.#pass(client);
    }
  }

  /** @param after so many bytes have come back it breaks */
  #pass(client: Socket, after = Infinity): void {
    const server = connect(this.#port, '127.0.0.1');
    this.#keep(server);
    server.on('close', () => client.destroy());
    client.on('close', () => server.destroy());
    client.pipe(server);
    server.pipe(client);
    let came = 0;
    server.on('data', (chunk: Buffer) => {
      came += chunk.length;
      if (came > after) server.destroy();
    });
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
  }
}
