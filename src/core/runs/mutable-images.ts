import type { Problem } from '../../api/schema.ts';
import { counted } from '../text/counts.ts';
import { isObject } from './merge.ts';

/** An image that a document names by tag, and where. */
export interface MutableImage {
  image: string;
  path: (string | number)[];
}

/** Where images stand in a spec; `*` is each of a list. */
const IN_SPEC = ['image', 'preflight.image', 'postflight.image', 'steps.*.checks.*.command.image'];
/** Where a document holds a spec, or a part of one: a NodeOp, and what a NodeOpRun overrides. */
const SPECS = ['spec', 'spec.overrides'];
const PLACES = [...SPECS.flatMap((spec) => IN_SPEC.map((it) => `${spec}.${it}`)), 'defaults.image'];

/** The images of a run file, a definition or a configuration that a registry may give another content at any moment. */
export function mutableImages(document: unknown): MutableImage[] {
  return PLACES.flatMap((place) => valuesAt(document, place.split('.'))).flatMap(({ value, path }) =>
    typeof value === 'string' && value !== '' && !value.includes('@') ? [{ image: value, path }] : [],
  );
}

function valuesAt(
  value: unknown,
  [key, ...rest]: readonly string[],
  path: (string | number)[] = [],
): { value: unknown; path: (string | number)[] }[] {
  if (key === undefined) return [{ value, path }];
  if (key === '*')
    return Array.isArray(value) ? value.flatMap((it, i) => valuesAt(it, rest, [...path, i])) : [];
  return isObject(value) ? valuesAt(value[key], rest, [...path, key]) : [];
}

/** Whether an image is meant to become another one: without a tag, or by the tag latest. Other tags are moved by whoever wants to. */
export function isFloating(image: string): boolean {
  const tag = tagOf(image);
  return tag === undefined || tag === 'latest';
}

function tagOf(image: string): string | undefined {
  const colon = image.indexOf(':', image.lastIndexOf('/') + 1);
  return colon < 0 ? undefined : image.slice(colon + 1);
}

/** `others`: in how many more places the same image stands. */
export function mutableImageWarning({ image, path }: MutableImage, others = 0): Problem {
  const tag = tagOf(image);
  const name = tag === undefined ? image : image.slice(0, -tag.length - 1);
  const named = tag === undefined ? 'without a tag, which is the tag latest' : 'by tag';
  const more = others === 0 ? '' : ` (it stands in ${counted(others, 'more place')})`;
  const message = `${image} is named ${named}, and a tag may be moved while a rollout goes on; name the image by digest: ${name}@sha256:…${more}`;
  return { path, message };
}
