/** Which files `go build` reads, as `go/build` decides it: by name and by build constraint. */

const OPERATING_SYSTEMS = new Set(
  'aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris wasip1 windows zos'.split(
    ' ',
  ),
);
const ARCHITECTURES = new Set(
  `386 amd64 amd64p32 arm armbe arm64 arm64be loong64 mips mipsle mips64 mips64le mips64p32 mips64p32le ppc ppc64
  ppc64le riscv riscv64 s390 s390x sparc sparc64 wasm`.split(/\s+/),
);
/** Where the functions run. A file for one of them is read here, and left out by the compiler on the other. */
const OURS = ['amd64', 'arm64'];
/** An expression longer than that is the compiler's to read. */
const MAX_TOKENS = 200;

/** By name alone: no test, none that begins with `_` or `.`, none for another system (`x_windows.go`). */
export function isBuiltByName(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (!name.endsWith('.go') || /^[_.]/.test(name) || name.endsWith('_test.go')) {
    return false;
  }
  const words = name.replace(/\.go$/, '').split('_').slice(1);
  const last = words.at(-1) ?? '';
  const before = words.at(-2) ?? '';
  if (ARCHITECTURES.has(last)) {
    return OURS.includes(last) && (!OPERATING_SYSTEMS.has(before) || before === 'linux');
  }
  return !OPERATING_SYSTEMS.has(last) || last === 'linux';
}

/**
 * By its text: `//go:build` (or `// +build`) before the package clause, cgo, which is off, and package
 * documentation.
 */
export function isBuiltByText(text: string): boolean {
  const header = /^(?:\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*/.exec(text)?.[0] ?? '';
  const constraint = /^\/\/go:build\s+(.*)$/m.exec(header)?.[1];
  if (constraint !== undefined && !OURS.some((architecture) => holds(constraint, architecture))) {
    return false;
  }
  if (constraint === undefined) {
    const old = [...header.matchAll(/^\/\/\s*\+build\s+(.*)$/gm)].map(([, line = '']) => line);
    if (!OURS.some((architecture) => old.every((line) => oldHolds(line, architecture)))) {
      return false;
    }
  }
  return !(/^import\s+"C"/m.test(text) || /^\s*package\s+documentation\b/.test(text.slice(header.length)));
}

function isTrue(tag: string, architecture: string): boolean {
  return ['linux', 'unix', 'gc', architecture].includes(tag) || /^go1\.\d+$/.test(tag);
}

/** `a && (b || !c)`. What cannot be read is left to the compiler: true. */
function holds(expression: string, architecture: string): boolean {
  const tokens = expression.replace(/\/\/.*/, '').match(/&&|\|\||[!()]|[\w.]+/g) ?? [];
  let position = 0;
  const or = (): boolean => {
    let value = and();
    while (tokens[position] === '||') {
      position += 1;
      value = and() || value;
    }
    return value;
  };
  const and = (): boolean => {
    let value = not();
    while (tokens[position] === '&&') {
      position += 1;
      value = not() && value;
    }
    return value;
  };
  const not = (): boolean => {
    const token = tokens[position] ?? '';
    position += 1;
    if (token === '!') {
      return !not();
    }
    if (token !== '(') {
      return isTrue(token, architecture);
    }
    const value = or();
    position += 1;
    return value;
  };
  return tokens.length > MAX_TOKENS || or();
}

/** `a,b !c`: a comma is and, a space is or. */
function oldHolds(line: string, architecture: string): boolean {
  return line
    .trim()
    .split(/\s+/)
    .some((option) =>
      option
        .split(',')
        .every((tag) => (tag.startsWith('!') ? !isTrue(tag.slice(1), architecture) : isTrue(tag, architecture))),
    );
}
