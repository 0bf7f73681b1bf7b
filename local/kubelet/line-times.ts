/**
 * When each line of a container's log was written. Containers write into their files themselves, so a line has the time
 * of the last write before it was first looked at. A line keeps its time, and no two have the same, as on a node: who
 * reads on after a time neither misses lines nor gets them twice.
 */
export class LineTimes {
  readonly #times: string[] = [];
  #known = 0;
  #millisecond = 0;
  /** Of the last line, and how many there were before it in that millisecond. */
  #last = -1;
  #inMillisecond = 0;

  /** RFC 3339 with nanoseconds, for each whole line of `text`, which is all that was written so far. */
  of(text: Buffer, writtenAt: Date): string[] {
    this.#millisecond = Math.max(this.#millisecond, Math.floor(writtenAt.getTime()));
    for (let end = text.indexOf(0x0a, this.#known); end >= 0; end = text.indexOf(0x0a, this.#known)) {
      this.#known = end + 1;
      this.#times.push(this.#next());
    }
    return this.#times;
  }

  #next(): string {
    if (this.#last !== this.#millisecond) {
      this.#last = this.#millisecond;
      this.#inMillisecond = 0;
    } else if (this.#inMillisecond === 999_999) {
      this.#millisecond += 1;
      return this.#next();
    } else {
      this.#inMillisecond += 1;
    }
    const whole = new Date(this.#millisecond).toISOString();
    return whole.replace('Z', `${String(this.#inMillisecond).padStart(6, '0')}Z`);
  }
}
