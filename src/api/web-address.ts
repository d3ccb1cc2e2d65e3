/**
 * Addresses that requests of checks go to. They are compared only as the client reads them (WHATWG URL), so that no other way
 * of writing a host passes by what is allowed.
 */

const MAX_ADDRESS = 2048;

/** Why a text is no address that a request may be sent to; undefined when it is one. */
export function addressFlaw(text: string): string | undefined {
  if (text.length > MAX_ADDRESS) return `is longer than ${MAX_ADDRESS} characters`;
  // A URL parser takes some of these away, and reads the others as something else, without a word.
  if (!/^[!-~]+$/.test(text) || text.includes('\\')) {
    return 'must be a URL without spaces, backslashes and characters beyond ASCII; write them as %20 and the like';
  }
  const authority = /^https?:\/\/([^/?#]+)/i.exec(text)?.[1];
  if (authority === undefined || !URL.canParse(text)) {
    return 'expected a URL such as "https://shop.example.org/healthz"';
  }
  if (authority.includes('@')) return 'must hold no user or password; credentials names those to send';
  if (text.includes('#')) return 'must not have a part after "#"; it would never be sent';
  const { hostname, port } = new URL(text);
  if (hostname.endsWith('.')) return 'its host must not end with a dot';
  return port === '0' ? 'no server listens on port 0' : undefined;
}

/** `scheme://host:port` of an address, always with the port; of one that was found good. */
export function originOf(address: string): string {
  const { protocol, hostname, port } = new URL(address);
  return `${protocol}//${hostname}:${port === '' ? DEFAULT_PORTS[protocol] : port}`;
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };
