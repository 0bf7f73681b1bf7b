/** Values that nobody sends by accident: texts, numbers, JSON, and changed valid data. */
import * as fc from 'fast-check';

/** Each of these has broken some parser, path, name, header or shell before. */
const TEXTS = [
  '',
  ' ',
  '.',
  '..',
  '../..',
  '../../victim/p1',
  '/etc/passwd',
  'victim',
  'victim/p1',
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'toString',
  'null',
  'undefined',
  'NaN',
  '-1',
  '1e999',
  '9007199254740993',
  '\0',
  'a\0b',
  '\n',
  'a\r\nb: c',
  '\u2028',
  '\ud800',
  'a\udfffb',
  '\ufffd',
  '\ufeff',
  '\u202egnp.exe',
  'e\u0301',
  '%',
  '%00',
  '%ff%fe',
  '%e0%80%80',
  '"',
  "'",
  '\\',
  '$(id)',
  '$$(id)',
  '$' + '{IFS}',
  '`id`',
  '{{.}}',
  '<script>',
  '*',
  ',a=b',
  '0001-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999999999Z',
  '2026-02-30T00:00:00Z',
  'a'.repeat(101),
  'é'.repeat(300),
  'x'.repeat(70_000),
];

export const hostileText = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...TEXTS) },
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ maxLength: 40 }),
);

const number = fc.oneof(
  fc.constantFrom(0, -0, -1, 1.5, 2 ** 31, 2 ** 53, 1e308, Number.MAX_SAFE_INTEGER + 2, 5e-324),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

const nested = fc
  .tuple(fc.constantFrom('[', '{"a":'), fc.integer({ min: 1, max: 3000 }))
  .map(([open, depth]) => JSON.parse(`${open.repeat(depth)}1${(open === '[' ? ']' : '}').repeat(depth)}`) as unknown);

/** Of JSON's kinds. */
export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 5, arbitrary: hostileText },
  { weight: 2, arbitrary: number },
  fc.boolean(),
  fc.constant(null),
  fc.array(fc.oneof(hostileText, number, fc.constant(null)), { maxLength: 5 }),
  fc
    .array(fc.tuple(hostileText, fc.oneof(hostileText, number)), { maxLength: 5 })
    // JSON.parse makes a member of its own of __proto__, where a literal would set the prototype.
    .map((pairs) => JSON.parse(`{${pairs.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)}}`)),
  nested,
  fc.integer({ min: 1, max: 20_000 }).map((length) => Array.from({ length }, (_, index) => index)),
);

/** Valid data with up to four of its members replaced, removed or added. */
export function mutated(valid: unknown, value: fc.Arbitrary<unknown> = hostileValue): fc.Arbitrary<unknown> {
  const change = fc.record({
    at: fc.nat(),
    how: fc.constantFrom('replace', 'replace', 'remove', 'add'),
    key: hostileText,
    value,
  });
  return fc.array(change, { maxLength: 4 }).map((changes) => {
    const root = { root: structuredClone(valid) };
    for (const { at, how, key, value: put } of changes) {
      const places = placesIn(root);
      const [parent, name] = places[at % places.length] as [Record<string, unknown>, string];
      if (how === 'replace') {
        parent[name] = put;
      } else if (how === 'remove' && parent !== (root as unknown)) {
        delete parent[name];
      } else if (typeof parent[name] === 'object' && parent[name] !== null) {
        Object.defineProperty(parent[name], key, { value: put, enumerable: true, configurable: true, writable: true });
      }
    }
    return root.root;
  });
}

/** Every member, with what it is a member of; not deeper than anybody would write. */
function placesIn(value: object, depth = 0): [object, string][] {
  return depth > 6
    ? []
    : Object.entries(value)
        .slice(0, 50)
        .flatMap(([name, member]) => [
          [value, name] as [object, string],
          ...(typeof member === 'object' && member !== null ? placesIn(member, depth + 1) : []),
        ]);
}
