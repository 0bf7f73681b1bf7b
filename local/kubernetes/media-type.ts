/** Media types: of a request's body, and of the answer that the client wants. */
import { ApiError } from './api-error.ts';

/** `Metadata`: of the objects, their metadata alone. */
export type Representation = 'Object' | 'Table' | 'Metadata';

const REPRESENTATIONS: Record<string, Representation> = {
  '': 'Object',
  Table: 'Table',
  PartialObjectMetadata: 'Metadata',
  PartialObjectMetadataList: 'Metadata',
};

/** Without parameters, in lower case. */
export function mediaType(text = ''): string {
  return (text.split(';')[0] ?? '').trim().toLowerCase();
}

/** The first of the client's wishes that can be met: plain JSON, or what it asks for by `as=`. */
export function negotiate(accept: string | undefined): Representation {
  for (const wish of (accept || '*/*').split(',')) {
    const representation = REPRESENTATIONS[/;\s*as=(\w*)/.exec(wish)?.[1] ?? ''];
    if (['application/json', 'application/*', '*/*'].includes(mediaType(wish)) && representation) {
      return representation;
    }
  }
  throw new ApiError(406, 'NotAcceptable', 'this API answers in application/json only');
}
