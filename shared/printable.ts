/**
 * Makes text safe to print. What comes from events, users, builds and clusters may hold control characters, which a
 * terminal obeys: they can rewrite what is on the screen, its title and the clipboard.
 */

/** C0, DEL and C1; marks that turn the direction of text, so that it reads as what it is not; Unicode's line ends. */
const UNSAFE = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** Several lines stay several lines. Every other control character becomes one `?`, so that columns stay in place. */
export function printable(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replaceAll(UNSAFE, (character) => (character === '\n' || character === '\t' ? character : '?'));
}

/** For a cell of a table, or a line of which only a part is somebody else's text. */
export function printableCell(text: string): string {
  return text.replaceAll(UNSAFE, '?');
}

/** The same JSON: JSON.stringify escapes C0 only, and the escapes of the others mean the same. */
export function printableJson(json: string): string {
  return json.replaceAll(UNSAFE, (character) =>
    character === '\n' ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
