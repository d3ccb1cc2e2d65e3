import type { IncomingMessage } from 'node:http';
import type { ResourceType } from '../resources.ts';
import { badRequest, StatusError } from '../store/errors.ts';
import type { Obj } from '../store/object.ts';
import { fromProtobuf, PROTOBUF } from './protobuf.ts';

/** What is read of a request, and what of a response is written: of HTTP, or of whatever stands in for it. */
export type ApiRequest = Pick<IncomingMessage, 'method' | 'url' | 'headers'> & AsyncIterable<Buffer>;
export interface ApiResponse {
  statusCode: number;
  readonly headersSent: boolean;
  setHeader: (name: string, value: string | number) => unknown;
  getHeader: (name: string) => unknown;
  writeHead: (code: number, headers: Record<string, string | number>) => unknown;
  flushHeaders: () => void;
  write: (piece: string) => unknown;
  end: (piece?: string) => unknown;
  on: (event: 'close', listener: () => void) => unknown;
}

/** A request that names a resource. */
export interface Target {
  type: ResourceType;
  key: string;
  namespace: string | undefined;
  name: string | undefined;
  subresource: string | undefined;
}

const MAX_BODY = 3 * 1024 * 1024;

export function decode(request: ApiRequest, body: Buffer): Obj {
  return request.headers['content-type'] === PROTOBUF ? fromProtobuf(body) : json(body);
}

export function json(body: Buffer): Obj {
  try {
    return JSON.parse(body.toString()) as Obj;
  } catch {
    throw badRequest('the body is not JSON');
  }
}

export async function readBody(request: ApiRequest): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw new StatusError(413, 'RequestEntityTooLarge', 'the request is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export function send(response: ApiResponse, code: number, body: unknown): void {
  if (response.headersSent) return;
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(code, {
    'content-type': typeof body === 'string' ? 'text/plain' : 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
