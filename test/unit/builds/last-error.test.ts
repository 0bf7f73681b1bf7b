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
