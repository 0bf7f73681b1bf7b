/** A stack as its author reads it: the frames of the function's own files, by their paths in the folder. */
import { printable } from './printable.ts';

/** Of the adapter and of the language itself. */
const NOT_THEIRS = /\.knative-lambda\/|\bnode:internal\b|\(node:|site-packages\/|\/usr\/lib\/|\/usr\/local\/go\//;
const FRAME = /^\s+(at |File )/;

/** Where an image has the function's folder; on a laptop below the folder of the image. */
const FOLDER = /(?:file:\/\/)?(?:\/[^\s()"]*?\/rootfs)?\/app\//;

/** Go writes a frame in two lines: the function, and its place below it. */
const GO_NOT_THEIRS =
  /^(?:created by )?(?:knative-lambda\.local\/adapter|runtime(?:\/debug)?\.|panic\()|^goroutine \d+ \[/;
const GO_PLACE = /^\t\S+\.go:\d+/;

export function ownStack(stack: string): string[] {
  const lines = printable(stack).trimEnd().split('\n');
  return lines
    .filter((line, index) => !GO_NOT_THEIRS.test(GO_PLACE.test(line) ? (lines[index - 1] ?? '') : line))
    .filter((line) => !(FRAME.test(line) && NOT_THEIRS.test(line)))
    .map((line) => (FRAME.test(line) ? line.replace(FOLDER, '') : line));
}
