import { apiVersionOf } from '../resources.ts';
import type { Obj } from '../store/object.ts';
import { fieldMatcher, labelMatcher, type Matcher } from '../store/selectors.ts';
import type { Store } from '../store/store.ts';
import type { CustomType } from './crd.ts';
import type { ContainerLogs } from '../node/log.ts';
import { answerLog } from './log.ts';
import type { ApiRequest, ApiResponse, Target } from './request.ts';
import { readScale } from './scale.ts';
import { table, tableFormat, type TableFormat } from './table.ts';
import { watch } from './watch.ts';

export interface ReaderOptions {
  store: Store;
  /** The logs of a pod by container. */
  log: (pod: Obj) => Map<string, ContainerLogs>;
  /** Milliseconds between the bookmarks of a watch. */
  bookmarkMs: number;
}

/** Answers GET: one object, a list, a watch. */
export class Reader {
  private readonly options: ReaderOptions;
  private readonly custom: ReadonlyMap<string, CustomType>;

  constructor(options: ReaderOptions, custom: ReadonlyMap<string, CustomType>) {
    this.options = options;
    this.custom = custom;
  }

  get(request: ApiRequest, response: ApiResponse, url: URL, target: Target) {
    const { store } = this.options;
    const asTable = request.headers.accept?.includes('as=Table') === true;
    const whole = url.searchParams.get('includeObject') === 'Object';
    const format = asTable
      ? tableFormat(target.type.kind, this.custom.get(target.key)?.columns, whole)
      : undefined;
    if (target.name !== undefined) {
      const object = store.read(target.key, target.name, target.namespace);
      if (target.subresource === 'log') {
        const asked = { query: url.searchParams, response, clock: store.clock };
        return answerLog(object, this.options.log(object), asked);
      }
      if (target.subresource === 'scale') return { code: 200, body: readScale(object) };
      return { code: 200, body: format ? table(format, [object]) : object };
    }
    const fields = url.searchParams.get('fieldSelector') ?? '';
    const matcher = bothMatch(
      labelMatcher(url.searchParams.get('labelSelector') ?? ''),
      fieldMatcher(fields),
    );
    if (url.searchParams.get('watch') === 'true' || url.searchParams.get('watch') === '1') {
      watch(this.options, response, url, target, matcher, format);
      return undefined;
    }
    return this.list(url, target, matcher, fields, format);
  }

  private list(url: URL, target: Target, matcher: Matcher, fields: string, format: TableFormat | undefined) {
    const { store } = this.options;
    const limit = Number(url.searchParams.get('limit') ?? 0);
    const token = url.searchParams.get('continue');
    const node = /^spec\.nodeName=([^,]+)$/.exec(fields)?.[1];
    const page = store.page(target.key, matcher, {
      ...(target.namespace === undefined ? {} : { namespace: target.namespace }),
      ...(node === undefined || target.key !== 'pods' ? {} : { node }),
      ...(limit > 0 ? { limit } : {}),
      ...(token === null ? {} : { token }),
    });
    if (format) return { code: 200, body: table(format, page.items, String(page.version), page.next) };
    const metadata = {
      resourceVersion: String(page.version),
      ...(page.next === undefined ? {} : { continue: page.next }),
    };
    return {
      code: 200,
      body: {
        kind: `${target.type.kind}List`,
        apiVersion: apiVersionOf(target.type),
        metadata,
        items: page.items,
      },
    };
  }
}

function bothMatch(a: Matcher, b: Matcher): Matcher {
  return (object) => a(object) && b(object);
}
