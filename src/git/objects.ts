import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { LocalGitError, TransientError } from '../api/errors.ts';
import { BatchParser } from './batch.ts';

/** An object as git keeps it, without its header. */
export interface GitObject {
  id: string;
  type: string;
  bytes: Buffer;
}

interface Question {
  limit: number;
  resolve: (object: GitObject | undefined) => void;
  reject: (why: Error) => void;
}

/** After a look at the branches nobody asks for a while, and the process would hold memory for nothing. */
const IDLE_MS = 1000;

/**
 * Objects of one repository by `git cat-file --batch`: to start a process takes a hundred times as long as to read an
 * object. It stays for as long as somebody asks, and keeps no other process alive.
 */
export class ObjectReader {
  readonly #start: () => ChildProcessWithoutNullStreams;
  readonly #timeoutMs: number;
  #batch: Batch | undefined;

  /** @param start begins the process */
  constructor(start: () => ChildProcessWithoutNullStreams, timeoutMs: number) {
    this.#start = start;
    this.#timeoutMs = timeoutMs;
  }

  /** By an object id or any other name; undefined when there is none. Of one larger than `limit` bytes a stand-in is given. */
  read(name: string, limit: number): Promise<GitObject | undefined> {
    // It would be two names.
    if (name.includes('\n')) return Promise.resolve(undefined);
    if (this.#batch?.isOver !== false) this.#batch = new Batch(this.#start(), this.#timeoutMs);
    return this.#batch.ask(name, limit);
  }

  /** To be told when another repository takes the place of this one. */
  close(): void {
    this.#batch?.end();
    this.#batch = undefined;
  }
}

/** One process, from its start to its end. */
class Batch {
  isOver = false;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #timeoutMs: number;
  readonly #questions: Question[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isCorked = false;

  constructor(child: ChildProcessWithoutNullStreams, timeoutMs: number) {
    this.#child = child;
    this.#timeoutMs = timeoutMs;
    const parser = new BatchParser(
      () => this.#questions[0]?.limit ?? Infinity,
      (bytes, _, header) => this.#answer(bytes, header),
    );
    child.stdout.on('data', (piece: Buffer) => {
      this.#timer?.refresh();
      parser.push(piece);
    });
    // A git that ends early says why by other means.
    child.stdin.on('error', () => undefined);
    child.on('error', (error) => this.#fail(error));
    const said = text(child.stderr).catch(() => '');
    child.once('close', (code) => {
      this.isOver = true;
      void said.then((words) => {
        const why = words.trim() || `ended with ${code ?? 'a signal'}`;
        this.#fail(new LocalGitError(why, code ?? undefined));
      });
    });
  }

  ask(name: string, limit: number): Promise<GitObject | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<GitObject | undefined>();
    if (this.#questions.push({ limit, resolve, reject }) === 1) this.#wait();
    this.#write(`${name}\n`);
    return promise;
  }

  end(): void {
    this.isOver = true;
    // What was asked is answered still, within the same time.
    if (this.#questions.length === 0) clearTimeout(this.#timer);
    this.#child.stdin.end();
  }

  /** What is asked at once is written at once. */
  #write(line: string): void {
    const { stdin } = this.#child;
    if (!this.#isCorked) {
      this.#isCorked = true;
      stdin.cork();
      process.nextTick(() => {
        this.#isCorked = false;
        stdin.uncork();
      });
    }
    stdin.write(line);
  }

  #answer(bytes: Buffer | undefined, header: string): void {
    const [id = '', type = ''] = header.split(' ');
    this.#questions.shift()?.resolve(bytes && { id, type, bytes });
    if (this.#questions.length === 0) this.#rest();
  }

  #wait(): void {
    this.#hold(true);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#fail(new TransientError(`git cat-file: said nothing for ${this.#timeoutMs} ms`));
      this.#child.kill();
    }, this.#timeoutMs);
  }

  #rest(): void {
    this.#hold(false);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.end(), IDLE_MS).unref();
  }

  /** Whether this process waits for the other one to end. */
  #hold(isHeld: boolean): void {
    const { stdin, stdout, stderr } = this.#child;
    const pipes = [stdin, stdout, stderr] as unknown as Socket[];
    for (const it of [this.#child, ...pipes]) {
      if (isHeld) it.ref();
      else it.unref();
    }
  }

  #fail(why: Error): void {
    this.isOver = true;
    clearTimeout(this.#timer);
    for (const { reject } of this.#questions.splice(0)) reject(why);
  }
}
