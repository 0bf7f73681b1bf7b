/** The files that every generated context has. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PermanentError } from '#shared/events/errors.ts';
import { GENERATED_FOLDER } from '#shared/packing/safe-paths.ts';
import type { GeneratedFile } from '#shared/packing/types.ts';

export function generated(name: string, content: string | Buffer): GeneratedFile {
  return { path: `${GENERATED_FOLDER}/${name}`, content: Buffer.from(content as string) };
}

/** The adapter's own file, under the same name. */
export async function adapterFile(
  adapters: string,
  language: string,
  file: string,
  name = file,
): Promise<GeneratedFile> {
  try {
    return generated(name, await readFile(join(adapters, language, file)));
  } catch (cause) {
    throw new PermanentError(
      'BuildFailed',
      `this installation lacks its ${language} adapter (${join(adapters, language, file)}): run \`npm run build\` and deploy again`,
      { cause },
    );
  }
}

/**
 * The Dockerfile and, beside it, an empty ignore file. Kaniko prefers `Dockerfile.dockerignore` to the context's
 * `.dockerignore`, which users write for their own Dockerfile and which often begins with `*`: it would leave out our
 * files.
 */
export function dockerfile(lines: string[]): GeneratedFile[] {
  return [generated('Dockerfile', `${lines.join('\n')}\n`), generated('Dockerfile.dockerignore', '')];
}

/**
 * Dependencies are installed as root whatever user the base image has, so that the function cannot change its own code.
 */
export const ROOT = 'USER 0';

/** Numeric, so that Kubernetes can check `runAsNonRoot`; the same number as in distroless images. */
export const USER = '65532:65532';

/** Of the code in the image. */
export const FOLDER = '/app';
/** What lies below the layer of this step stays the same where only the code changes. */
export const COPY_CODE = 'COPY . .';

/** What version control and earlier local runs leave behind. */
export function isLitter(path: string): boolean {
  return /^(?:\.git|\.hg|\.svn)\//.test(path) || /(?:^|\/)(?:__pycache__|\.DS_Store)(?:\/|$)/.test(path);
}
