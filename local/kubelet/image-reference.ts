/** Image references: `repository[:tag][@sha256:hex]`. */

export interface ImageReference {
  repository: string;
  /** `latest` where neither tag nor digest is given. */
  tag: string | undefined;
  /** 64 hex. */
  digest: string | undefined;
}

const REFERENCE =
  /^(?<repository>(?:[a-zA-Z0-9][a-zA-Z0-9.-]*(?::[0-9]+)?\/)?[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*)(?::(?<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@sha256:(?<digest>[0-9a-f]{64}))?$/;

/** Undefined where it is none. */
export function parseImageReference(text: string): ImageReference | undefined {
  const groups = text.length > 512 ? undefined : REFERENCE.exec(text)?.groups;
  const repository = groups?.['repository'];
  if (groups === undefined || repository === undefined) {
    return undefined;
  }
  const { tag, digest } = groups;
  return { repository, tag: tag ?? (digest === undefined ? 'latest' : undefined), digest };
}
