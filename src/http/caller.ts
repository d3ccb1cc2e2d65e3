import { BlockList, isIP } from 'node:net';

/** Tells whether an address is one of these, which are addresses or networks such as `10.0.0.0/8`. */
export function addressesIn(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return (address) => {
    const family = isIP(address);
    return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4');
  };
}

/** Longer lists of proxies are a caller's invention. */
const MAX_HOPS = 20;

/**
 * Whom a call is from. Each proxy adds the address that called it at the right end of X-Forwarded-For, so from there on what
 * trusted ones say is believed, and the first other address is the caller's; what stands left of it anybody may have written.
 */
export function callerOf(
  from: string,
  forwarded: string | string[] | undefined,
  isTrusted: (address: string) => boolean = () => false,
): string {
  let caller = plainAddress(from);
  if (!isTrusted(caller)) return caller;
  const hops = [forwarded ?? []].flat().join(',').split(',').slice(-MAX_HOPS);
  for (const hop of hops.toReversed()) {
    const address = plainAddress(withoutPort(hop.trim()));
    // What is no address was not written by a proxy that is one.
    if (isIP(address) === 0) return caller;
    caller = address;
    if (!isTrusted(caller)) return caller;
  }
  return caller;
}

/** `192.0.2.1` of `::ffff:192.0.2.1`, as a socket that takes both kinds has it. */
export function plainAddress(address: string): string {
  const mapped = address.toLowerCase().startsWith('::ffff:') ? address.slice('::ffff:'.length) : '';
  return isIP(mapped) === 4 ? mapped : address;
}

/** Some proxies write `192.0.2.1:4711` or `[2001:db8::1]:4711`. */
function withoutPort(hop: string): string {
  if (hop.startsWith('[')) return /^\[([^\]]*)\](?::\d{1,5})?$/.exec(hop)?.[1] ?? '';
  return hop.replace(/^([^:]*):\d{1,5}$/, '$1');
}

/**
 * Whose address it is: of IPv6 everybody has a network of 64 bits, and so more addresses than can be counted. What is no address
 * stands for itself.
 */
export function networkOf(address: string): string {
  const plain = plainAddress(address.split('%', 1)[0] ?? '');
  if (isIP(plain) !== 6) return plain;
  // In the one way an address is written.
  const [head = '', tail] = new URL(`http://[${plain}]/`).hostname.slice(1, -1).split('::');
  const left = head.split(':').filter((it) => it !== '');
  const right = tail?.split(':').filter((it) => it !== '') ?? [];
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  return [...left, ...zeros, ...right].slice(0, 4).join(':');
}
