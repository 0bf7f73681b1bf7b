/** Text from events, users and builds reaches a terminal as text: nothing in it is obeyed. */
import { describe, expect, test } from 'vitest';
import { letterAsText, lettersTable } from '#cli/letters-table.ts';
import type { TapEntry } from '#local/broker/tap.ts';
import { eventLine } from '#local/run/event-line.ts';
import { createTerminal } from '#local/run/terminal.ts';
import { lastError } from '#shared/builds/last-error.ts';
import { printable, printableCell, printableJson } from '#shared/printable.ts';
import { createLog } from '#shared/telemetry/log.ts';

/** Clears the screen, writes the clipboard, sets the title, goes back to the start of the line, turns text around. */
const HOSTILE = [
  '\u001b[2J',
  '\u001b]52;c;cm0gLXJm\u0007',
  '\u009b31m',
  '\u009d0;title\u009c',
  'a\rb\b\u007f',
  '\u202etxet\u2066',
  'x\u2028y',
];
const all = HOSTILE.join('');
const OBEYED = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u;

function written(coloured: boolean): { text: () => string; stream: NodeJS.WritableStream } {
  let text = '';
  const write = (part: string) => {
    text += part;
    return true;
  };
  return { text: () => text, stream: { isTTY: coloured, write } as unknown as NodeJS.WritableStream };
}

/** Without the line's own end and the terminal's own colours. */
const bare = (text: string) =>
  text
    .replace(/\n$/, '')
    .replaceAll(`${String.fromCharCode(27)}[31m`, '')
    .replaceAll(`${String.fromCharCode(27)}[39m`, '');

describe.each(HOSTILE)('%j', (hostile) => {
  test('becomes harmless wherever text is printed', () => {
    expect(printable(hostile)).not.toMatch(OBEYED);
    expect(printableCell(`${hostile}\n\t`)).not.toMatch(OBEYED);
  });

  test('JSON means what it meant', () => {
    const json = JSON.stringify({ hostile });
    expect(printableJson(json)).not.toMatch(OBEYED);
    expect(JSON.parse(printableJson(json))).toEqual({ hostile });
  });

  test.each([true, false])('of a line of make run, coloured: %s', (coloured) => {
    const { text, stream } = written(coloured);
    const { line, paint } = createTerminal(stream, {});
    line(`${hostile} ${paint('red', hostile)}`);
    expect(bare(text())).not.toMatch(OBEYED);
  });
});

test('lines stay lines', () => {
  expect(printable('a\r\nb\n\tc')).toBe('a\nb\n\tc');
});

test.each([
  { at: 'type', attributes: { type: `parser.start${all}`, subject: 'a/b' }, data: {} },
  { at: 'subject', attributes: { type: 'parser.start', subject: `a/b${all}` }, data: {} },
  {
    at: 'error_message',
    attributes: { type: 'build.complete', subject: 'a/b' },
    data: { status: 'failed', reason: all, error_message: all, problems: [{ path: all, message: all }] },
  },
])('an event with them in its $at is one harmless line', ({ attributes, data }) => {
  const event = { attributes, data: Buffer.from(JSON.stringify(data)) };
  const reply = { attributes: { type: all }, data: Buffer.from('') };
  const entry: TapEntry = {
    kind: 'delivered',
    trigger: 'ns/x',
    event,
    reply,
    subscriber: '',
    status: 200,
    attempt: 1,
    ms: 1,
    deadLetter: false,
  };
  expect(eventLine(entry, 0, (_, text) => text)).not.toMatch(OBEYED);
});

test('a dead letter is harmless in the list and by itself, and its event means what it meant', () => {
  const letter = { id: 'i', reason: 'Unavailable', category: 'transient', count: 1, last_at: '', first_at: '' };
  const event = { type: all, subject: all, data: all };
  const found = {
    place: { id: 'i', date: '2026-01-01', replayed: 0, failed: 0 },
    letter: { ...letter, event, destination: all, message: all, problems: [all] },
  } as never;

  expect(lettersTable([found], new Date()).join('')).not.toMatch(OBEYED);
  const lines = letterAsText(found);
  expect(lines.slice(0, -1).join('')).not.toMatch(OBEYED);
  expect(lines.at(-1)?.replaceAll('\n', '')).not.toMatch(OBEYED);
  expect(JSON.parse(lines.at(-1) ?? '')).toEqual(event);
});

test('a line of the log is harmless, and means what it meant', () => {
  const lines: string[] = [];
  const log = createLog({}, 'info', { write: (line) => void lines.push(line) });

  log.info({ subject: all, err: new Error(all) }, all);

  expect(lines.join('').replace(/\n$/, '')).not.toMatch(OBEYED);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ subject: all, msg: all, err: { message: all } });
});

test('what a build prints is harmless in the event that tells of it', () => {
  expect(lastError(`\u001b[31merror \u001b]0;title\u0007a\r\n${all}`)).not.toMatch(OBEYED);
  expect(lastError('\u001b[1m\u001b[31merror\u001b[0m: no such file')).toBe('error: no such file');
});
