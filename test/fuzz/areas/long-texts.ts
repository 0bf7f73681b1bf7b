/**
 * Long texts made of what parsers look for, again and again: each is read in a time that grows with its length alone.
 */
import * as fc from 'fast-check';
import { parseGoMod } from '#languages/go/go-mod.ts';
import { goSyntax } from '#languages/go/syntax.ts';
import { maskSource } from '#languages/mask-source.ts';
import { nodeNames } from '#languages/node/exported-names.ts';
import { parsePackageJson } from '#languages/node/package-json.ts';
import { pythonNames } from '#languages/python/exported-names.ts';
import { mergeLocks } from '#languages/rust/cargo-lock.ts';
import { parseCargoToml } from '#languages/rust/cargo-toml.ts';
import { rustSyntax } from '#languages/rust/syntax.ts';
import { parseDockerfile } from '#local/kaniko/dockerfile.ts';
import { expandWord } from '#local/kaniko/dockerfile-words.ts';
import { lastError } from '#shared/builds/last-error.ts';
import { PermanentError } from '#shared/events/errors.ts';
import { parametersSchema } from '#shared/events/parameters.ts';
import { pathProblems } from '#shared/packing/safe-paths.ts';
import { checkAttributes } from '#shared/runtime/attributes.ts';
import { decodeHeaderValue } from '#shared/runtime/header-value.ts';
import { isJson, isText } from '#shared/runtime/media-type.ts';
import { parseJson } from '#shared/runtime/parse-json.ts';
import { parseTraceparent } from '#shared/telemetry/traceparent.ts';
import { type Area, quick } from '#test/fuzz/area.ts';
import { plan } from '#test/languages/conformance/sources.ts';

const python = { 'parser.py': 'def handler(event): ...' };

const readers: Record<string, (text: string) => unknown> = {
  python: pythonNames,
  node: nodeNames,
  goSource: (text) => maskSource(text, goSyntax),
  goFile: (text) => plan({ 'go.mod': 'module x', 'p.go': text }, { language: 'go' }),
  rustSource: (text) => maskSource(text, rustSyntax),
  rustFile: (text) => plan({ 'Cargo.toml': '[package]\nname = "x"', 'src/lib.rs': text }, { language: 'rust' }),
  cargoToml: (text) => parseCargoToml(text, () => false),
  cargoLock: (text) => mergeLocks(text, ''),
  dockerfileOfUser: (text) => plan({ Dockerfile: text }),
  requirements: (text) => plan({ ...python, 'requirements.txt': text }),
  packageJson: parsePackageJson,
  pyproject: (text) => plan({ ...python, 'pyproject.toml': text }),
  setupPy: (text) => plan({ ...python, 'setup.py': text }),
  goMod: parseGoMod,
  json: (text) => parseJson(Buffer.from(text)),
  header: decodeHeaderValue,
  handler: (handler) =>
    parametersSchema.safeParse({ handler, env: { [handler]: handler }, scaling: { scale_down_delay: handler } }),
  attributes: (time) => checkAttributes({ specversion: '1.0', id: time, source: time, type: time, time, [time]: time }),
  contentType: (text) => [isJson(text), isText(text), parseTraceparent(text)],
  log: lastError,
  paths: (text) => pathProblems(text.split(' ')),
  dockerfile: parseDockerfile,
  words: (text) => expandWord(text, { a: 'b' }),
};

const PIECES = [
  ' ',
  '\n',
  '\t',
  '\r',
  '\u2028',
  'a',
  'a/',
  '-',
  '.',
  ',',
  ':',
  ';',
  '=',
  '==',
  '*',
  '**/',
  '?',
  '#',
  ' #',
  '//',
  '/*',
  '/',
  '\\',
  '\\"',
  '"',
  '"""',
  "'",
  '`',
  '(',
  ')',
  '[',
  ']',
  '{',
  '}',
  '[a]',
  '{a=',
  '$',
  '$' + '{a:-',
  '%41',
  '%',
  '<',
  '<<',
  '@',
  '!',
  '--',
  '--a=b ',
  '_',
  '0',
  '1e',
  '+',
  'import',
  'from a import (',
  'import a as ',
  'def ',
  'globals(',
  'export ',
  'export{',
  'export function',
  'exports.',
  'module.exports={',
  'async ',
  'class ',
  'get ',
  'package ',
  'func ',
  'require (',
  'replace ',
  'module ',
  'go ',
  'FROM ',
  'ENV a=',
  'COPY ',
  'RUN ',
  'ARG ',
  'AS ',
  'type ',
  'pub ',
  'pub use ',
  'async fn handle',
  'mod ',
  'r#"',
  'a!(',
  '[[package]]\n',
  'name = "a"\n',
  '\u001b[0',
  'true',
  'null',
  '[[a]]\n',
  'a=1\n',
  '"a":1,',
];

const piece = fc.constantFrom(...PIECES);
const few = fc.array(piece, { maxLength: 3 }).map((pieces) => pieces.join(''));

const LENGTH = 100_000;

const input = fc.record({
  reader: fc.constantFrom(...Object.keys(readers)),
  before: few,
  repeated: fc.array(piece, { minLength: 1, maxLength: 3 }).map((pieces) => pieces.join('')),
  between: few,
  again: few,
  after: few,
});

interface Input {
  reader: string;
  before: string;
  repeated: string;
  between: string;
  again: string;
  after: string;
}

export const longTexts: Area = {
  name: 'long texts',
  share: 3,
  async start() {
    const property = fc.asyncProperty(input as fc.Arbitrary<unknown>, async (given) => {
      const { reader, before, repeated, between, again, after } = given as Input;
      const long = (text: string) => text.repeat(Math.floor(LENGTH / 2 / (text.length || 1)));
      const text = before + long(repeated) + between + (again === '' ? '' : long(again)) + after;
      try {
        await quick(() => readers[reader]?.(text));
      } catch (error) {
        // A refusal is an answer, if one that can be told; what overflows the stack is none.
        const isRefusal =
          error instanceof PermanentError || (error as Error).name === 'BuildError' || reader === 'json';
        if (
          !isRefusal ||
          (error instanceof PermanentError && error.message.length > 4000) ||
          /call stack/.test((error as Error).message)
        ) {
          throw error;
        }
      }
    });
    return { property, close: async () => undefined };
  },
};
