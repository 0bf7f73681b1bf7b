/** The bytes of one member of a JSON object, untouched: parsing and printing them again would change numbers beyond 2^53. */

/** `json` must be valid JSON whose top is an object. Undefined where it has no such member; of duplicates, the last. */
export function rawMember(json: string, name: string): string | undefined {
  let found: string | undefined;
  let depth = 0;
  let key: string | undefined;
  let valueStart = -1;
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (character === '"') {
      const end = stringEnd(json, at);
      if (depth === 1 && valueStart === -1) {
        key = JSON.parse(json.slice(at, end + 1));
      }
      at = end;
    } else if (character === '{' || character === '[') {
      depth++;
    } else if (character === ':' && depth === 1) {
      valueStart = at + 1;
    } else if (depth === 1 && (character === ',' || character === '}')) {
      if (key === name) {
        found = json.slice(valueStart, at).trim();
      }
      valueStart = -1;
      depth -= character === '}' ? 1 : 0;
    } else if (character === '}' || character === ']') {
      depth--;
    }
  }
  return found;
}

function stringEnd(json: string, start: number): number {
  let at = start + 1;
  while (json[at] !== '"') {
    at += json[at] === '\\' ? 2 : 1;
  }
  return at;
}
