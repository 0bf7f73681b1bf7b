/** Go's comments and strings, which are masked before a handler is looked for. */
import { BLOCK, LINE, type Syntax, token } from '#languages/mask-source.ts';

export const goSyntax: Syntax = {
  tokens: [
    token('`', /[^`]*/y, '`'),
    token('"', /(?:\\.|[^"\\\n])*/y, '"'),
    token("'", /(?:\\.|[^'\\\n])*/y, "'"),
    token('//', LINE, '', false),
    token('/*', BLOCK, '*/', false),
  ],
};
