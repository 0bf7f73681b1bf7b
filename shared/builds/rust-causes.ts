/** Which lines of Cargo, of the compiler and of the linker say why they failed. */

const OF_CARGO =
  /^error(?:\[E\d+\])?: .*(?:package|crate|Cargo|rustc|toolchain|version|custom build|linking|compile)|\.rs:\d+:\d+: error/m;
const CAUSES = [
  /^\S+\.rs:\d+(?::\d+)?: error/,
  /^error(?:\[E\d+\])?: (?!could not compile|build failed|failed to run custom build command|linking with)/,
  // Of a list of causes the last ones are the cause.
  /^(?:failed to (?:read|parse|load manifest|fetch)|unable to (?:update|find)|package `.*` depends on|required by package|\S+@\S+ requires rustc) ?/,
  /(?:^|\/)(?:ld|lld|ld\.lld|rust-lld|collect2): |undefined reference to|cannot find -l/,
];
/** What a program says that ran in the build stands below. */
const PANICKED = /^thread '.*' .*panicked at /;
const MOST_LINES = 6;

/** Empty where none of their lines is there. `lines` are trimmed. */
export function rustCauses(lines: readonly string[]): string[] {
  if (!OF_CARGO.test(lines.join('\n'))) {
    return [];
  }
  const causes = lines.filter(
    (line, index) => CAUSES.some((cause) => cause.test(line)) || PANICKED.test(lines[index - 1] ?? ''),
  );
  return [...new Set(causes.map((line) => line.replace(/^(?:\.\.\/)+/, '')))].slice(0, MOST_LINES);
}
