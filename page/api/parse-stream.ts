/** Text that comes in pieces, cut anywhere, read as server-sent events or as lines of JSON. */

export interface ServerEvent {
  id?: string;
  data: string;
}

/** Gives the whole lines of what has come so far, and keeps the rest. */
function lineReader(): (piece: string) => string[] {
  let rest = '';
  return (piece) => {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    return lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
  };
}

/** By the rules of HTML: fields until an empty line, comments begin with a colon. */
export function serverEventReader(): (piece: string) => ServerEvent[] {
  const lines = lineReader();
  let id: string | undefined;
  let data: string[] = [];
  /** The event that an empty line ends, if there is one. */
  const take = (line: string): ServerEvent[] => {
    if (line === '') {
      const ended = data.length === 0 ? [] : [{ data: data.join('\n'), ...(id === undefined ? {} : { id }) }];
      data = [];
      return ended;
    }
    const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
    if (field === 'data') {
      data.push(value);
    } else if (field === 'id') {
      id = value;
    }
    return [];
  };
  return (piece) => lines(piece).flatMap(take);
}

/** What is no JSON is left out: a line that was cut when the connection broke. */
export function jsonLineReader<Item>(): (piece: string) => Item[] {
  const lines = lineReader();
  return (piece) => lines(piece).flatMap((line) => parsed<Item>(line));
}

export function parsed<Item>(text: string): Item[] {
  try {
    return text.trim() === '' ? [] : [JSON.parse(text) as Item];
  } catch {
    return [];
  }
}
