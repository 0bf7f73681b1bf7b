/** The tenant's registry credentials reach the step that installs, and nothing after it: Dockerfiles that are run. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installScript, installStep, laterStep } from '#languages/private-dependencies.ts';
import { PRIVATE_DIRECTORY as LOCAL } from '#local/kaniko/kaniko-image.ts';
import { PRIVATE_DIRECTORY } from '#shared/specs/build-pod/private-dependencies.ts';
import { type Files, ours, plan } from '#test/languages/conformance/sources.ts';
import { Kaniko } from '#test/unit/kaniko/run-kaniko.ts';

const CANARY = 'canary-4711';
const dependency = JSON.stringify({ dependencies: { a: '1' } });

describe('a generated Dockerfile', () => {
  test.each<{ language: string; files: Files }>([
    { language: 'Node', files: { 'parser.js': 'exports.handler = 1', 'package.json': dependency } },
    { language: 'Node without dependencies', files: { 'parser.js': 'exports.handler = 1' } },
    {
      language: 'Node that installs after the code',
      files: { 'parser.js': 'exports.handler = 1', 'package.json': '{"dependencies":{"a":"file:./a"}}' },
    },
    { language: 'Python', files: { 'parser.py': 'def handler(event): ...', 'requirements.txt': 'a' } },
    { language: 'Python without dependencies', files: { 'parser.py': 'def handler(event): ...' } },
    {
      language: 'Python that installs after the code',
      files: { 'parser.py': 'def handler(event): ...', 'requirements.txt': '-e .' },
    },
    { language: 'Go', files: { 'go.mod': 'module example.com/p\ngo 1.24\n', 'p.go': 'package p\nfunc Handle() {}' } },
    {
      language: 'Go that downloads after the code',
      files: {
        'go.mod': 'module example.com/p\ngo 1.24\nreplace a => ./a\n',
        'p.go': 'package p\nfunc Handle() {}',
      },
    },
  ])('of $language removes the files in every step in which code of the user’s is', async ({ files }) => {
    const lines = (ours(await plan(files), 'Dockerfile') ?? '').split('\n');
    const code = lines.indexOf('COPY . .');
    const steps = lines.map((line, at) => ({ line, at })).filter(({ line }) => line.startsWith('RUN '));
    const install = steps.findIndex(({ line }) => line.includes('. .knative-lambda/private.sh;'));
    for (const { line } of install === -1 ? steps.filter(({ at }) => at > code) : steps.slice(install + 1)) {
      expect(line).toMatch(/^RUN rm -rf \/knative-lambda-private\/files && /);
    }
    for (const { at, line } of steps.slice(0, Math.max(0, install))) {
      expect(at, line).toBeLessThan(code);
    }
    const stage = lines.findLastIndex((line) => line.startsWith('FROM '));
    expect(lines.slice(stage).some((line) => line.includes('--from=build /knative-lambda-private'))).toBe(false);
  });
});

describe('the script that the installing step reads', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'private-'));
    mkdirSync(join(folder, '.knative-lambda/cache/_logs'), { recursive: true });
    writeFileSync(join(folder, '.knative-lambda/private.sh'), installScript().content);
    writeFileSync(
      join(folder, '.knative-lambda/cache/_logs/debug.log'),
      '12 http fetch GET 200 https://host/b 3ms\n17 http fetch GET 401 https://host/@acme%2fsecret 15ms\n',
    );
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function run(command: string, names: string[]) {
    const files = join(folder, 'files');
    rmSync(files, { recursive: true, force: true });
    if (names.length > 0) {
      mkdirSync(files);
    }
    for (const name of names) {
      writeFileSync(join(files, name), CANARY);
    }
    const step = installStep(command).replace(/^RUN /, '').replace(`${PRIVATE_DIRECTORY}/files`, files);
    const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', step], {
      cwd: folder,
      encoding: 'utf8',
      // npm sets some of these variables for what it runs, such as this test.
      env: { PATH: process.env['PATH'] },
    });
    return { status, stderr, output: stdout, left: existsSync(files) };
  }

  const variables = 'env | grep -E "^(npm_config_userconfig|PIP_CONFIG_FILE|NETRC|GOENV|GIT_CONFIG)" | sort';

  test('points the tools at the files that are there, and removes these', () => {
    const files = join(folder, 'files');
    expect(run(variables, ['.npmrc', 'pip.conf', '.netrc', 'go.env', '.gitconfig'])).toEqual({
      status: 0,
      stderr: '',
      left: false,
      output: `GIT_CONFIG_COUNT=1
GIT_CONFIG_KEY_0=include.path
GIT_CONFIG_VALUE_0=${files}/.gitconfig
GOENV=${files}/go.env
NETRC=${files}/.netrc
PIP_CONFIG_FILE=${files}/pip.conf
npm_config_userconfig=${files}/.npmrc
`,
    });
  });

  test('leaves a base image’s own configuration alone where there are none', () => {
    expect(run(variables, [])).toMatchObject({ status: 0, output: '' });
  });

  test('removes the files after a failure too, and tells what npm keeps in its own log', () => {
    const { output, ...rest } = run('false || exit 65', ['.npmrc']);
    expect(rest).toEqual({ status: 65, stderr: '', left: false });
    expect(output).toBe('http fetch GET 401 https://host/@acme%2fsecret 15ms\n');
  });
});

describe('a build in the stand-in for Kaniko', () => {
  let kaniko: Kaniko;
  beforeAll(() => {
    kaniko = new Kaniko();
  });
  afterAll(() => kaniko.close());

  test('has the same folder as the real one', () => {
    expect(LOCAL).toBe(PRIVATE_DIRECTORY);
  });

  test('shows the files to the step that installs alone, also when that one comes from the cache', async () => {
    const volume = kaniko.folder('volume');
    const look = `cat ${PRIVATE_DIRECTORY}/files/.npmrc`;
    const build = (script: string) => {
      mkdirSync(join(volume, 'files'), { recursive: true });
      writeFileSync(join(volume, 'files/.npmrc'), CANARY);
      const dockerfile = `FROM registry.test/base/node:24
WORKDIR /app
COPY .knative-lambda/private.sh .knative-lambda/private.sh
${installStep(`test "$(${look})" = ${CANARY} && echo installed > installed || exit 65`)}
COPY . .
${laterStep(`(${look} || true) > seen 2>&1; sh ./of-the-user.sh || exit 66`)}
`;
      const files = {
        Dockerfile: dockerfile,
        '.knative-lambda/private.sh': installScript().content.toString(),
        'of-the-user.sh': script,
      };
      return kaniko.build(files, [], { KNATIVE_LAMBDA_PRIVATE: volume });
    };
    for (const script of ['echo 1', 'echo 2']) {
      const { exitCode, output } = await build(script);
      expect(exitCode, output).toBe(0);
      expect(output.includes('Using caching version of cmd: RUN private=')).toBe(script === 'echo 2');
      expect(await kaniko.read('app/installed')).toBe('installed\n');
      expect(await kaniko.read('app/seen')).not.toContain(CANARY);
      expect(existsSync(join(volume, 'files'))).toBe(false);
    }
  });
});
