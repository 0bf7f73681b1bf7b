/** Users' own Dockerfiles: read, or refused with a BuildError. */
import * as fc from 'fast-check';
import { BuildError } from '#local/kaniko/build-error.ts';
import { parseDockerfile } from '#local/kaniko/dockerfile.ts';
import { expandWord, splitWords } from '#local/kaniko/dockerfile-words.ts';
import { parseFlags } from '#local/kaniko/flags.ts';
import { readCopy } from '#local/kaniko/read-copy.ts';
import { type Area, quick } from '#test/fuzz/area.ts';
import { hostileText } from '#test/fuzz/hostile.ts';

const piece = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      'FROM',
      'from',
      'RUN',
      'COPY',
      'ADD',
      'ENV',
      'ARG',
      'LABEL',
      'CMD',
      'ENTRYPOINT',
      'USER',
      'WORKDIR',
      'SHELL',
      'ONBUILD',
      'HEALTHCHECK',
      'VOLUME',
    ),
  },
  {
    weight: 5,
    arbitrary: fc.constantFrom(
      ' ',
      ' ',
      '\n',
      '\n',
      '\r\n',
      '\\\n',
      '`\n',
      '\t',
      '"',
      "'",
      '\\',
      '=',
      '$',
      '$' + '{',
      '}',
      ':-',
      ':?',
      '[',
      ']',
      '["',
      '","',
      '<<EOF',
      '#',
      '# escape=`\n',
      '--from=',
      '--chmod=',
      '--mount=',
      '*',
      '**/',
      '!',
      '?',
      '../',
      '/',
    ),
  },
  fc.constantFrom(
    'a',
    'scratch',
    'AS b',
    'A=b',
    '$A',
    '755',
    '-1',
    '99999999999',
    'constructor',
    '__proto__',
    'http://x/',
    '.',
  ),
  hostileText,
);

const text = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''));
const variables = { A: 'a', B: '', __proto__: null } as unknown as Record<string, string>;

export const dockerfiles: Area = {
  name: 'Dockerfiles',
  share: 10,
  async start() {
    const property = fc.asyncProperty(
      fc.tuple(text, fc.array(text, { maxLength: 4 })) as fc.Arbitrary<unknown>,
      async (given) => {
        const [content, args] = given as [string, string[]];
        await quick(() => {
          refusedOrNot(() => readAll(`FROM a\n${content}`));
          refusedOrNot(() => readAll(content));
          refusedOrNot(() => void parseFlags(args.map((arg) => `--${arg}`)));
        });
      },
    );
    return { property, close: async () => undefined };
  },
};

function readAll(content: string): void {
  const { stages } = parseDockerfile(content);
  const expand = (word: string) => expandWord(word, variables);
  for (const instruction of stages.flatMap(({ instructions }) => instructions)) {
    refusedOrNot(() => {
      for (const word of splitWords(instruction.text)) {
        expand(word);
      }
      if (['COPY', 'ADD'].includes(instruction.keyword)) {
        const { step } = readCopy(instruction, { expand, absolute: (path) => `/${path}` });
        if (step.mode !== undefined && !(step.mode >= 0 && step.mode <= 0o7777)) {
          throw new Error(`has the mode ${step.mode}`);
        }
      }
    });
  }
}

function refusedOrNot(run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof BuildError)) {
      throw error;
    }
  }
}
