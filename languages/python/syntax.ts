/** Python's comments and strings, which are masked before a handler is looked for. */
import { DOUBLE, LINE, SINGLE, type Syntax, token } from '#languages/mask-source.ts';

export const pythonSyntax: Syntax = {
  tokens: [
    token('"""', /(?:\\[\s\S]|(?!""")[^\\])*/y, '"""'),
    token("'''", /(?:\\[\s\S]|(?!''')[^\\])*/y, "'''"),
    token('"', DOUBLE, '"'),
    token("'", SINGLE, "'"),
    token('#', LINE, '', false),
  ],
};
