/** A Dockerfile of the user's: built as it is, with no adapter. */
import { generated } from '#languages/generated-files.ts';
import type { Recipe } from '#languages/language.ts';
import { PermanentError } from '#shared/events/errors.ts';
import { checkDockerfile } from './check-dockerfile.ts';
import { userProblem } from './image-user.ts';

export const dockerRecipe: Recipe = async ({ source }) => {
  if (!source.has('Dockerfile')) {
    throw new PermanentError(
      'InvalidManifest',
      'there is no Dockerfile at the top of the prefix: upload one, or leave parameters.language out, then send build.start again',
    );
  }
  const text = await source.text('Dockerfile');
  if (text === undefined || !/^[^\S\n]*FROM\s+\S/im.test(text)) {
    throw new PermanentError(
      'InvalidManifest',
      `Dockerfile ${text === undefined ? 'is larger than 1 MiB' : 'has no FROM line'}: begin it with a base image, such as "FROM debian:trixie-slim", then send build.start again`,
    );
  }
  const problem = userProblem(checkDockerfile(text));
  if (problem !== undefined) {
    throw new PermanentError('InvalidManifest', `Dockerfile ${problem}, then send build.start again`);
  }
  // The build reads the Dockerfile from our folder. Docker looks for its ignore file beside it, so that is copied as
  // well.
  const ignore = await source.text('Dockerfile.dockerignore');
  return {
    files: [
      generated('Dockerfile', text),
      ...(ignore === undefined ? [] : [generated('Dockerfile.dockerignore', ignore)]),
    ],
    excludes: () => false,
  };
};
