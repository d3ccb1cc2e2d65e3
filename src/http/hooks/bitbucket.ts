import { z } from 'zod';
import { hmac, sameSecret } from '../secret.ts';
import { header, type Provider, type Push } from './provider.ts';

/** A push of more branches and tags is looked at no further: each entry that is wrong costs more than one that is read. */
const MOST = 1000;

/** The first entries of a list, and one more where there are more. */
function firstOf<Entry extends z.ZodType>(entry: Entry) {
  return z
    .array(z.unknown())
    .transform((all) => all.slice(0, MOST + 1))
    .pipe(z.array(entry));
}

const Ref = z.object({ type: z.string(), name: z.string() });
const CloudPush = z.object({
  repository: z.object({ full_name: z.string() }),
  push: z.object({ changes: firstOf(z.object({ new: Ref.nullish(), old: Ref.nullish() })) }),
});

const DataCenterPush = z.object({
  repository: z.object({ slug: z.string(), project: z.object({ key: z.string() }) }),
  changes: firstOf(z.object({ ref: z.object({ type: z.string(), displayId: z.string() }) })),
});

/** Bitbucket Cloud and Data Center: both sign alike, and describe a push each in its own way. */
export const bitbucket: Provider = {
  verify: ({ headers, body }, secret) =>
    sameSecret(header(headers, 'x-hub-signature') ?? '', `sha256=${hmac(secret, [body]).toString('hex')}`),
  push: (payload, headers) => {
    const event = header(headers, 'x-event-key');
    if (event === 'repo:push') return cloud(CloudPush.parse(payload));
    return event === 'repo:refs_changed' ? dataCenter(DataCenterPush.parse(payload)) : undefined;
  },
};

function cloud({ repository, push }: z.infer<typeof CloudPush>): Push {
  const refs = push.changes.flatMap((change) => change.new ?? change.old ?? []);
  const branches = refs.filter(({ type }) => type === 'branch').map(({ name }) => name);
  return { repository: [repository.full_name], branches, isCut: push.changes.length > MOST };
}

function dataCenter({ repository, changes }: z.infer<typeof DataCenterPush>): Push {
  const branches = changes.filter(({ ref }) => ref.type === 'BRANCH').map(({ ref }) => ref.displayId);
  return {
    repository: [`${repository.project.key}/${repository.slug}`],
    branches,
    isCut: changes.length > MOST,
  };
}
