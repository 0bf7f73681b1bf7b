/** Log lines. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { bounded } from '#shared/bounded-text.ts';
import { PermanentError } from '#shared/events/errors.ts';
import { createLog } from '#shared/telemetry/log.ts';

function lines(level: 'info' | 'silent' = 'info') {
  const written: Record<string, unknown>[] = [];
  const log = createLog({ function: 'demo' }, level, { write: (line) => void written.push(JSON.parse(line)) });
  return { log, written };
}

test('a line has time, level in words, and what binds it', () => {
  const { log, written } = lines();
  log.child({ traceid: 't' }).warn({ a: 1 }, 'careful');
  expect(written).toEqual([
    {
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      function: 'demo',
      traceid: 't',
      a: 1,
      msg: 'careful',
    },
  ]);
});

test('an error is told with its causes, but not with what an upstream hung on it', () => {
  const { log, written } = lines();
  const cause = Object.assign(new Error('x'.repeat(5000)), {
    code: 409,
    body: 'secret',
    headers: { authorization: 'secret' },
  });
  log.error({ err: new PermanentError('NoSource', 'there is no source', { cause }) });
  expect(written[0]?.['err']).toEqual({
    type: 'PermanentError',
    message: 'there is no source',
    reason: 'NoSource',
    stack: expect.stringContaining('log.test.ts'),
    cause: {
      type: 'Error',
      message: expect.stringMatching(/^x{1000}… \(5000 characters\)$/),
      code: 409,
      stack: expect.any(String),
    },
  });
  expect(JSON.stringify(written)).not.toContain('secret');
});

test('a cause that causes itself ends', () => {
  const { log, written } = lines();
  const error = new Error('round');
  error.cause = error;
  log.error({ err: error });
  expect(written).toHaveLength(1);
});

test.each([
  { case: 'short', value: 'abc', expected: 'abc' },
  { case: 'long', value: 'abcdef', expected: 'abcd… (6 characters)' },
])('bounded: $case', ({ value, expected }) => {
  expect(bounded(value, 4)).toBe(expected);
});

test('all lines before an exit are written, in their order', async () => {
  const program = `import { createLog } from '#shared/telemetry/log.ts';
    const log = createLog({}, 'info');
    setTimeout(() => { for (const msg of 'abc') log.info(msg); process.exit(0); }, 1);`;
  const cwd = fileURLToPath(new URL('../../..', import.meta.url));
  const runs = Array.from({ length: 8 }, async () => {
    const args = ['--input-type=module', '--eval', program];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd });
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).msg);
  });
  expect(new Set((await Promise.all(runs)).map(String))).toEqual(new Set(['a,b,c']));
});
