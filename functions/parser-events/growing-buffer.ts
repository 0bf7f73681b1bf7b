/**
 * Bytes that come in pieces. Kept as pieces, one MiB that comes byte by byte would take hundreds of times that: each
 * Buffer is an object with memory of its own.
 */
export class GrowingBuffer {
  #bytes: Buffer = Buffer.alloc(0);
  length = 0;

  append(piece: Buffer): void {
    const needed = this.length + piece.length;
    if (this.length === 0) {
      // Most answers come in one piece.
      this.#bytes = piece;
    } else {
      if (needed > this.#bytes.length) {
        const larger = Buffer.allocUnsafe(Math.max(needed * 2, 4096));
        this.#bytes.copy(larger, 0, 0, this.length);
        this.#bytes = larger;
      }
      piece.copy(this.#bytes, this.length);
    }
    this.length = needed;
  }

  bytes(): Buffer {
    return this.#bytes.subarray(0, this.length);
  }
}
