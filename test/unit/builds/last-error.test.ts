/** What real tools print where they fail (test/fixtures/tool-outputs/), and the line of it that says why. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { lastError } from '#shared/builds/last-error.ts';

const BEFORE = 'INFO[0003] RUN export …\nnpm warn Unknown env config "store-dir". This will stop working.\n';
const AFTER = 'error building image: failed to execute command: waiting for process to exit: exit status 65\n';

function outputOf(name: string): string {
  return readFileSync(new URL(`../../fixtures/tool-outputs/${name}.txt`, import.meta.url), 'utf8');
}

test.each([
  ['npm-404', "'@acme-nobody-here/private-rows@1.0.0' could not be found or you do not have permission"],
  ['npm-etarget', 'No matching version found for is-odd@99.0.1'],
  ['npm-eresolve', 'peer react@"17.0.2" from react-dom@17.0.2'],
  ['npm-eusage', 'Missing: is-odd@3.0.1 from lock file'],
  ['npm-script', '/app/build.js:1 | Error: libvips is missing: set SHARP_PATH'],
  ['pnpm-nover', 'No matching version found for is-odd@99.0.1'],
  ['pnpm-outdated', '* 1 dependencies were added: is-even@1.0.0'],
  ['pnpm-script', 'Error: libvips is missing: set SHARP_PATH'],
  ['yarn1-frozen', 'error Your lockfile needs to be updated'],
  ['yarn1-nover', 'error Couldn\'t find any versions for "is-odd" that matches "99.0.1"'],
  ['yarn1-script', '/app/build.js:1 | Error: libvips is missing: set SHARP_PATH'],
  ['yarn4', 'is-odd@npm:99.0.1: No candidates found'],
  ['yarn4-immutable', 'The lockfile would have been modified by this install'],
])('%s', (name, why) => {
  const told = lastError(BEFORE + outputOf(name) + AFTER);

  expect(told).toContain(why);
  expect(told).not.toMatch(
    /npm warn|\bat (?:link|Module)|node:internal|debug-0\.log|\bUsage:|exit status|Done in|YN0000/,
  );
  expect(told.length).toBeLessThan(700);
});

test.each([
  [
    'parser.go:53: Handle is func(event cloudevents.Event) (any, error), but it must be `func Handle(ctx context.Context, event cloudevents.Event) (any, error)`, where a type of yours may stand for any',
    '# knative-lambda.local/adapter/cmd\n../parser.go:53: in call to adapter.Run, type func(event v2.Event) (any, error) of function.Handle does not match func("context".Context, v2.Event) (Result, error) (cannot infer Result)\n',
  ],
  [
    'parser.go:5: Run is a type, but it must be `func Run(ctx context.Context, event cloudevents.Event) (any, error)`',
    '../parser.go:5: function.Run (type) is not an expression\n',
  ],
  [
    'src/lib.rs:7: error: `pub async fn handle(e: i32) -> Result<i32, String>` is not what is called: it must be like `pub async fn handle(event: cloudevents::Event) -> Result<T, E>`, whose T serde can serialize and whose E is Display (type mismatch in function arguments)',
    'main.rs:4:33: error[E0631]: type mismatch in function arguments: expected due to this, found signature defined here\nerror: could not compile `knative-lambda-function` (bin "function") due to 1 previous error\nthe handler is src/lib.rs:7: pub async fn handle(e: i32) -> Result<i32, String>\n',
  ],
  [
    'main.rs:4:5: error: it must be like `pub async fn handle(event: cloudevents::Event) -> Result<T, E>`, whose T serde can serialize and whose E is Display (the trait bound `R: Serialize` is not satisfied: the trait `Serialize` is not implemented for `R`)',
    'main.rs:4:5: error[E0277]: the trait bound `R: Serialize` is not satisfied: the trait `Serialize` is not implemented for `R`\nerror: could not compile `knative-lambda-function` (bin "function") due to 1 previous error\n',
  ],
])('a handler that cannot be called is told by its own file: %s', (told, log) => {
  expect(lastError(`${BEFORE}${log}${AFTER}`)).toBe(told);
});

/** What Kubernetes keeps of a container that failed. */
function kept(log: string): string {
  return log.slice(-2048).split('\n').slice(-81).join('\n');
}

test.each([
  ['npm-eintegrity', 'integrity checksum failed'],
  ['npm-engine', 'Required: {"node":">=99"}'],
  ['npm-ebadplatform', 'Unsupported platform for fsevents@2.3.3'],
  ['npm-gyp', 'rows.c:1:10: fatal error: libvips-rows.h: No such file'],
  ['npm-dependency-script', 'Error: download of rows-native failed: 403'],
  ['npm-notarball', "no such file or directory, open '/app/rows-1.0.0.tgz'"],
  ['npm-workspace-protocol', 'Unsupported URL Type "workspace:": workspace:*'],
  ['npm-git', 'Could not resolve host: git.nobody.invalid'],
  ['pnpm-404', '@acme-nobody-here/rows is not in the npm registry'],
  ['pnpm-badlock', '/app/pnpm-lock.yaml not compatible'],
  ['pnpm-engine', 'Expected version: >=99'],
  ['pnpm-patch', "no such file or directory, open '/app/patches/nowhere.patch'"],
  ['pnpm-workspace', 'no package named "rows" is present in the workspace'],
  ['yarn1-404', 'Couldn\'t find package "@acme-nobody-here/rows"'],
  ['yarn1-engine', 'Expected version ">=99"'],
  ['yarn1-integrity', 'Integrity check failed for "is-number"'],
  ['yarn4-404', '@acme-nobody-here/rows@npm:1.0.0: Package not found'],
  ['yarn4-script', 'Error: libvips is missing'],
  ['pip-impossible', 'requests 2.31.0 depends on urllib3<3 and >=1.21.1'],
  ['pip-constraint', 'The user requested (constraint) idna==2.10'],
  ['pip-noversion', 'No matching distribution found for requests==99.0'],
  ['pip-nopackage', 'No matching distribution found for acme-nobody-rows-here==1.0'],
  ['pip-hash', 'Expected sha256 0000'],
  ['pip-hash-missing', 'charset-normalizer<4,>=2'],
  ['pip-backend', '`project.dependencies` must be array'],
  ['pip-header', /^rows\.c:1:10: fatal error: libpq-fe\.h: No such file or directory$/],
  ['pip-setup', /^ModuleNotFoundError: No module named 'numpy_nobody_here'$/],
  ['pip-python', "requires a different Python: 3.11.7 not in '>=3.99'"],
  ['pip-git', 'Could not resolve host: git.nobody.invalid'],
  ['pip-badwheel', 'rows-1.0-py3-none-any.whl is invalid'],
  ['pip-platform', 'is not a supported wheel on this platform'],
  ['pip-option', '--no-such-option'],
  ['pip-nopackages', "Neither 'setup.py' nor 'pyproject.toml' found"],
  ['pip26-impossible', 'requests 2.31.0 depends on urllib3<3 and >=1.21.1'],
  ['pip26-header', /^rows\.c:1:10: fatal error: libpq-fe\.h: No such file or directory$/],
  ['pip26-setup', "No module named 'numpy_nobody_here'"],
  ['pip26-hash', 'Expected sha256 0000'],
  ['pip26-git', 'Could not resolve host: git.nobody.invalid'],
  [
    'go-missing',
    'no required module provides package github.com/google/uuid; to add it: | go get github.com/google/uuid',
  ],
  ['go-nosum', 'missing go.sum entry for module providing package github.com/google/uuid'],
  ['go-badsum', 'verifying github.com/google/uuid@v1.6.0: checksum mismatch'],
  ['go-new', 'go.mod requires go >= 1.99'],
  ['go-compile', 'parser.go:7:15: undefined: nope'],
  ['go-cgo', 'libpq-fe.h: No such file or directory'],
  ['cargo-nocrate', 'no matching package named `dep-nobody-here-9` found'],
  ['cargo-noversion', 'failed to select a version for the requirement `itoa = "^99"`'],
  ['cargo-nofeature', '`itoa` does not have that feature'],
  ['cargo-lock', 'cannot update the lock file'],
  ['cargo-compile', 'src/lib.rs:1:20: error[E0425]: cannot find value `nope` in this scope'],
  ['cargo-nopath', 'failed to read `/app/Cargo.toml`'],
  ['cargo-buildrs', /^libpq is missing: set PQ_LIB_DIR$/],
  ['cargo-rustversion', 'parser@0.1.0 requires rustc 1.999'],
  ['cargo-toolchain', "toolchain '1.0.99-x86_64-unknown-linux-gnu' is not installed"],
])('%s, of which Kubernetes keeps the end', (name, why) => {
  const told = lastError(kept(BEFORE + outputOf(name) + AFTER));

  expect(typeof why === 'string' ? told.includes(why) : why.test(told), told).toBe(true);
  expect(told).not.toMatch(
    /npm warn|\bat (?:Object|Module|async)|node:internal|debug-0\.log|\bUsage:|exit status|subprocess-exited|likely not a problem|could not compile|gyp info|stack backtrace/,
  );
  expect(told.length).toBeLessThan(1000);
});

test.each([
  [
    "src/index.ts(2,62): error TS2339: Property 'C' does not exist on type 'typeof Kind'.\nnpm error code 2",
    /^src\/index\.ts\(2,62\): error TS2339/,
  ],
  [
    "index.mjs: Error: Cannot find package 'zod' imported from index.mjs. Add it to the dependencies in package.json\n",
    /^index\.mjs: .*package\.json$/,
  ],
  [
    '> fn@1.0.0 postinstall\n> node build.js\nlibvips is missing\nnpm error code 3\nnpm error path /app\nnpm error command failed\nnpm error command sh -c node build.js\n',
    /^libvips is missing \| npm error code 3/,
  ],
  [
    'index.mjs never finishes loading: an await at the top level of it never settles\n',
    /^index\.mjs never .* settles$/,
  ],
])('of what compiles and loads the code: %s', (log, why) => {
  expect(lastError(BEFORE + log + AFTER)).toMatch(why);
});
