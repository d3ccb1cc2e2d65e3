import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { BatchParser } from '../../src/git/batch.ts';

const LIMIT = 20;
/** What git says in place of an object. */
const NONE = ['missing', 'ambiguous', 'submodule'];
const object = fc.option(fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constant(Buffer.from('a blob 3\nb'))));

test('contents are told apart wherever the answer is cut; those that are too large are passed over', () => {
  fc.assert(
    fc.property(fc.array(object), fc.array(fc.nat(30)), (objects, cuts) => {
      const answer = Buffer.concat(
        objects.flatMap((it, i) =>
          it
            ? [Buffer.from(`${i} blob ${it.length}\n`), it, Buffer.from('\n')]
            : [Buffer.from(`${i} ${NONE[i % NONE.length]}\n`)],
        ),
      );
      const taken: (Buffer | undefined)[] = [];
      const parser = new BatchParser(
        () => LIMIT,
        (bytes, i) => {
          expect(i).toBe(taken.length);
          taken.push(bytes && Buffer.from(bytes));
        },
      );
      let at = 0;
      for (const size of cuts) {
        parser.push(answer.subarray(at, at + size));
        at += size;
      }
      parser.push(answer.subarray(at));
      const wanted = objects.map((it) =>
        it === null ? undefined : Buffer.from(it.length > LIMIT ? new Uint8Array(LIMIT + 1) : it),
      );
      expect(taken).toEqual(wanted);
    }),
    { numRuns: 1000 },
  );
});
