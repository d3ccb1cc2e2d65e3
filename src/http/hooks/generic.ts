import { z } from 'zod';
import { hmac, sameSecret } from '../secret.ts';
import { header, isRecent, type Provider } from './provider.ts';

const Push = z.object({ repository: z.string(), branch: z.string() });

/**
 * Anything that can make an HMAC: `X-Nodeop-Timestamp` holds the time in epoch seconds, and
 * `X-Nodeop-Signature` `sha256=` and the hex HMAC-SHA256 of `<timestamp>.<body>`. The body names
 * `repository` and `branch`.
 */
export const generic: Provider = {
  verify: ({ headers, body }, secret, now) => {
    const time = header(headers, 'x-nodeop-timestamp');
    const expected = `sha256=${hmac(secret, [`${time}.`, body]).toString('hex')}`;
    return sameSecret(header(headers, 'x-nodeop-signature') ?? '', expected) && isRecent(time, now);
  },
  push: (payload) => {
    const { repository, branch } = Push.parse(payload);
    return { repository: [repository], branches: [branch] };
  },
};
