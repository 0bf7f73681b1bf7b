/** Reads the name under which an image is pushed, and the digest that the push reports. */

export interface ImageName {
  /** Up to the first slash. */
  registry: string;
  /** Registry and path, without tag. A digest is appended to it. */
  repository: string;
  tag: string;
}

/** Thrown for an IMAGE that cannot be pushed to. */
export class ImageNameError extends Error {
  override readonly name = 'ImageNameError';
}

const EXAMPLE = 'for example IMAGE=registry.example.com/team/knative-lambda';
const REGISTRY = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::\d{1,5})?|\[[0-9a-fA-F:]+\](?::\d{1,5})?)$/;
const PATH = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;

/** Parses `host[:port]/path[:tag]`. The tag is `defaultTag` where there is none. */
export function parseImageName(text: string | undefined, defaultTag: string): ImageName {
  const refuse = (problem: string) => new ImageNameError(`IMAGE ${problem}, ${EXAMPLE}`);
  if (!text) {
    throw refuse('is not set: name the repository to push to');
  }
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    throw refuse(`is ${JSON.stringify(text)}: leave out the scheme`);
  }
  if (text.includes('@')) {
    throw refuse(
      `is ${JSON.stringify(text)}: the digest is known only when the image is built, so give a tag or nothing`,
    );
  }
  const slash = text.indexOf('/');
  const registry = text.slice(0, Math.max(slash, 0));
  // Without a host some programs take "team/name" for an image of Docker Hub, and others refuse it.
  if (!REGISTRY.test(registry) || !(/[.:[]/.test(registry) || registry === 'localhost')) {
    throw refuse(`is ${JSON.stringify(text)}: begin it with the registry's host (docker.io for Docker Hub)`);
  }
  const [path = '', tag = defaultTag, ...more] = text.slice(slash + 1).split(':');
  const wrong = path.split('/').find((part) => !PATH.test(part));
  if (wrong !== undefined) {
    throw refuse(
      `is ${JSON.stringify(text)}: ${JSON.stringify(wrong)} is no part of a path; use a-z, 0-9 and . _ - between them`,
    );
  }
  if (more.length > 0 || !TAG.test(tag)) {
    throw refuse(`is ${JSON.stringify(text)}: a tag is up to 128 of A-Z, a-z, 0-9, . _ -`);
  }
  return { registry, repository: `${registry}/${path}`, tag };
}

/** The first digest in the output of an engine or of Kaniko, or in a digest file. */
export function findDigest(output: string): string | undefined {
  return /sha256:[0-9a-f]{64}(?![0-9a-f])/.exec(output)?.[0];
}
