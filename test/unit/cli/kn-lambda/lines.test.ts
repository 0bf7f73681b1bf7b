/** Lines of a log as a person reads them. */
import { expect, test } from 'vitest';
import { explanationText } from '#cli/kn-lambda/render/explanation.ts';
import { logText } from '#cli/kn-lambda/render/lines.ts';

const plain = (_style: string, text: string) => text;
const line = (text: string) =>
  logText({ time: '2026-11-27T10:00:00.5Z', pod: 'fn-a-00001-deployment-abc', text }, plain);

test.each([
  ['plain text', '10:00:00.500  deployment-abc  plain text'],
  ['{"level":"info","msg":"called","n":3,"event":"e","time":"t"}', '10:00:00.500  deployment-abc  called  n=3'],
  ['{"level":"error","msg":"no","why":"x"}', '10:00:00.500  deployment-abc  error: no  why=x'],
  ['{"some":"json"}', '10:00:00.500  deployment-abc  {"some":"json"}'],
  ['{broken', '10:00:00.500  deployment-abc  {broken'],
  ['evil \u001b[31m\u202e', '10:00:00.500  deployment-abc  evil ?[31m?'],
])('%s', (text, told) => {
  expect(line(text)).toBe(told);
});

test('a stack has the frames of the function alone, by paths in its folder', () => {
  const stack = [
    'TypeError: no',
    '    at handler (file:///cache/images/abc/rootfs/app/lib/parser.js:1:89)',
    '    at outcomeOf (file:///cache/images/abc/rootfs/app/.knative-lambda/adapter.mjs:92:4589)',
    '    at process.processTicksAndRejections (node:internal/process/task_queues:104:5)',
    '    at again (file:///app/parser.js:3:1)',
  ].join('\n');
  expect(
    line(JSON.stringify({ level: 'error', msg: 'failed', stack }))
      .split('\n')
      .map((text) => text.trim()),
  ).toEqual([
    '10:00:00.500  deployment-abc  error: failed',
    'TypeError: no',
    'at handler (lib/parser.js:1:89)',
    'at again (parser.js:3:1)',
  ]);
});

test('an explanation says nothing twice', () => {
  const evidence = [
    { kind: 'log' as const, where: 'the log', text: 'one' },
    { kind: 'log' as const, where: 'the log', text: 'two' },
    { kind: 'file' as const, where: 'a.js:1', text: 'a.js:1' },
    { kind: 'file' as const, where: 'a.js:1', text: 'a.js:1' },
  ];
  const next = { say: 'Mend it, and send build.start again.', command: 'kn-lambda deploy' };
  const told = explanationText({ about: 'build', healthy: false, reason: 'R', cause: 'C.', evidence, next }, plain);
  expect(told).toBe(
    'R: C.\n  · the log  one\n  · two\n  · a.js:1\n\nNext: Mend it, and deploy again.\n  kn-lambda deploy',
  );
});
