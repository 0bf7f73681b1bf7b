/** Percent-encodes and decodes attributes in HTTP headers, by section 3.1.3.2 of the CloudEvents HTTP binding. */

/**
 * Encodes space, `"`, `%` and everything that is not printable ASCII. Works on UTF-8 bytes, since encodeURIComponent
 * throws at lone surrogates.
 */
export function encodeHeaderValue(value: string): string {
  let encoded = '';
  for (const byte of Buffer.from(value, 'utf8')) {
    const plain = byte > 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x25;
    encoded += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}

/** Lenient: also reads values that were not encoded. A `%` that begins no UTF-8 sequence stays as it is. */
export function decodeHeaderValue(value: string): string {
  return unquote(fromLatin1(value)).replace(
    /(?:%[0-9a-f]{2})+/gi,
    (run) => utf8(Buffer.from(run.replaceAll('%', ''), 'hex')) ?? run,
  );
}

/** Node reads header bytes as Latin-1. A value that was sent unencoded is taken for UTF-8 if it is valid UTF-8. */
function fromLatin1(value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is that of ASCII.
  return /^[\x00-\x7f]*$/.test(value) ? value : (utf8(Buffer.from(value, 'latin1')) ?? value);
}

function unquote(value: string): string {
  const quoted = /^"((?:[^"\\]|\\.)*)"$/s.exec(value);
  return quoted?.[1] === undefined ? value : quoted[1].replace(/\\(.)/gs, '$1');
}

function utf8(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
