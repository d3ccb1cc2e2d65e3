import { z } from 'zod';
import { hmac, sameSecret } from '../secret.ts';
import { branchOf, type Delivery, header, isRecent, type Provider } from './provider.ts';

const Push = z.object({
  ref: z.string(),
  project: z.object({ path_with_namespace: z.string(), git_http_url: z.string().optional() }),
});

/**
 * GitLab: a signing token (an HMAC over id, time and body, by the Standard Webhooks specification) or,
 * from older servers, the secret token itself in a header.
 */
export const gitlab: Provider = {
  verify: (delivery, secret, now) =>
    header(delivery.headers, 'webhook-signature') === undefined
      ? sameSecret(header(delivery.headers, 'x-gitlab-token') ?? '', secret)
      : isSigned(delivery, secret, now),
  push: (payload) => {
    const kind = z.object({ object_kind: z.string().optional() }).parse(payload).object_kind;
    if (kind !== 'push') return undefined;
    const { ref, project } = Push.parse(payload);
    return { repository: [project.path_with_namespace, project.git_http_url], branches: branchOf(ref) };
  },
};

function isSigned({ headers, body }: Delivery, secret: string, now: number): boolean {
  const time = header(headers, 'webhook-timestamp');
  if (!isRecent(time, now)) return false;
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : secret;
  const id = header(headers, 'webhook-id') ?? '';
  const expected = `v1,${hmac(key, [`${id}.${time}.`, body]).toString('base64')}`;
  const given = (header(headers, 'webhook-signature') ?? '').split(' ');
  return given.some((signature) => sameSecret(signature, expected));
}
