/**
 * A state that outlives its process: every change is a line appended to a file, and the lines, replayed, are the state
 * again.
 */
import {
  appendFileSync,
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
import { sayError } from '#shared/say.ts';
import { asDiskError, DiskError } from './disk-error.ts';

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
const NEWLINE = Buffer.from('\n');

/**
 * Appending is a write and no fsync: it hands the line to the kernel, which a process killed afterwards takes nothing
 * from. A machine that loses its power may lose the last lines, which is no concern of a platform for development.
 *
 * The file is written anew at start and whenever most of it is history, beside the old one, which it then replaces in
 * one step. A last line without its end was being written when the process was killed: nobody was told that it was
 * done, so it is dropped. Other lines that cannot be read were spoilt by somebody else. They are put aside, and the
 * rest is the state.
 */
export class Journal<Entry> {
  readonly #file: string;
  readonly #state: JournalState<Entry>;
  /** Undefined once it is closed: the number may be another file's by then. */
  #descriptor: number | undefined;
  #bytes = 0;
  #compactAt = 0;
  /** False where lines had to be put aside: what is missing may be in them. */
  readonly isWhole: boolean;

  /** `told` gets a sentence where lines cannot be read. Throws a DiskError where the file cannot be written. */
  constructor(file: string, state: JournalState<Entry>, told: (line: string) => void = sayError) {
    this.#file = file;
    this.#state = state;
    mkdirSync(dirname(file), { recursive: true });
    const broken = [...replayLines(file, state)];
    this.isWhole = broken.length === 0;
    if (broken.length > 0) {
      const aside = `${file}.broken`;
      appendFileSync(aside, Buffer.concat(broken.flatMap((line) => [line, NEWLINE])), { mode: 0o600 });
      told(
        `${file} was damaged: ${broken.length} of its lines cannot be read and are in ${aside} now. Everything else is there; what was in them is as it was before, or gone (make clean starts anew)`,
      );
    }
    this.#descriptor = this.#rewrite();
  }

  /**
   * Returns once the line is the kernel's. Call it before the change is made in memory: where it throws, there is no
   * change. Throws a DiskError where the disk takes nothing more.
   */
  append(entry: Entry): void {
    let descriptor = this.#descriptor;
    if (descriptor === undefined) {
      throw new Error(`${this.#file} is closed: the platform is ending`);
    }
    // Before the line is written, since the snapshot knows nothing of it yet.
    if (this.#bytes > this.#compactAt) {
      const former = descriptor;
      try {
        descriptor = this.#rewrite();
        this.#descriptor = descriptor;
        closeSync(former);
      } catch (error) {
        if (!(error instanceof DiskError)) {
          throw error;
        }
        // There may be room for a line where there is none for a second file.
        this.#compactAt = this.#bytes + SMALLEST_COMPACTED;
      }
    }
    try {
      this.#bytes += write(descriptor, lineOf(entry));
    } catch (error) {
      // Half a line would spoil the next one.
      ftruncateSync(descriptor, this.#bytes);
      throw asDiskError(error, this.#file);
    }
  }

  close(): void {
    if (this.#descriptor !== undefined) {
      closeSync(this.#descriptor);
      this.#descriptor = undefined;
    }
  }

  /** The descriptor to append with. Where it throws, the file is as it was. */
  #rewrite(): number {
    const next = `${this.#file}.new`;
    rmSync(next, { force: true });
    let descriptor: number | undefined;
    try {
      // For nobody else: Secrets may be among the entries.
      descriptor = openSync(next, 'a', 0o600);
      this.#bytes = this.#writeSnapshot(descriptor);
      renameSync(next, this.#file);
      this.#compactAt = Math.max(SMALLEST_COMPACTED, this.#bytes * GROWTH);
      return descriptor;
    } catch (error) {
      if (descriptor !== undefined) {
        closeSync(descriptor);
      }
      // What it has taken of the disk may be all that is missing.
      rmSync(next, { force: true });
      throw asDiskError(error, this.#file);
    }
  }

  /** How many bytes it has. */
  #writeSnapshot(descriptor: number): number {
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
    return bytes + write(descriptor, Buffer.concat(lines));
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

/** The lines that cannot be read, or that mean nothing to the state. */
function* replayLines<Entry>(file: string, state: JournalState<Entry>): Iterable<Buffer> {
  if (!existsSync(file)) {
    return;
  }
  const content = readFileSync(file);
  let start = 0;
  for (let end = content.indexOf(NEWLINE); end >= 0; end = content.indexOf(NEWLINE, start)) {
    const line = content.subarray(start, end);
    try {
      const entry: unknown = JSON.parse(line.toString('utf8'));
      if (typeof entry !== 'object' || entry === null) {
        throw new Error('no entry');
      }
      state.replay(entry as Entry);
    } catch {
      yield line;
    }
    start = end + 1;
  }
}
