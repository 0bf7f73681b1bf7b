/** Content negotiation: plain JSON, or a representation that kubectl asks for by `as=`. */
import { ApiError } from './api-error.ts';

export interface MediaType {
  /** `application/json` and the like, in lower case. */
  type: string;
  parameters: Record<string, string>;
}

/** How an answer is to look. `group` and `version` are those of the representation, not of the object. */
export interface Representation {
  as: 'Object' | 'Table' | 'PartialObjectMetadata' | 'APIGroupDiscoveryList';
  version: string;
}

const KNOWN: Record<string, Representation['as']> = {
  Table: 'Table',
  PartialObjectMetadata: 'PartialObjectMetadata',
  PartialObjectMetadataList: 'PartialObjectMetadata',
  APIGroupDiscoveryList: 'APIGroupDiscoveryList',
};
const JSON_TYPES = ['application/json', 'application/*', '*/*'];

export function parseMediaType(text: string): MediaType {
  const [type = '', ...rest] = text.split(';').map((part) => part.trim());
  const parameters = Object.fromEntries(rest.map((part) => part.split('=', 2).map((half) => half.trim())));
  return { type: type.toLowerCase(), parameters };
}

/** The first of the client's wishes that can be met, as kube-apiserver reads the header (it ignores `q`). */
export function negotiate(accept: string | undefined, possible: Representation['as'][]): Representation {
  const wishes = (accept || '*/*').split(',').map(parseMediaType);
  for (const { type, parameters } of wishes) {
    if (!JSON_TYPES.includes(type)) {
      continue;
    }
    const asked = parameters['as'];
    if (asked === undefined) {
      return { as: 'Object', version: '' };
    }
    const as = KNOWN[asked];
    if (as && possible.includes(as)) {
      return { as, version: parameters['v'] ?? 'v1' };
    }
  }
  throw new ApiError(
    406,
    'NotAcceptable',
    'only the following media types are accepted: application/json, application/json;stream=watch',
  );
}
