/** Names a content, for a client that asks whether it has changed. */
import { createHash } from 'node:crypto';

/** With the quotes of the header. */
export function etagOf(bytes: Buffer): string {
  return `"${contentName(bytes)}"`;
}

export function contentName(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('base64url').slice(0, 27);
}
