/** Reads Content-Type headers. */

/** Without parameters, in lower case; empty where there is none. */
export function mediaType(contentType: string | undefined): string {
  return (contentType?.split(';', 1)[0] ?? '').trim().toLowerCase();
}

/** Of structured mode and of batches: the body holds the attributes. Everything else is binary mode. */
export function isStructured(contentType: string | undefined): boolean {
  return mediaType(contentType).startsWith('application/cloudevents');
}

export function isJson(contentType: string | undefined): boolean {
  return /^[^/\s]+\/([^/\s]+\+)?json$/.test(mediaType(contentType));
}

export function isText(contentType: string | undefined): boolean {
  return /^text\/|^application\/([^/\s]+\+)?(xml|yaml)$/.test(mediaType(contentType));
}
