/** Comments end at column 120, so that they can be read beside the code. Drawings and addresses may be wider. */
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../../..');
const WIDTH = 120;
const COMMENT = /^\s*(\/\/|\/\*|\*\s|#\s)/;
const MAY_BE_WIDER = /[┼─▶│]|https?:\/\/|biome-ignore/;

const NOT_OURS = new Set(['node_modules', 'dist', '.local', '.git', '.deploy', '.func', 'target', 'fixtures']);

const files = globSync(['**/*.{ts,mjs,go,rs,py,yaml}', 'Makefile', 'Dockerfile'], {
  cwd: ROOT,
  exclude: (path) => path.split('/').some((part) => NOT_OURS.has(part)),
});

test('no comment is wider than 120 columns', () => {
  const wide = files.flatMap((file) =>
    readFileSync(join(ROOT, file), 'utf8')
      .split('\n')
      .flatMap((line, index) =>
        line.length > WIDTH && COMMENT.test(line) && !MAY_BE_WIDER.test(line) ? [`${file}:${index + 1}`] : [],
      ),
  );
  expect(files.length).toBeGreaterThan(500);
  expect(wide).toEqual([]);
});
