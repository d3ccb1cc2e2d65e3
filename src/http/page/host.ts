import { isIP } from 'node:net';
import { addressesIn, plainAddress } from '../caller.ts';

const isLoopback = addressesIn(['127.0.0.0/8', '::1']);

/**
 * Whether a request is for a name under which the page is served. A name of somebody else's that leads here (DNS rebinding)
 * would let that one's scripts read everything. What has no name of its own cannot be led here: the address that was
 * connected to, and those of this machine, as `kubectl port-forward` has them.
 * @param local the address of this end of the connection
 */
export function isOwnHost(
  host: string | undefined,
  local: string | undefined,
  hosts: readonly string[],
): boolean {
  const name = nameIn(host ?? '');
  if (name === undefined) return false;
  if (name === 'localhost' || hosts.some((it) => it.toLowerCase() === name)) return true;
  return isIP(name) !== 0 && (isLoopback(name) || name === plainAddress(local ?? ''));
}

/** `[2001:db8::1]:8080` and `Page.example.org:443` without port and brackets. */
function nameIn(host: string): string | undefined {
  const found = /^(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9.-]{1,253}))(?::\d{1,5})?$/i.exec(host);
  return (found?.[1] ?? found?.[2])?.toLowerCase().replace(/\.$/, '');
}
