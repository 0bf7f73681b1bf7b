/** Files that are made to keep build-start busy: each took from seconds to hours before, for a megabyte. */
import { expect, test } from 'vitest';
import { quick } from '#test/fuzz/area.ts';
import { type Files, plan } from '#test/languages/conformance/sources.ts';

const LENGTH = 150_000;
const long = (piece: string) => piece.repeat(LENGTH / piece.length);

const node = (source: string): Files => ({ 'parser.js': source });
const python = (source: string): Files => ({ 'parser.py': source });
const rust = (source: string): Files => ({ 'Cargo.toml': '[package]\nname = "p"', 'src/lib.rs': source });
const requirements = (text: string): Files => ({ 'parser.py': 'def handler(event): ...', 'requirements.txt': text });

test.each<{ case: string; files: Files }>([
  { case: 'comments that never end', files: node(long('/* ')) },
  { case: 'a string of quotes that never ends', files: node(`"${long('\\"')}`) },
  { case: 'divisions', files: node(long('a/')) },
  { case: 'regular expressions with open classes', files: node(long('=/[')) },
  { case: 'blanks after function', files: node(`export function${long(' ')}(`) },
  { case: 'export lists that never end', files: node(long('export{')) },
  { case: 'an export that is no name', files: node(`export {${long('a')}-}`) },
  { case: 'exports within exports', files: node(long('module.exports={')) },
  { case: 'blanks after import', files: python(`import${long(' ')}(`) },
  { case: 'blanks before as', files: python(`import a${long(' ')}b`) },
  { case: 'import lists that never end', files: python(long('from a import (\n')) },
  { case: 'blanks in a requirement', files: requirements(`a${long(' ')}!`) },
  { case: 'blanks in a path', files: requirements(`./a${long(' ')}!`) },
  { case: 'brackets in a path', files: requirements(`./a${long('[')}]`) },
  { case: 'comments with other line ends', files: requirements(`a${long(' #')}\u2028x`) },
  { case: 'a package of empty lines', files: { 'go.mod': 'module x', 'p.go': long('\n') } },
  { case: 'public things in Rust', files: rust(long('pub use ')) },
  { case: 'blanks after pub in Rust', files: rust(`pub${long(' ')}x`) },
  { case: 'raw strings of Rust that never end', files: rust(long('r#"')) },
  { case: 'lifetimes of Rust', files: rust(long("'a")) },
  { case: 'a lock file of packages', files: { ...rust(''), 'Cargo.lock': long('[[package]]\n') } },
  { case: 'a Dockerfile of empty lines', files: { Dockerfile: long('\n') } },
  {
    case: 'a manifest of mistakes',
    files: { ...node(''), 'package.json': `{"dependencies":{${long('"a":1,')}"b":1}}` },
  },
])('are read in a moment: $case', async ({ files }) => {
  const message = await quick(() =>
    plan(files).then(
      () => '',
      (error) => error.message,
    ),
  );
  expect(message.length).toBeLessThan(4000);
});
