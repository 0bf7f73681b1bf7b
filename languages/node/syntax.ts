/** Node's comments and strings, which are masked before a handler is looked for. */
import { BLOCK, DOUBLE, LINE, SINGLE, type Syntax, token } from '#languages/mask-source.ts';

/**
 * JavaScript and TypeScript. A template's `${…}` is masked with it: nobody exports from in there. A template inside a
 * template ends the outer one early, which may hide an export but never a whole file (see exported-names.ts: what is
 * not understood is accepted).
 */
export const nodeSyntax: Syntax = {
  tokens: [
    token('//', LINE, '', false),
    token('/*', BLOCK, '*/', false),
    token('"', DOUBLE, '"'),
    token("'", SINGLE, "'"),
    token('`', /(?:\\[\s\S]|[^`\\])*/y, '`'),
  ],
  regularExpression: {
    token: token('/', /(?!\*)(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+/y, '/'),
    // After these a slash divides.
    notAfter: /[\w$)\]}]/,
  },
};
