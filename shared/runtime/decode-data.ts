/** Decodes data to what handlers see and what the original event keeps. */
import { isUtf8 } from 'node:buffer';
import type { Content } from './content.ts';
import { isJson, isText, mediaType } from './media-type.ts';
import { parseJson } from './parse-json.ts';

export interface DecodedData {
  /** JSON parsed, text as a string, anything else as bytes. */
  data: unknown;
  /** Why the content type is wrong. `data` are then the bytes, so that the original is kept as it came. */
  problem?: string;
  /** True if the data was too large to be kept. `data` is then undefined. */
  dropped?: boolean;
}

export function decodeData(content: Content, contentType: string | undefined): DecodedData {
  switch (content.kind) {
    case 'none':
      return { data: undefined };
    case 'too large':
      return {
        data: undefined,
        dropped: true,
        problem: `has ${content.size} bytes, at most ${content.limit} are accepted: keep it in S3 and send its key`,
      };
    case 'value':
      return { data: content.value };
    case 'bytes':
      return decodeBytes(content.bytes, contentType);
  }
}

function decodeBytes(bytes: Buffer, contentType: string | undefined): DecodedData {
  if (isJson(contentType) || mediaType(contentType) === '') {
    try {
      return { data: parseJson(bytes) };
    } catch (error) {
      return { data: bytes, problem: error instanceof Error ? error.message : String(error) };
    }
  }
  return { data: isText(contentType) && isUtf8(bytes) ? bytes.toString('utf8') : bytes };
}
