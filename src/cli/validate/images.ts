import type { LocatedProblem } from '../../api/documents.ts';
import type { Loaded } from '../../api/yaml.ts';
import { type MutableImage, mutableImages, mutableImageWarning } from '../../core/runs/mutable-images.ts';
import type { FileProblem } from './scope.ts';

interface First {
  file: string;
  at: LocatedProblem;
  it: MutableImage;
  others: number;
}

/** The images of all files that are named by tag: a warning for each, where it stands first. */
export class MutableImages {
  readonly #first = new Map<string, First>();

  add(file: string, content: Loaded): void {
    if (!content.ok) return;
    for (const it of mutableImages(content.raw)) {
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
