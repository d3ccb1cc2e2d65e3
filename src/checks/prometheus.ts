import { z } from 'zod';
import { oneLine } from '../core/text/table.ts';

/** Answers of `/api/v1/query` (Prometheus HTTP API, "Instant queries" and "Expression query result formats"). */

/** Of an empty text JavaScript would make 0, which passes most checks. */
const VALUE = /^(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|[+-]?Inf|NaN)$/i;

/** Time and value; the value is a text, since JSON has no `NaN` and no `+Inf`. */
const Sample = z.tuple([z.number(), z.string().regex(VALUE)]);

const Data = z.discriminatedUnion('resultType', [
  z.object({
    resultType: z.literal('vector'),
    // One of a native histogram has no value.
    result: z.array(z.object({ value: Sample.optional() })),
  }),
  z.object({ resultType: z.literal('scalar'), result: Sample }),
  z.object({ resultType: z.literal('matrix') }),
  z.object({ resultType: z.literal('string') }),
]);

const AnswerSchema = z.union([
  z.object({ status: z.literal('success'), data: Data }),
  z.object({ status: z.literal('error'), errorType: z.string().optional(), error: z.string().optional() }),
]);

/** The values of a vector, or of a number as the only one; or why there are none. */
export function valuesOf({
  status,
  text,
}: {
  status: number;
  text: string;
}): { result: number[] } | { problem: string } {
  const parsed = AnswerSchema.safeParse(fromJson(text));
  if (!parsed.success) {
    return { problem: `status ${status}, and not an answer of Prometheus: ${text}` };
  }
  if (parsed.data.status === 'error') {
    const { errorType = 'error', error = '' } = parsed.data;
    return { problem: `status ${status}, ${oneLine(`${errorType}: ${error}`, Infinity)}` };
  }
  if (status !== 200) return { problem: `status ${status}, expected 200` };
  const { data } = parsed.data;
  if (data.resultType === 'scalar') return { result: [numberOf(data.result[1])] };
  if (data.resultType !== 'vector') {
    return { problem: `the query gives a ${data.resultType}; a vector or a number is needed` };
  }
  const values = data.result.map(({ value }) => value);
  if (values.includes(undefined))
    return { problem: 'the query gives histograms; a vector of numbers is needed' };
  return { result: values.map((it) => numberOf(it?.[1] ?? '')) };
}

function numberOf(text: string): number {
  if (/^[+-]?Inf$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  return Number(text);
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
