import { formatProblem } from '../../api/schema.ts';
import { load } from '../../api/yaml.ts';
import { mutableImages, mutableImageWarning } from '../../core/runs/mutable-images.ts';
import type { Prepared } from '../../core/runs/prepare/stage.ts';
import { readStored } from '../stored.ts';

/** A document that a run is made of. */
interface Written {
  file: string;
  bytes: Uint8Array;
}

/** Of each image of the run that is named by tag: where somebody wrote it, and what to write instead. */
export function imageNotes({ manifest, definition }: Prepared, run: Written, root: string): string[] {
  const found = mutableImages({ spec: manifest.spec });
  const images = new Map(found.map((it) => [it.image, it] as const));
  if (images.size === 0) return [];
  const bytes = definition && readStored(root, [definition.path]).get(definition.path)?.bytes;
  const written = [run, ...(definition && bytes ? [{ file: definition.path, bytes }] : [])];
  const places = written.flatMap(placesIn);
  return [...images.values()].map((it) => {
    const place = places.find(({ image }) => image === it.image);
    if (place) return place.note;
    return formatProblem(mutableImageWarning({ image: it.image, path: ['defaults', 'image'] }));
  });
}

function placesIn({ file, bytes }: Written): { image: string; note: string }[] {
  const content = load(bytes);
  if (!content.ok) return [];
  return mutableImages(content.raw).flatMap((it) =>
    content.locate([mutableImageWarning(it)]).map((at) => ({
      image: it.image,
      note: `${file}:${at.line ?? 1}:${at.column ?? 1}: ${formatProblem(at)}`,
    })),
  );
}
