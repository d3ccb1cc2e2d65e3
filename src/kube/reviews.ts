import { NODEOP_GROUP } from '../api/nodeop.ts';
import type { Sees } from '../core/page/sees.ts';
import type { KubeClient } from './client.ts';

/** Who somebody is to the cluster. */
interface User {
  name: string;
  uid?: string | undefined;
  groups: readonly string[];
  extra?: Record<string, readonly string[]> | undefined;
}

interface TokenReviewStatus {
  authenticated?: boolean;
  audiences?: string[];
  user?: {
    username?: string;
    uid?: string;
    groups?: string[];
    extra?: Record<string, string[]>;
  };
}

interface Wanted {
  verb: 'list' | 'get';
  group: string;
  resource: string;
  subresource?: string;
}

const LIST: Wanted = { verb: 'list', group: NODEOP_GROUP, resource: 'nodeops' };
const LOGS: Wanted = { verb: 'get', group: '', resource: 'pods', subresource: 'log' };

const TOKEN_REVIEWS = '/apis/authentication.k8s.io/v1/tokenreviews';
const ACCESS_REVIEWS = '/apis/authorization.k8s.io/v1/subjectaccessreviews';

/** What the cluster says of people: whom a token belongs to, and what they may do by its RBAC. Nothing of it is stored there. */
export class AccessReviews {
  readonly #client: Pick<KubeClient, 'request'>;
  readonly #namespace: string;
  readonly #audiences: readonly string[] | undefined;

  /** @param namespace of NodeOps that name none */
  constructor(client: Pick<KubeClient, 'request'>, namespace: string, audiences?: readonly string[]) {
    this.#client = client;
    this.#namespace = namespace;
    this.#audiences = audiences;
  }

  readonly userOf = async (token: string): Promise<User | undefined> => {
    const spec = { token, ...(this.#audiences && { audiences: this.#audiences }) };
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec };
    const { status } = (await this.#client.request('POST', TOKEN_REVIEWS, { body })) as {
      status?: TokenReviewStatus;
    };
    const { username = '', uid, groups = [], extra } = status?.user ?? {};
    // Authenticated without a name would be whoever an empty name stands for.
    if (status?.authenticated !== true || username === '') return undefined;
    // One that says of none for whom the token is has not looked: the token may be meant for somebody else.
    const isForUs = this.#audiences?.some((it) => status.audiences?.includes(it)) ?? true;
    return isForUs ? { name: username, uid, groups, extra } : undefined;
  };

  readonly seesOf = async (user: User): Promise<Sees | undefined> => {
    const nodeOps = await this.#where(user, LIST);
    if (nodeOps === 'none') return undefined;
    return { namespace: this.#namespace, nodeOps, logs: await this.#where(user, LOGS) };
  };

  async #where(user: User, wanted: Wanted): Promise<'none' | 'own' | 'all'> {
    if (await this.#may(user, { ...wanted, namespace: '' })) return 'all';
    return (await this.#may(user, { ...wanted, namespace: this.#namespace })) ? 'own' : 'none';
  }

  async #may(
    { name, uid, groups, extra }: User,
    resourceAttributes: Wanted & { namespace: string },
  ): Promise<boolean> {
    const spec = {
      user: name,
      groups,
      ...(uid !== undefined && { uid }),
      ...(extra && { extra }),
      resourceAttributes,
    };
    const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec };
    const { status } = (await this.#client.request('POST', ACCESS_REVIEWS, { body })) as {
      status?: { allowed?: boolean };
    };
    return status?.allowed === true;
  }
}
