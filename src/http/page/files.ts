import { gunzipSync } from 'node:zlib';
import type { PageAsset } from '../../api/page.ts';

/** A file as it goes out to one browser. */
export interface Sent {
  code: 200 | 304;
  headers: Record<string, string>;
  body: Buffer;
}

interface File {
  type: string;
  etag: string;
  isForGood: boolean;
  brotli: Buffer;
  gzip: Buffer;
  identity: Buffer;
}

/** What browsers get that is the same for all. */
export class Files {
  readonly #files: ReadonlyMap<string, File>;

  constructor(assets: readonly PageAsset[]) {
    this.#files = new Map(
      assets.map(({ path, type, brotli, gzip, etag }) => [
        path,
        {
          type,
          etag: `"${etag}"`,
          isForGood: path.startsWith('assets/'),
          brotli: Buffer.from(brotli, 'base64'),
          gzip: Buffer.from(gzip, 'base64'),
          identity: gunzipSync(Buffer.from(gzip, 'base64')),
        },
      ]),
    );
  }

  get(
    path: string,
    { accept = '', known }: { accept?: string; known?: string | undefined },
  ): Sent | undefined {
    const file = this.#files.get(path);
    if (!file) return undefined;
    const headers = {
      etag: file.etag,
      vary: 'accept-encoding',
      'cache-control': file.isForGood ? 'public, max-age=31536000, immutable' : 'no-cache',
    };
    if (known !== undefined && names(known, file.etag)) return { code: 304, headers, body: Buffer.alloc(0) };
    const encoding = accepted(accept);
    const encoded =
      encoding === 'identity' ? {} : { 'content-encoding': encoding === 'brotli' ? 'br' : 'gzip' };
    return {
      code: 200,
      headers: { ...headers, 'content-type': file.type, ...encoded },
      body: file[encoding],
    };
  }
}

/** Whether `if-none-match` names it; proxies that compress make it a weak one, which is as good here (RFC 9110, 13.1.2). */
function names(known: string, etag: string): boolean {
  return known.split(',').some((it) => it.trim().replace(/^W\//, '') === etag);
}

function accepted(accept: string): 'brotli' | 'gzip' | 'identity' {
  if (accepts(accept, 'br')) return 'brotli';
  return accepts(accept, 'gzip') ? 'gzip' : 'identity';
}

/** Whether `accept-encoding` names it, and not to say that it is not wanted. */
export function accepts(accept: string, encoding: string): boolean {
  return accept.split(',').some((it) => {
    const [name = '', ...parameters] = it.split(';').map((part) => part.trim());
    return name.toLowerCase() === encoding && !parameters.some((part) => /^q=0(?:\.0{0,3})?$/.test(part));
  });
}
