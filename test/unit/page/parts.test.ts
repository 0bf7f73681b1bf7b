/** The parts of the page that are no drawing. */
import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { jsonLineReader, serverEventReader } from '#page/api/parse-stream.ts';
import { asCurl, asKn, shellWord } from '#page/copy-as.ts';
import { nameFrom } from '#page/deploy/name-from.ts';
import { parametersOf } from '#page/deploy/parameters.ts';
import { ago, bytes, counted, duration, shortImage } from '#page/format.ts';
import { mayWrite } from '#page/rights.ts';
import { buildBefore, differences } from '#page/views/compare-builds.ts';
import { eventMatches } from '#page/views/event-filter.ts';
import { byCause } from '#page/views/letters-by-cause.ts';
import type { Build, EventLine, Letter } from '#shared/api/schemas.ts';
import { ignoresOf } from '#shared/folder/left-out.ts';

test.each([
  [undefined, '–'],
  [0, '0 ms'],
  [3.06, '3.1 ms'],
  [840.4, '840 ms'],
  [3240, '3.2 s'],
  [59_960, '1 min'],
  [80_000, '1 min 20 s'],
  [3_599_600, '1 h'],
  [7_500_000, '2 h 5 min'],
  [90_000_000, '1 d 1 h'],
])('%s milliseconds are %s', (milliseconds, text) => {
  expect(duration(milliseconds)).toBe(text);
});

test.each([
  [-5000, 'just now'],
  [1500, 'just now'],
  [12_000, '12 s ago'],
  [300_000, '5 min ago'],
  [10_800_000, '3 h ago'],
  [200_000_000, '2 d ago'],
])('%s milliseconds before now is %s', (before, text) => {
  const now = Date.parse('2026-01-31T12:00:00Z');
  expect(ago(new Date(now - before).toISOString(), now)).toBe(text);
});

test('amounts, sizes and images are short', () => {
  expect([counted(1, 'pod'), counted(1234, 'pod'), bytes(900), bytes(1_234_567)]).toEqual([
    '1 pod',
    '1,234 pods',
    '900 bytes',
    '1.2 MB',
  ]);
  expect(shortImage(`host:5000/acme/a@sha256:${'ab'.repeat(32)}`)).toBe('abababababab');
  expect(shortImage('host:5000/acme/a:v1')).toBe('a:v1');
});

describe('server-sent events', () => {
  const STREAM =
    'id: 1\ndata: {"a":1}\n\n: alive\n\nid: 2\r\nevent: line\r\ndata: one\r\ndata: two\r\n\r\ndata:three\n\n';
  test('are read alike wherever they are cut', () => {
    const whole = [
      { id: '1', data: '{"a":1}' },
      { id: '2', data: 'one\ntwo' },
      { id: '2', data: 'three' },
    ];
    for (let cut = 0; cut <= STREAM.length; cut += 1) {
      const read = serverEventReader();
      expect([...read(STREAM.slice(0, cut)), ...read(STREAM.slice(cut))]).toEqual(whole);
    }
  });

  test('that are not whole yet are kept back', () => {
    const read = serverEventReader();
    expect(read('id: 1\ndata: x\n')).toEqual([]);
    expect(read('\n')).toEqual([{ id: '1', data: 'x' }]);
  });
});

test('lines of JSON: those that are none are left out', () => {
  const read = jsonLineReader<{ n: number }>();
  expect([...read('{"n":1}\n{"n"'), ...read(':2}\nbroken\n\n{"n":3}')]).toEqual([{ n: 1 }, { n: 2 }]);
});

describe('copied as a command', () => {
  const sender = { url: 'http://127.0.0.1:8080/', needsToken: false };
  const event = {
    type: 'build.start',
    subject: 'acme/a',
    data: { third_party_id: 'acme', parser_id: 'a', text: "it's" },
  };

  test.each(['plain', "it's", '$(rm -rf /)', '`id`', 'a\nb', '"', '\\', '', '-n', '*'])(
    'a shell reads %j as it is',
    (text) => {
      expect(execFileSync('sh', ['-c', `printf %s ${shellWord(text)}`], { encoding: 'utf8' })).toBe(text);
    },
  );

  test('curl sends its data and attributes', () => {
    const command = asCurl(event, sender);
    const shown = execFileSync('sh', ['-c', command.replace(/^curl/, "printf '%s\\n'")], { encoding: 'utf8' });
    expect(shown.split('\n')).toEqual(
      expect.arrayContaining([
        'http://127.0.0.1:8080/',
        'ce-type: build.start',
        'ce-subject: acme/a',
        JSON.stringify(event.data),
      ]),
    );
  });

  test('a token is never in it, only the variable', () => {
    const signed = { ...sender, needsToken: true };
    expect(asCurl(event, signed)).toContain('-H "authorization: Bearer $TOKEN"');
    expect(asKn(event, signed)).toContain('"http://token:$TOKEN@127.0.0.1:8080/"');
  });

  test('kn event has a field for each value', () => {
    const nested = { type: 'build.start', data: { parser_id: 'a', parameters: { env: { NAME: 'a b' } } } };
    expect(asKn(nested, sender)).toContain("--field 'parameters.env.NAME=a b'");
  });

  test.each([[[1]], ['text'], [{ list: [1] }], [{ 'a.b': 1 }], [null]])('kn event cannot say %j', (data) => {
    expect(asKn({ type: 'parser.start', data }, sender)).toBe(
      data === null ? asKn({ type: 'parser.start' }, sender) : undefined,
    );
  });
});

test.each([
  ['index.js', false],
  ['src/target/x.rs', false],
  ['target/debug/x', true],
  ['node_modules/a/b.js', true],
  ['src/node_modules/a.js', true],
  ['.env', true],
  ['.env.local', true],
  ['environment.ts', false],
  ['function.yaml', true],
  ['src/function.yaml', false],
  ['a/__pycache__/b.pyc', true],
  ['.git/config', true],
])('%s is left out: %s', (path, expected) => {
  expect(ignoresOf()(path)).toBe(expected);
});

test('the name of a function is as near to that of the folder as it may be', () => {
  expect(['hello', 'My function (2)', 'été', '…'].map(nameFrom)).toEqual(['hello', 'My-function-2', 'e-te', '']);
});

test('what a function is set to is said again at its next build', () => {
  const settings = {
    handler: 'app.run',
    env: [{ name: 'A', value: '1' }],
    secrets: [{ name: 's', key: 'k', env: 'S' }],
    scaling: { min: 1 },
    resources: {},
    timeout_seconds: 5,
  };
  expect(parametersOf({ settings, delivery: 'own' })).toEqual({
    handler: 'app.run',
    env: { A: '1' },
    secrets: [{ name: 's', key: 'k', env: 'S' }],
    scaling: { min: 1 },
    timeout_seconds: 5,
    delivery: 'own',
  });
});

test('only operators and a tenant itself may write', () => {
  const acme = { operator: false, third_party_ids: ['acme'] };
  expect([
    mayWrite(acme, 'acme'),
    mayWrite(acme, 'other'),
    mayWrite(acme),
    mayWrite({ operator: true, third_party_ids: [] }, 'other'),
  ]).toEqual([true, false, true, true]);
  expect(mayWrite({ operator: false, third_party_ids: [] })).toBe(false);
});

test('a build is compared with the newest that was begun before it', () => {
  const build = (correlation_id: string, fields: Partial<Build> = {}): Build => ({
    third_party_id: 'acme',
    parser_id: 'a',
    status: 'success',
    correlation_id,
    ...fields,
  });
  const [third, second, first] = [build('3', { status: 'failed', reason: 'CompileFailed' }), build('2'), build('1')];
  expect(buildBefore([third, second, first], third)).toBe(second);
  expect(buildBefore([third, second, first], first)).toBeUndefined();
  expect(differences(second, third)).toEqual([
    { field: 'Status', before: 'success', now: 'failed' },
    { field: 'Reason', before: '–', now: 'CompileFailed' },
  ]);
});

test('a filter finds words anywhere in an event', () => {
  const event: EventLine = {
    cursor: '1',
    time: '2026-01-31T12:00:00Z',
    type: 'build.complete',
    source: 'knative-lambda',
    id: '1',
    third_party_id: 'acme',
    parser_id: 'transfers',
    data: { reason: 'CompileFailed' },
  };
  const found = ['', 'build', 'acme/transfers', 'compilefailed transfers', 'compilefailed other'].map((filter) =>
    eventMatches(event, filter),
  );
  expect(found).toEqual([true, true, true, true, false]);
});

test('letters of one cause belong together, those with the most open ones first', () => {
  const letter = (id: string, reason: string, state: string): Letter => ({
    id,
    time: '2026-01-31T12:00:00Z',
    type: 'parser.start',
    category: 'permanent',
    reason,
    state,
  });
  const causes = byCause([
    letter('1', 'NotFound', 'replayed'),
    letter('2', 'InvalidEvent', 'open'),
    letter('3', 'NotFound', 'replayed'),
  ]);
  expect(causes.map(({ reason, letters, open }) => [reason, letters.length, open])).toEqual([
    ['InvalidEvent', 1, 1],
    ['NotFound', 2, 0],
  ]);
});
