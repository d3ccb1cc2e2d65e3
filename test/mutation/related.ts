import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const IMPORT = /(?:from|import)\s*\(?\s*'(\.[^']*)'/g;
/** Those start processes or servers, or a whole embedded cluster: too slow to be tried on every mutant. */
const SLOW = /node:child_process|from 'node:http'|src\/sim\/(index|api)/;

/** What imports what, by reading the files. */
export class Imports {
  readonly #root: string;
  readonly #direct = new Map<string, string[]>();

  constructor(root: string) {
    this.#root = root;
  }

  /** Everything that a file needs of the project, itself included. */
  reachedFrom(file: string): Set<string> {
    const reached = new Set([file]);
    for (const one of reached) for (const next of this.#importsOf(one)) reached.add(next);
    return reached;
  }

  isQuick(test: string): boolean {
    return [...this.reachedFrom(test)].every((file) => !SLOW.test(`${file}\n${this.#textOf(file)}`));
  }

  #importsOf(file: string): string[] {
    const known = this.#direct.get(file);
    if (known) return known;
    const found = [...this.#textOf(file).matchAll(IMPORT)].map(([, path = '']) =>
      relative(this.#root, join(this.#root, dirname(file), path)),
    );
    const files = found.filter((it) => it.endsWith('.ts'));
    this.#direct.set(file, files);
    return files;
  }

  #textOf(file: string): string {
    return readFileSync(join(this.#root, file), 'utf8');
  }
}
