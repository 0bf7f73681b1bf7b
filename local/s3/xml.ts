/** S3's XML, written and read. */

export type Content = string | number | boolean | undefined | Content[] | { [name: string]: Content };

/** An element; a list stands for several of one name, undefined for none. */
export function xml(name: string, content: Content): string {
  if (content === undefined || Array.isArray(content)) {
    return (content ?? []).map((one) => xml(name, one)).join('');
  }
  const inside =
    typeof content === 'object'
      ? Object.entries(content).map(([child, value]) => xml(child, value))
      : // biome-ignore lint/suspicious/noControlCharactersInRegex: a key may hold them.
        [String(content).replace(/[&<>"\u0000-\u001f]/g, (char) => `&#${char.charCodeAt(0)};`)];
  return `<${name}>${inside.join('')}</${name}>`;
}

const NAMED: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** The texts of all elements of that name, whatever they are in. */
export function textsOf(document: string, name: string): string[] {
  return [...document.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map(([, text = '']) =>
    text.replace(/&(?:#(x?)([0-9a-f]{1,5})|(\w+));/gi, (entity, hex: string, code = '', named = '') =>
      code ? String.fromCodePoint(Number.parseInt(code, hex ? 16 : 10)) : (NAMED[named] ?? entity),
    ),
  );
}

/** Becomes an answer of that status. */
export function s3Error(status: number, code: string, message: string): Error & { status: number; code: string } {
  return Object.assign(new Error(message), { status, code });
}
