/** Reads answers that do not end: JSON line by line, and server-sent events. */
import { createParser, type EventSourceMessage } from 'eventsource-parser';

export interface SentEvent {
  /** Goes on after this one. */
  id: string | undefined;
  data: string;
}

type Body = ReadableStream<Uint8Array<ArrayBuffer>> | null;

/** Lines that are no JSON are left out: a proxy may have written them. */
export async function* ndjson<T>(body: Body): AsyncGenerator<T> {
  let rest = '';
  for await (const text of textOf(body)) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      yield* parsed<T>(line);
    }
  }
  yield* parsed<T>(rest);
}

export async function* sentEvents(body: Body): AsyncGenerator<SentEvent> {
  const read: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => void read.push(event) });
  for await (const text of textOf(body)) {
    parser.feed(text);
    for (const { id, data } of read.splice(0)) {
      yield { id, data };
    }
  }
}

async function* textOf(body: Body): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const chunk of body ?? []) {
    yield decoder.decode(chunk, { stream: true });
  }
}

function* parsed<T>(line: string): Generator<T> {
  if (line.trim() === '') {
    return;
  }
  try {
    yield JSON.parse(line) as T;
  } catch {
    // Left out.
  }
}
