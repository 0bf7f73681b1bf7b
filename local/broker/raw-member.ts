/**
 * The bytes of one member of a JSON object, untouched: parsing and printing them again would change numbers beyond
 * 2^53.
 */

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]/gs;

/** `json` must be valid JSON whose top is an object. Undefined where it has no such member; of duplicates, the last. */
export function rawMember(json: string, name: string): string | undefined {
  let found: string | undefined;
  let depth = 0;
  let key: unknown;
  let start = -1;
  for (const { 0: token, index } of json.matchAll(TOKEN)) {
    const ends = depth === 1 && (token === ',' || token === '}');
    if (ends && key === name) {
      found = json.slice(start, index).trim();
    }
    if (ends) {
      start = -1;
    } else if (depth === 1 && start === -1 && token.startsWith('"')) {
      key = JSON.parse(token);
    } else if (depth === 1 && start === -1 && token === ':') {
      start = index + 1;
    }
    depth += '{['.includes(token) ? 1 : '}]'.includes(token) ? -1 : 0;
  }
  return found;
}
