/** A journal gives back what was appended, however the process ended that appended it. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Journal } from '#local/disk/journal.ts';

interface Entry {
  key: string;
  value?: string;
}

let directory: string;
let file: string;
const open: Journal<Entry>[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'journal-'));
  file = join(directory, 'state.jsonl');
});
afterEach(() => {
  for (const journal of open.splice(0)) {
    journal.close();
  }
  rmSync(directory, { recursive: true, force: true });
});

/** A map on disk; an entry without a value removes the key. */
function openMap(told?: (line: string) => void): {
  map: Map<string, string>;
  write: (entry: Entry) => void;
  journal: Journal<Entry>;
} {
  const map = new Map<string, string>();
  const apply = ({ key, value }: Entry) => {
    if (value === undefined) {
      map.delete(key);
    } else {
      map.set(key, value);
    }
  };
  const journal = new Journal<Entry>(
    file,
    {
      replay: apply,
      snapshot: () => [...map].map(([key, value]) => ({ key, value })),
    },
    told,
  );
  open.push(journal);
  const write = (entry: Entry) => {
    journal.append(entry);
    apply(entry);
  };
  return { map, write, journal };
}

test('what was appended is there again, without anything having been closed', () => {
  const { write } = openMap();
  write({ key: 'a', value: '1' });
  write({ key: 'b', value: 'zwei\nlines, ü' });
  write({ key: 'a' });

  expect([...openMap().map]).toEqual([['b', 'zwei\nlines, ü']]);
});

test('wherever the last write was cut off: all entries before it are there, and it takes new ones', () => {
  const entries = fc.array(
    fc.record({ key: fc.constantFrom('a', 'b', 'c'), value: fc.string({ unit: 'binary' }) }, { requiredKeys: ['key'] }),
    { minLength: 1, maxLength: 10 },
  );
  fc.assert(
    fc.property(entries, fc.nat(), (changes, cut) => {
      rmSync(file, { force: true });
      const { map, write, journal } = openMap();
      let before = new Map(map);
      let start = 0;
      for (const change of changes) {
        before = new Map(map);
        start = statSync(file).size;
        write(change);
      }
      journal.close();
      // Anything from none of the last line to all of it but its end.
      truncateSync(file, start + (cut % (statSync(file).size - start)));

      const again = openMap();
      expect(again.map).toEqual(before);
      again.write({ key: 'new', value: 'one' });
      again.journal.close();
      const last = openMap();
      expect(last.map).toEqual(before.set('new', 'one'));
      last.journal.close();
    }),
    { numRuns: 20 },
  );
});

test('history is left out at start, and while it runs once it is most of the file', () => {
  const { write, map } = openMap();
  const value = 'x'.repeat(100_000);
  for (let n = 0; n < 300; n += 1) {
    write({ key: `k${n % 3}`, value: `${n} ${value}` });
    expect(statSync(file).size).toBeLessThan(9 * 1024 ** 2);
  }

  const again = openMap();
  expect(again.map).toEqual(map);
  expect(statSync(file).size).toBeLessThan(310_000);
});

test('a file that was being written anew is of no account', () => {
  const { write } = openMap();
  write({ key: 'a', value: '1' });
  writeFileSync(`${file}.new`, '{"key":"b","va');

  expect([...openMap().map]).toEqual([['a', '1']]);
});

test.each([
  { case: 'text', garbage: ['rubbish'] },
  { case: 'bytes that are no text, and zeros', garbage: ['\u0000\u0000\u00ff\u00fe', '', '{"key":'] },
  { case: 'JSON that is no entry', garbage: ['null', '17'] },
])('$case in the middle is put aside and told; everything else is there', ({ garbage }) => {
  openMap().write({ key: 'a', value: '1' });
  appendFileSync(file, `${garbage.join('\n')}\n{"key":"b","value":"2"}\n`, 'latin1');

  const told: string[] = [];
  const { map, write, journal } = openMap((line) => told.push(line));

  expect([...map]).toEqual([
    ['a', '1'],
    ['b', '2'],
  ]);
  expect(journal.isWhole).toBe(false);
  expect(told).toEqual([expect.stringMatching(`${file} was damaged: ${garbage.length} of its lines`)]);
  expect(readFileSync(`${file}.broken`, 'latin1')).toBe(`${garbage.join('\n')}\n`);
  write({ key: 'c', value: '3' });
  const again = openMap((line) => told.push(line));
  expect([...again.map.keys()]).toEqual(['a', 'b', 'c']);
  expect([again.journal.isWhole, told.length]).toEqual([true, 1]);
});

test('nobody else on the machine may read it, and nothing is written to it once it is closed', () => {
  const { journal } = openMap();
  expect(statSync(file).mode & 0o777).toBe(0o600);
  journal.close();

  expect(() => journal.append({ key: 'late' })).toThrow('is closed');
});
