import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { networkOf } from './caller.ts';

/** Connections at a time. */
const MAX_CONNECTIONS = 256;

/**
 * Bounds the connections of a server in a way that nobody can take all places: who comes when there are too many is let in,
 * and the longest waiting one goes of the address that has most. One that is slow on purpose makes room by that for the
 * next, and whoever asks and goes, as probes do, is never the one.
 */
export function boundConnections(server: Server): void {
  const open = new Map<Socket, string>();
  server.on('connection', (socket: Socket) => {
    open.set(socket, networkOf(socket.remoteAddress ?? ''));
    socket.once('close', () => open.delete(socket));
    if (open.size > MAX_CONNECTIONS) longestOfBusiest(open)?.destroy();
  });
}

function longestOfBusiest(open: ReadonlyMap<Socket, string>): Socket | undefined {
  const counts = new Map<string, number>();
  for (const address of open.values()) counts.set(address, (counts.get(address) ?? 0) + 1);
  const most = Math.max(...counts.values());
  for (const [socket, address] of open) if (counts.get(address) === most) return socket;
  return undefined;
}
