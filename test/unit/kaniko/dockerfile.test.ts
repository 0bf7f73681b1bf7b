/** Reading Dockerfiles: lines, words, variables, ignore files. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BuildError } from '#local/kaniko/build-error.ts';
import { parseDockerfile } from '#local/kaniko/dockerfile.ts';
import { expandWord, splitWords } from '#local/kaniko/dockerfile-words.ts';
import { parseIgnoreFile } from '#local/kaniko/ignore-file.ts';

const only = (text: string) => {
  const instruction = parseDockerfile(`FROM x\n${text}`).stages[0]?.instructions[0];
  if (instruction === undefined) {
    throw new Error('no instruction');
  }
  return instruction;
};

describe('instructions', () => {
  test.each([
    {
      case: 'the shell form',
      text: 'RUN echo "a b"  c',
      is: { keyword: 'RUN', text: 'echo "a b"  c', exec: undefined },
    },
    { case: 'lower case', text: 'run x', is: { keyword: 'RUN' } },
    { case: 'the exec form', text: 'CMD ["a", "b c"]', is: { exec: ['a', 'b c'] } },
    { case: 'what only looks like the exec form', text: "CMD ['a']", is: { exec: undefined, text: "['a']" } },
    { case: 'numbers are no exec form', text: 'CMD ["a", 1]', is: { exec: undefined } },
    { case: 'a continued line', text: 'RUN a \\\n  b \\ \n  c', is: { text: 'a   b   c' } },
    { case: 'comments and empty lines in between', text: 'RUN a \\\n# no\n\n  # no\n  b', is: { text: 'a   b' } },
    { case: 'an escaped backslash does not continue', text: 'RUN a \\\\\nRUN b', is: { text: 'a \\\\' } },
    { case: 'a continuation at the very end', text: 'RUN a \\', is: { text: 'a' } },
    { case: 'a hash within', text: 'RUN a # b', is: { text: 'a # b' } },
    { case: 'Windows lines', text: 'RUN a \\\r\n b\r\n', is: { text: 'a  b' } },
    {
      case: 'flags',
      text: 'COPY --from=build --chown=1:1 a b',
      is: { flags: { from: 'build', chown: '1:1' }, text: 'a b' },
    },
    { case: 'a flag of the command itself', text: 'RUN npm --version', is: { flags: {}, text: 'npm --version' } },
    { case: 'JSON sources', text: 'COPY ["a b", "c/"]', is: { exec: ['a b', 'c/'] } },
    {
      case: 'pairs',
      text: 'ENV A=1 B="x y" C=\'z\'',
      is: {
        pairs: [
          ['A', '1'],
          ['B', '"x y"'],
          ['C', "'z'"],
        ],
      },
    },
    { case: 'the old form of ENV', text: 'ENV A some  words', is: { pairs: [['A', 'some  words']] } },
    {
      case: 'a pair with an escaped blank',
      text: 'ENV A=x\\ y B=2',
      is: {
        pairs: [
          ['A', 'x\\ y'],
          ['B', '2'],
        ],
      },
    },
    {
      case: 'ARG with and without a value',
      text: 'ARG A B=2',
      is: {
        pairs: [
          ['A', undefined],
          ['B', '2'],
        ],
      },
    },
    { case: 'a shift in arithmetic is no here-document', text: 'RUN echo $((1<<2))', is: { text: 'echo $((1<<2))' } },
  ])('$case', ({ text, is }) => {
    expect(only(text)).toMatchObject(is);
  });

  test('stages with names, and ARGs before the first', () => {
    const { stages, globalArgs } = parseDockerfile(
      'ARG V=1\nFROM a:$V AS Build\nRUN x\nFROM --platform=linux/amd64 b\n',
    );
    expect(globalArgs.map(({ pairs }) => pairs)).toEqual([[['V', '1']]]);
    expect(stages.map(({ name, from, instructions }) => [name, from.text, instructions.length])).toEqual([
      ['build', 'a:$V AS Build', 1],
      [undefined, 'b', 0],
    ]);
  });

  test.each([
    { case: 'empty', text: '', says: 'no instructions' },
    { case: 'only comments', text: '# a\n\n', says: 'no instructions' },
    { case: 'before FROM', text: 'RUN x\nFROM y', says: 'line 1: no build stage' },
    { case: 'unknown', text: 'FROM x\n\nFOO bar', says: 'line 3: unknown instruction: FOO' },
    { case: 'without arguments', text: 'FROM x\nRUN', says: 'line 2: RUN requires at least one argument' },
    { case: 'FROM with two words', text: 'FROM x y', says: 'FROM requires either one or three' },
    { case: 'a bad stage name', text: 'FROM x AS 1', says: 'invalid name for build stage' },
    { case: 'ENV without a value', text: 'FROM x\nENV A=1 B', says: 'find = in "B"' },
    { case: 'ENV with a name alone', text: 'FROM x\nENV A', says: 'must have two arguments' },
    { case: 'a here-document', text: 'FROM x\nRUN <<EOF\nhi\nEOF', says: 'here-document is not supported' },
    { case: 'SHELL in the shell form', text: 'FROM x\nSHELL sh', says: 'JSON form' },
  ])('refused: $case', ({ text, says }) => {
    expect(() => parseDockerfile(text)).toThrow(BuildError);
    expect(() => parseDockerfile(text)).toThrow(says);
  });
});

describe('words and variables', () => {
  const variables = { A: 'one', EMPTY: '', SPACE: 'x y', 'A-B': 'no' };
  const brace = (text: string) => `\${${text}}`;
  test.each([
    { text: '$A', is: 'one' },
    { text: `${brace('A')}-$A_`, is: 'one-' },
    { text: '$A-B', is: 'one-B' },
    { text: brace('NONE:-x$A'), is: 'xone' },
    { text: brace('EMPTY:-x'), is: 'x' },
    { text: brace('EMPTY-x'), is: '' },
    { text: brace('A:+y'), is: 'y' },
    { text: brace('NONE:+y'), is: '' },
    { text: brace('A:?gone'), is: 'one' },
    { text: "'$A'", is: '$A' },
    { text: '"$A $SPACE"', is: 'one x y' },
    { text: '\\$A', is: '$A' },
    { text: '"\\$A \\" \\n"', is: '$A " \\n' },
    { text: 'a\\ b', is: 'a b' },
    { text: '$', is: '$' },
    { text: '$/x', is: '$/x' },
    { text: '$toString', is: '' },
  ])('$text', ({ text, is }) => {
    expect(expandWord(text, variables)).toBe(is);
  });

  test.each([
    brace('A'),
    brace('NONE:?must be there'),
    brace('A'),
    "'x",
    '"x',
    '${',
    brace('A!b'),
    brace('A:-x').slice(0, -1),
  ])('an error is a BuildError: %s', (text) => {
    try {
      expandWord(text, variables);
    } catch (error) {
      expect(error).toBeInstanceOf(BuildError);
    }
  });

  test.each([
    { text: ' a  "b c" d\\ e ', is: ['a', '"b c"', 'd\\ e'] },
    { text: `x='y "z'`, is: [`x='y "z'`] },
    { text: '', is: [] },
  ])('splits $text', ({ text, is }) => {
    expect(splitWords(text)).toEqual(is);
  });
});

const dockerfileText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'FROM x',
        'FROM a AS b',
        'ARG A=1',
        '# escape=`',
        'RUN a \\',
        'RUN ["a"',
        'ENV A="',
        'COPY --from=x',
        '\\',
        '`',
      ),
      fc.string({ unit: 'binary' }),
      fc.string({
        unit: fc.constantFrom('\\', '`', '"', "'", '$', '{', '}', ':', '-', ' ', '=', '#', '<', 'A', '[', ']'),
      }),
    ),
  )
  .map((lines) => lines.join('\n'));

test('whatever the text, parsing and expanding throw nothing but BuildError', () => {
  fc.assert(
    fc.property(dockerfileText, (text) => {
      try {
        for (const { instructions } of parseDockerfile(text).stages) {
          for (const instruction of instructions) {
            expandWord(instruction.text, { A: '1' });
          }
        }
      } catch (error) {
        if (!(error instanceof BuildError)) {
          throw error;
        }
      }
    }),
    { numRuns: 500 },
  );
});

test('a word without special characters is itself, quoted or not', () => {
  const plain = fc.stringMatching(/^[a-zA-Z0-9_./:-]+$/);
  fc.assert(
    fc.property(plain, (word) => {
      expect(expandWord(word, {})).toBe(word);
      expect(expandWord(`"${word}"`, {})).toBe(word);
      expect(expandWord(`'${word}'`, {})).toBe(word);
      expect(splitWords(word)).toEqual([word]);
    }),
  );
});

describe('ignore files', () => {
  test.each([
    { file: 'node_modules', path: 'node_modules/a/b', is: true },
    { file: '/dist/', path: 'dist/x', is: true },
    { file: '# no\n\n', path: 'anything', is: false },
    { file: '*\n!keep', path: 'keep', is: false },
    { file: '*\n!keep', path: 'other', is: true },
    { file: '!keep\n*', path: 'keep', is: true },
    { file: '**/.git', path: 'a/.git/config', is: true },
  ])('ignored by $file: $path $is', ({ file, path, is }) => {
    expect(parseIgnoreFile(file)(path)).toBe(is);
  });
});
