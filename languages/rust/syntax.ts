/** Rust's comments and strings, which are masked before a handler is looked for. */
import { BLOCK, LINE, type Syntax, token } from '#languages/mask-source.ts';

/**
 * A comment within a comment ends the outer one early, which may show a function that is commented out but never hides
 * one: the compiler then says that it is not there.
 */
export const rustSyntax: Syntax = {
  tokens: [
    token('//', LINE, '', false),
    token('/*', BLOCK, '*/', false),
    token('r"', /[^"]*/y, '"'),
    token('r#"', /(?:[^"]|"(?!#))*/y, '"#'),
    token('r##"', /(?:[^"]|"(?!##))*/y, '"##'),
    token('"', /(?:\\[\s\S]|[^"\\])*/y, '"'),
    // One character: what is longer is a lifetime, and stays.
    token("'", /(?:\\(?:u\{[0-9a-fA-F_]{1,8}\}|x[0-9a-fA-F]{2}|[^\n])|[^'\\\n])/uy, "'"),
  ],
};
