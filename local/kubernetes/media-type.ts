/** Media types: of a request's body, and of the answer that the client wants. */
import { ApiError } from './api-error.ts';

export interface MediaType {
  /** `application/json` and the like, in lower case. */
  type: string;
  parameters: Record<string, string>;
}

/** `Metadata`: of the objects, their metadata alone. */
export type Representation = 'Object' | 'Table' | 'Metadata';

const REPRESENTATIONS: Record<string, Representation> = {
  Table: 'Table',
  PartialObjectMetadata: 'Metadata',
  PartialObjectMetadataList: 'Metadata',
};
const JSON_TYPES = ['application/json', 'application/*', '*/*'];

export function parseMediaType(text: string): MediaType {
  const [type = '', ...rest] = text.split(';').map((part) => part.trim());
  const parameters = Object.fromEntries(rest.map((part) => part.split('=', 2).map((half) => half.trim())));
  return { type: type.toLowerCase(), parameters };
}

/** The first of the client's wishes that can be met: plain JSON, or what it asks for by `as=`. */
export function negotiate(accept: string | undefined): Representation {
  for (const { type, parameters } of (accept || '*/*').split(',').map(parseMediaType)) {
    const asked = parameters['as'];
    const representation = asked === undefined ? 'Object' : REPRESENTATIONS[asked];
    if (JSON_TYPES.includes(type) && representation) {
      return representation;
    }
  }
  throw new ApiError(406, 'NotAcceptable', 'this API answers in application/json only');
}
