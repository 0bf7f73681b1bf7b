/** What no builder can read in a Dockerfile: told before a build, which would try it three times. */
import { invalidManifest } from '#languages/invalid-manifest.ts';
import { DOCKERFILE, type Instruction, instructionsOf } from './instructions.ts';

const INSTRUCTIONS = new Set(
  `ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER VOLUME
  WORKDIR`.split(/\s+/),
);

/** Its instructions. Throws PermanentError InvalidManifest with the line. */
export function checkDockerfile(text: string): Instruction[] {
  const instructions: Instruction[] = [];
  let begun = false;
  for (const instruction of instructionsOf(text)) {
    checkKeyword(instruction, begun);
    begun ||= instruction.keyword === 'FROM';
    instructions.push(instruction);
  }
  return instructions;
}

function checkKeyword({ keyword, word, line }: Instruction, begun: boolean): void {
  if (!INSTRUCTIONS.has(keyword)) {
    throw invalidManifest(
      DOCKERFILE,
      { line },
      `begins with ${JSON.stringify(word.slice(0, 50))}, which is no instruction. Mend it (a line that goes on ends with a backslash)`,
    );
  }
  if (!begun && keyword !== 'FROM' && keyword !== 'ARG') {
    throw invalidManifest(DOCKERFILE, { line }, `has ${keyword} before the first FROM. Begin with a base image`);
  }
}
