import type { LocatedProblem } from '../../api/documents.ts';
import type { Loaded } from '../../api/yaml.ts';
import {
  isFloating,
  type MutableImage,
  mutableImages,
  mutableImageWarning,
} from '../../core/runs/mutable-images.ts';
import type { FileProblem } from './scope.ts';

interface First {
  file: string;
  at: LocatedProblem;
  it: MutableImage;
  others: number;
}

/**
 * The images of all files that are named by no tag or by latest: a warning for each, where it stands first. Teams that go by other
 * tags would have one with every file; a plan tells of those.
 */
export class FloatingImages {
  readonly #first = new Map<string, First>();

  add(file: string, content: Loaded): void {
    if (!content.ok) return;
    for (const it of mutableImages(content.raw)) {
      if (!isFloating(it.image)) continue;
      const first = this.#first.get(it.image);
      if (first) {
        first.others += 1;
        continue;
      }
      const [at] = content.locate([mutableImageWarning(it)]);
      if (at) this.#first.set(it.image, { file, at, it, others: 0 });
    }
  }

  warnings(): FileProblem[] {
    return [...this.#first.values()].map(({ file, at, it, others }) => {
      return { ...at, ...mutableImageWarning(it, others), file };
    });
  }
}
