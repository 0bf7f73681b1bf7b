/**
 * A state that outlives its process: every change is a line appended to a file, and the lines, replayed, are the state
 * again.
 */
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

export interface JournalState<Entry> {
  /** Called for each line of the file, in their order, before the journal can be written to. */
  replay(entry: Entry): void;
  /** As few entries as make the present state. */
  snapshot(): Iterable<Entry>;
}

/** What is written anew below this would hardly be smaller, whatever share of it is history. */
const SMALLEST_COMPACTED = 8 * 1024 ** 2;
/** So that all compactions together write no more than was appended. */
const GROWTH = 3;
const CHUNK_BYTES = 1024 ** 2;
const NEWLINE = 10;

/**
 * Appending is a write and no fsync: it hands the line to the kernel, which a process killed afterwards takes nothing
 * from. A machine that loses its power may lose the last lines, which is no concern of a platform for development.
 *
 * The file is written anew at start and whenever most of it is history, beside the old one, which it then replaces in
 * one step. A last line without its end was being written when the process was killed: nobody was told that it was
 * done, so it is dropped.
 */
export class Journal<Entry> {
  readonly #file: string;
  readonly #state: JournalState<Entry>;
  /** Undefined once it is closed: the number may be another file's by then. */
  #descriptor: number | undefined;
  #bytes = 0;
  #compactAt = 0;

  /** Throws where a line other than the last cannot be read. */
  constructor(file: string, state: JournalState<Entry>) {
    this.#file = file;
    this.#state = state;
    mkdirSync(dirname(file), { recursive: true });
    for (const entry of readEntries<Entry>(file)) {
      state.replay(entry);
    }
    this.#descriptor = this.#rewrite();
  }

  /**
   * Returns once the line is the kernel's. Call it before the change is made in memory: where it throws, there is no
   * change.
   */
  append(entry: Entry): void {
    let descriptor = this.#descriptor;
    if (descriptor === undefined) {
      throw new Error(`${this.#file} is closed: the platform is ending`);
    }
    // Before the line is written, since the snapshot knows nothing of it yet.
    if (this.#bytes > this.#compactAt) {
      this.#descriptor = this.#rewrite();
      closeSync(descriptor);
      descriptor = this.#descriptor;
    }
    try {
      this.#bytes += write(descriptor, lineOf(entry));
    } catch (error) {
      // Half a line would spoil the next one.
      ftruncateSync(descriptor, this.#bytes);
      throw error;
    }
  }

  close(): void {
    if (this.#descriptor !== undefined) {
      closeSync(this.#descriptor);
      this.#descriptor = undefined;
    }
  }

  /** The descriptor to append with. */
  #rewrite(): number {
    const next = `${this.#file}.new`;
    rmSync(next, { force: true });
    // For nobody else: Secrets may be among the entries.
    const descriptor = openSync(next, 'a', 0o600);
    let bytes = 0;
    let lines: Buffer[] = [];
    let waiting = 0;
    for (const entry of this.#state.snapshot()) {
      const line = lineOf(entry);
      lines.push(line);
      waiting += line.length;
      if (waiting > CHUNK_BYTES) {
        bytes += write(descriptor, Buffer.concat(lines));
        lines = [];
        waiting = 0;
      }
    }
    bytes += write(descriptor, Buffer.concat(lines));
    renameSync(next, this.#file);
    this.#bytes = bytes;
    this.#compactAt = Math.max(SMALLEST_COMPACTED, bytes * GROWTH);
    return descriptor;
  }
}

function lineOf(entry: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(entry)}\n`);
}

/** All of it: a write may take less than it is given. */
function write(descriptor: number, content: Buffer): number {
  for (let written = 0; written < content.length; ) {
    written += writeSync(descriptor, content, written);
  }
  return content.length;
}

function* readEntries<Entry>(file: string): Iterable<Entry> {
  if (!existsSync(file)) {
    return;
  }
  const content = readFileSync(file);
  let start = 0;
  for (let end = content.indexOf(NEWLINE); end >= 0; end = content.indexOf(NEWLINE, start)) {
    try {
      yield JSON.parse(content.toString('utf8', start, end)) as Entry;
    } catch (error) {
      throw new Error(
        `${file} cannot be read at byte ${start}: ${(error as Error).message}. What it held is lost: remove the platform's folder to start anew (make clean)`,
        { cause: error },
      );
    }
    start = end + 1;
  }
}
