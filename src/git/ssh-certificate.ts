/** From when (inclusive) until when (exclusive) a certificate is valid, epoch milliseconds. */
export interface CertificateTimes {
  from: number;
  until: number;
}

/** How many fields the public key itself has, by its type; PROTOCOL.certkeys of OpenSSH. */
const KEY_FIELDS: readonly [prefix: string, fields: number][] = [
  ['ssh-ed25519-', 1],
  ['ssh-rsa-', 2],
  ['ecdsa-sha2-', 2],
  ['sk-ssh-ed25519-', 2],
  ['sk-ecdsa-sha2-', 3],
];
const NEVER: CertificateTimes = { from: Infinity, until: -Infinity };

/**
 * When the certificate that made an ssh signature is valid; undefined for a signature by a plain key. One that cannot be read
 * is never valid.
 * @param armored what stands between the first and the last line of the signature; PROTOCOL.sshsig of OpenSSH
 */
export function certificateTimes(armored: string): CertificateTimes | undefined {
  try {
    const signature = new Reader(Buffer.from(armored, 'base64'));
    signature.skip('SSHSIG'.length + 4);
    const key = new Reader(signature.text());
    const type = key.text().toString('latin1');
    if (!type.endsWith('-cert-v01@openssh.com')) return undefined;
    const fields = KEY_FIELDS.find(([prefix]) => type.startsWith(prefix))?.[1];
    if (fields === undefined) return NEVER;
    // The nonce, the key, its serial number and kind, its name and principals.
    for (let i = 0; i < 1 + fields; i++) key.text();
    key.skip(8 + 4);
    for (let i = 0; i < 2; i++) key.text();
    return { from: key.seconds() * 1000, until: key.seconds() * 1000 };
  } catch {
    return NEVER;
  }
}

/** The public key that made an ssh signature, as a line of a key file; undefined when it cannot be read. */
export function signingKey(armored: string): { type: string; key: string } | undefined {
  try {
    const signature = new Reader(Buffer.from(armored, 'base64'));
    signature.skip('SSHSIG'.length + 4);
    const key = signature.text();
    return { type: new Reader(key).text().toString('latin1'), key: key.toString('base64') };
  } catch {
    return undefined;
  }
}

/** Reads fields one after the other; throws RangeError where they end. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  skip(count: number): void {
    this.#at += count;
  }

  text(): Buffer {
    const length = this.#bytes.readUInt32BE(this.#at);
    const begin = this.#at + 4;
    if (begin + length > this.#bytes.length) throw new RangeError('the field is longer than what is left');
    this.#at = begin + length;
    return this.#bytes.subarray(begin, this.#at);
  }

  seconds(): number {
    const seconds = Number(this.#bytes.readBigUInt64BE(this.#at));
    this.#at += 8;
    return seconds;
  }
}
