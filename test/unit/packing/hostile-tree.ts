/** Names that mean something to a file system, a shell, a tar, an archive of Kaniko's or a layer, and may be files. */
const NAMES = [
  ...['..data', '..2026_01_02', '...', '.wh', 'x.wh.x', ' ', '  a ', '-rf', '--', '~', '*', '?', '$HOME', '`id`', "'"],
  ...['"', '%2e%2e', '%00', '#', '@LongLink', '././@PaxHeader'.slice(4), 'PaxHeader', 'GNUSparseFile.0', 'pax_global'],
  ...['99 path=evil', 'SCHILY.xattr.user.x=1', 'con', 'nul.txt', 'a:b', 'a;b', 'a&b', 'a|b', 'a<b>c', '{a}', '[a]'],
  ...['café', 'İ', 'ı', 'ß', 'ẞ', '\u200b', '\u202egnp.exe', '\ufeff', '\u00a0', '𝄞', '👩‍👩‍👧', '中文', 'ﬁ'],
  ...['n'.repeat(99), 'n'.repeat(100), 'n'.repeat(101), 'n'.repeat(155), 'n'.repeat(156), 'n'.repeat(255)],
  ...['é'.repeat(127), 'Case', 'case', 'CASE', 'caSe', 'dir.d', 'dir-', 'dir0'],
];

/** Every character of one byte that a name may have, alone and in a name, and each first byte of longer ones. */
const PRINTABLE = Array.from({ length: 0x7f - 0x20 }, (_, index) => String.fromCharCode(0x20 + index)).filter(
  (char) => !'./\\'.includes(char),
);
const TWO_BYTES = Array.from({ length: 0xe0 - 0xc2 }, (_, index) => String.fromCodePoint(0x80 * (index + 2) + 0x21));
const THREE_BYTES = Array.from({ length: 16 }, (_, index) => String.fromCodePoint(Math.max(0x901, index * 0x1000 + 1)));
const FOUR_BYTES = Array.from({ length: 5 }, (_, index) => String.fromCodePoint(Math.max(0x10400, index * 0x40000)));
const LAST_BYTES = Array.from({ length: 64 }, (_, index) => String.fromCodePoint(0x400 + index));

const chars = [...PRINTABLE, ...TWO_BYTES, ...THREE_BYTES, ...FOUR_BYTES, ...LAST_BYTES].filter((char) =>
  char.isWellFormed(),
);

const names = [...new Set([...NAMES, ...chars, ...chars.map((char) => `x${char}y`)].map((name) => name.normalize()))];

/** A source of some 500 files, none of which is refused: each file's content is its path. */
export const HOSTILE_TREE: Record<string, string> = Object.fromEntries(
  [
    ...names,
    ...names.map((name) => `folders/${name}/file`),
    'dir/file',
    // What a link would be, if anybody took it for one.
    'link -> etc/passwd',
    `deep/${'d/'.repeat(100)}file`,
    'program',
  ].map((path) => [path, path === 'program' ? '#!/bin/sh\n' : path]),
);
