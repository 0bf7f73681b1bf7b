/** `.dockerignore`: what of the context COPY does not see. */
import dockerignore from '@balena/dockerignore';

/** True for what is left out. Paths are relative to the context. */
export function parseIgnoreFile(content: string): (path: string) => boolean {
  const file = dockerignore.default().add(content);
  return (path) => file.ignores(path);
}
