import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** An authority of its own, with a certificate for localhost and one for a client; file names and contents. */
export function makeCertificates(dir: string) {
  const file = (name: string) => join(dir, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    file('ca.key'),
    '-out',
    file('ca.crt'),
    '-days',
    '2',
    '-subj',
    '/CN=ca',
  );
  for (const name of ['localhost', 'client']) {
    const request = file(`${name}.csr`);
    openssl('req', ...key, '-keyout', file(`${name}.key`), '-out', request, '-subj', `/CN=${name}`);
    writeFileSync(file('extensions'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
    const signer = ['-CA', file('ca.crt'), '-CAkey', file('ca.key'), '-CAcreateserial', '-days', '2'];
    const extensions = ['-extfile', file('extensions')];
    openssl('x509', '-req', '-in', request, ...signer, '-out', file(`${name}.crt`), ...extensions);
  }
  const text = (name: string) => readFileSync(file(name), 'utf8');
  return {
    ca: file('ca.crt'),
    client: { certificate: file('client.crt'), key: file('client.key') },
    server: { key: text('localhost.key'), cert: text('localhost.crt'), ca: text('ca.crt') },
  };
}
