/** Builds, run as the kaniko container runs them. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Kaniko } from './run-kaniko.ts';

let kaniko: Kaniko;
beforeAll(() => {
  kaniko = new Kaniko();
});
afterAll(() => {
  kaniko.close();
});

const NODE = 'FROM registry.test/base/node:24\nWORKDIR /app\n';

describe('a small image', () => {
  test('has the files, the configuration, tag and digest', async () => {
    const dockerfile = `${NODE}ENV A=1 B="two words"
COPY . .
RUN echo built > out.txt
LABEL org=acme
EXPOSE 8080
USER 65532:65532
STOPSIGNAL SIGINT
CMD ["node", "main.js"]
`;
    const { exitCode, output, digest } = await kaniko.build(
      {
        '.build/Dockerfile': dockerfile,
        'main.js': 'console.log(1)',
        'bin/tool': { content: '#!/bin/sh\n', mode: 0o755 },
      },
      ['--dockerfile=.build/Dockerfile'],
    );
    expect(output).not.toContain('error');
    expect(exitCode).toBe(0);
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    const image = await kaniko.image(`registry.test/a/parser@${digest}`);
    expect(image).toMatchObject({
      base: 'node',
      workingDir: '/app',
      cmd: ['node', 'main.js'],
      entrypoint: [],
      digest,
    });
    expect(image.env).toMatchObject({ A: '1', B: 'two words' });
    expect(await kaniko.read('app/out.txt')).toBe('built\n');
    expect(statSync(join(image.rootfs, 'app/bin/tool')).mode & 0o777).toBe(0o755);
    expect(await kaniko.images.resolve(`registry.test/other/parser@${digest}`)).toBeUndefined();
    expect(readdirSync(join(kaniko.directory, 'builds'))).toEqual([]);
  });

  test('the same again, without the cache, has the same digest, and an existing tag is no failure', async () => {
    const files = { Dockerfile: `${NODE}COPY . .\nRUN echo x > y\n`, 'a.txt': 'a' };
    const one = await kaniko.build(files, ['--cache=false']);
    const two = await kaniko.build(files, ['--cache=false']);
    expect(two).toMatchObject({ exitCode: 0, digest: one.digest });
    const other = await kaniko.build({ ...files, 'a.txt': 'b' });
    expect(other.digest).not.toBe(one.digest);
    expect((await kaniko.image()).digest).toBe(other.digest);
  });
});

describe('RUN', () => {
  test.each([
    { case: 'its exit code is the build’s', run: 'echo to the log; exit 65', exitCode: 65 },
    { case: 'a signal', run: 'kill -9 $$', exitCode: 137 },
    { case: 'an unknown command', run: 'no-such-command', exitCode: 127 },
    { case: 'the exec form', run: '["sh", "-c", "echo to the log; exit 3"]', exitCode: 3 },
    { case: 'an unknown program in the exec form', run: '["no-such-command"]', exitCode: 127 },
  ])('fails: $case', async ({ run, exitCode }) => {
    const outcome = await kaniko.build({ Dockerfile: `${NODE}RUN ${run}\n` });
    expect(outcome.exitCode).toBe(exitCode);
    expect(outcome.output).toMatch(/^error building image: .*RUN|error building image: .*command/m);
    if (run.includes('to the log')) {
      expect(outcome.output).toContain('to the log\n');
    }
  });

  test('sees ENV, ARG with and without a value given, proxies, and nothing of ours', async () => {
    const dockerfile = `ARG GLOBAL=g
${NODE}ENV E=env
ARG GLOBAL
ARG GIVEN=default
ARG DEFAULTED=default
RUN echo "$E $GLOBAL $GIVEN $DEFAULTED $UNDECLARED $https_proxy \${SECRET_KEY-none} \${KNATIVE_LAMBDA_DIRECTORY-none}" > out
`;
    const flags = ['--build-arg=GIVEN=given', '--build-arg=UNDECLARED=no', '--build-arg=https_proxy=http://proxy.test'];
    const { exitCode } = await kaniko.build({ Dockerfile: dockerfile }, flags, { SECRET_KEY: 'secret' });
    expect(exitCode).toBe(0);
    expect((await kaniko.read('app/out')).trim()).toBe('env g given default  http://proxy.test none none');
  });

  test('works on the stage’s folder, also by absolute paths', async () => {
    const dockerfile = `${NODE}COPY a.txt /app/a.txt
RUN cp /app/a.txt /app/b.txt && mkdir -p /app/deep && cat /app/b.txt > /out/c.txt && echo d>/tmp/d && cat /tmp/d > "/app/e f"
RUN rm -rf /var/lib/apt/lists/* && echo user >> /etc/passwd && test ! -e /app/none && printf '/a/b' | awk '/a/ {print "awk"}' > awk.txt
`;
    const passwd = statSync('/etc/passwd').mtimeMs;
    const { exitCode, output } = await kaniko.build({ Dockerfile: dockerfile, 'a.txt': 'a' });
    expect(output).not.toContain('error');
    expect(exitCode).toBe(0);
    expect(await kaniko.read('app/b.txt')).toBe('a');
    expect(await kaniko.read('out/c.txt')).toBe('a');
    expect(await kaniko.read('app/e f')).toBe('d\n');
    expect(await kaniko.read('etc/passwd')).toBe('user\n');
    expect(await kaniko.read('app/awk.txt')).toBe('awk\n');
    expect(statSync('/etc/passwd').mtimeMs).toBe(passwd);
  });

  test('package managers of distributions are refused with a reason; owners and users are nobody’s business', async () => {
    const refused = await kaniko.build({ Dockerfile: `${NODE}RUN apt-get update && apt-get install -y curl\n` });
    expect(refused.exitCode).toBe(1);
    expect(refused.output).toContain('apt-get: the embedded platform has no distribution');
    const fine = await kaniko.build({ Dockerfile: `${NODE}RUN useradd app && chown -R app:app /app\n` });
    expect(fine.exitCode).toBe(0);
  });

  test('SHELL, and the shell form of CMD', async () => {
    const dockerfile = `${NODE}SHELL ["/bin/sh", "-e", "-c"]\nRUN false; echo never > x\n`;
    const strict = await kaniko.build({ Dockerfile: dockerfile });
    expect(strict.exitCode).toBe(1);
    await kaniko.build({ Dockerfile: `${NODE}ENTRYPOINT ["a"]\nCMD echo $PORT\n` });
    expect(await kaniko.image()).toMatchObject({ entrypoint: ['a'], cmd: ['/bin/sh', '-c', 'echo $PORT'] });
  });

  test('node is the platform’s', async () => {
    await kaniko.build({ Dockerfile: `${NODE}RUN node -p process.version > v\n` });
    expect((await kaniko.read('app/v')).trim()).toBe(process.version);
  });
});

describe('COPY', () => {
  test('patterns, several sources, renaming, modes, ignore file', async () => {
    const dockerfile = `${NODE}COPY *.txt src/main.j? texts/
COPY a.txt renamed
COPY --chmod=755 a.txt ./
COPY --chown=1:1 folder other
COPY . /all/
ADD a.txt added/
`;
    const files = {
      Dockerfile: dockerfile,
      '.dockerignore': '**/*.log\n!keep.log\nsecret\n',
      'a.txt': 'a',
      'b.txt': 'b',
      'x.log': '',
      'keep.log': 'kept',
      'secret/key': 'k',
      'src/main.js': 'js',
      'folder/one': '1',
    };
    const { exitCode, output } = await kaniko.build(files);
    expect(output).not.toContain('error');
    expect(exitCode).toBe(0);
    const { rootfs } = await kaniko.image();
    expect(readdirSync(join(rootfs, 'app/texts')).sort()).toEqual(['a.txt', 'b.txt', 'main.js']);
    expect(readFileSync(join(rootfs, 'app/renamed'), 'utf8')).toBe('a');
    expect(statSync(join(rootfs, 'app/a.txt')).mode & 0o777).toBe(0o755);
    expect(readFileSync(join(rootfs, 'app/other/one'), 'utf8')).toBe('1');
    expect(existsSync(join(rootfs, 'all/x.log'))).toBe(false);
    expect(existsSync(join(rootfs, 'all/secret/key'))).toBe(false);
    expect(readFileSync(join(rootfs, 'all/keep.log'), 'utf8')).toBe('kept');
    expect(existsSync(join(rootfs, 'app/added/a.txt'))).toBe(true);
  });

  test('an ignore file beside the Dockerfile wins', async () => {
    const files = {
      'sub/Dockerfile': `${NODE}COPY . .\n`,
      'sub/Dockerfile.dockerignore': '',
      '.dockerignore': '*',
      file: 'x',
    };
    expect((await kaniko.build(files, ['--dockerfile=sub/Dockerfile'])).exitCode).toBe(0);
    expect(await kaniko.read('app/file')).toBe('x');
  });

  test.each([
    { case: 'a source that is not there', line: 'COPY absent .', says: 'absent: no such file' },
    { case: '.. ends at the root of the context', line: 'COPY ../../../../etc/passwd .', says: 'no such file' },
    { case: 'several sources to a file', line: 'COPY a.txt b.txt c.txt', says: 'must be a directory' },
    { case: 'an unknown stage', line: 'COPY --from=nowhere a .', says: 'no earlier stage' },
    { case: 'a URL', line: 'ADD https://example.com/x .', says: 'local files alone' },
    { case: 'an archive to unpack', line: 'ADD x.tar.gz .', says: 'local files alone' },
    { case: 'a here-document', line: 'COPY <<EOF /x', says: 'here-document is not supported' },
    {
      case: 'a destination behind a link that leads out',
      line: 'RUN ln -s /bin out\nCOPY a.txt out/',
      says: 'leads out',
    },
    {
      case: 'an unknown instruction',
      line: 'COYP a b',
      says: 'dockerfile parse error on line 3: unknown instruction: COYP',
    },
  ])('fails: $case', async ({ line, says }) => {
    const outcome = await kaniko.build({ Dockerfile: `${NODE}${line}\n`, 'a.txt': '', 'b.txt': '' });
    expect(outcome.exitCode).toBe(1);
    expect(outcome.output).toMatch(/^error building image: /m);
    expect(outcome.output).toContain(says);
  });

  test('a link in another stage that leads out of it is not followed', async () => {
    const dockerfile = 'FROM scratch AS one\nRUN ln -s /bin out\nFROM scratch\nCOPY --from=one out/sh /\n';
    const outcome = await kaniko.build({ Dockerfile: dockerfile });
    expect(outcome.exitCode).toBe(1);
    expect(outcome.output).toContain('leads out of the build context');
  });
});

describe('stages', () => {
  const dockerfile = `ARG BASE=registry.test/base/node:24
FROM \${BASE} AS build
WORKDIR /app
COPY in.txt .
RUN echo ran-build >&2; tr a-z A-Z < in.txt > out.txt
FROM build AS unused
RUN exit 9
FROM registry.test/distroless/static:1
WORKDIR /srv
COPY --from=build /app/out.txt ./result
COPY --from=0 /app/in.txt /srv/
CMD ["./result"]
`;

  test('two of them; what nothing needs is not run', async () => {
    const { exitCode, output } = await kaniko.build({ Dockerfile: dockerfile, 'in.txt': 'abc' });
    expect(output).toContain('ran-build');
    expect(exitCode).toBe(0);
    const image = await kaniko.image();
    expect(image.base).toBe('none');
    expect(readdirSync(image.rootfs)).toEqual(['srv']);
    expect(await kaniko.read('srv/result')).toBe('ABC');
    expect(await kaniko.read('srv/in.txt')).toBe('abc');
  });

  test.each([
    { base: 'registry.test/python:3.13', program: 'python3', language: 'Python' },
    { base: 'golang:1.26-alpine', program: 'go', language: 'Go' },
    { base: 'rust:1.95-alpine', program: 'cargo', language: 'Rust' },
  ])('a machine without $program says so', async ({ base, program, language }) => {
    const outcome = await kaniko.build({ Dockerfile: `FROM ${base}\n` }, [], { PATH: '/nowhere' });
    expect(outcome.exitCode).toBe(1);
    expect(outcome.output).toContain(
      `this machine has no ${program}: the embedded platform builds ${language} with the machine's own`,
    );
  });
});

describe('the layer cache', () => {
  const dockerfile = (step = 'RUN echo ran-install >&2; cat list.txt > installed') =>
    `${NODE}COPY list.txt .\n${step}\nCOPY . .\nRUN echo ran-compile >&2; cat code.txt > compiled\n`;
  const ran = (output: string) => [...output.matchAll(/^ran-(\w+)$/gm)].map((match) => match[1]);

  test('an unchanged beginning is not run again, anything changed is, and all after it', async () => {
    const files = { Dockerfile: dockerfile(), 'list.txt': 'l', 'code.txt': 'c' };
    expect(ran((await kaniko.build(files)).output)).toEqual(['install', 'compile']);
    const again = await kaniko.build(files);
    expect(ran(again.output)).toEqual([]);
    expect(again.output).toContain('Using caching version of cmd: RUN');
    const code = await kaniko.build({ ...files, 'code.txt': 'other' });
    expect(ran(code.output)).toEqual(['compile']);
    expect(await kaniko.read('app/compiled')).toBe('other');
    expect(await kaniko.read('app/installed')).toBe('l');
    expect(ran((await kaniko.build({ ...files, 'list.txt': 'other' })).output)).toEqual(['install', 'compile']);
    const text = dockerfile('RUN echo ran-install >&2;  cat list.txt > installed');
    expect(ran((await kaniko.build({ ...files, Dockerfile: text })).output)).toEqual(['install', 'compile']);
  });

  test('the mode of a copied file, a build argument and ENV count; a proxy does not', async () => {
    const files = { Dockerfile: dockerfile('ARG A\nRUN echo ran-install >&2'), 'list.txt': 'mode', 'code.txt': 'c' };
    await kaniko.build(files);
    const executable = { content: 'mode', mode: 0o755 };
    expect(ran((await kaniko.build({ ...files, 'list.txt': executable })).output)).toEqual(['install', 'compile']);
    expect(ran((await kaniko.build(files, ['--build-arg=A=1'])).output)).toEqual(['install', 'compile']);
    expect(ran((await kaniko.build(files, ['--build-arg=HTTP_PROXY=http://x.test'])).output)).toEqual([]);
    const Dockerfile = files.Dockerfile.replace('WORKDIR', 'ENV X=1\nWORKDIR');
    expect(ran((await kaniko.build({ ...files, Dockerfile })).output)).toEqual(['install', 'compile']);
  });

  test('another cache repository shares nothing, nor does a build without the cache', async () => {
    const files = { Dockerfile: dockerfile(), 'list.txt': 'tenant', 'code.txt': 'c' };
    await kaniko.build(files);
    const other = await kaniko.build(files, ['--cache-repo=registry.test/b/cache']);
    expect(ran(other.output)).toEqual(['install', 'compile']);
    expect(ran((await kaniko.build(files, ['--cache=false'])).output)).toEqual(['install', 'compile']);
  });

  test('a stage of which only the result is needed is not even restored', async () => {
    const files = {
      Dockerfile: `${NODE.replace(':24', ':24 AS build')}COPY code.txt .\nRUN echo ran-build >&2\n${NODE}COPY --from=build /app/code.txt .\nRUN echo ran-final >&2\n`,
      'code.txt': 'staged',
    };
    await kaniko.build(files);
    const again = await kaniko.build(files);
    expect(ran(again.output)).toEqual([]);
    expect(await kaniko.read('app/code.txt')).toBe('staged');
  });

  test('a failed step leaves nothing behind', async () => {
    const files = { Dockerfile: `${NODE}RUN echo ran-failing >&2; exit 4\n` };
    await kaniko.build(files);
    expect(ran((await kaniko.build(files)).output)).toEqual(['failing']);
  });
});

test('two builds at once do not disturb each other', async () => {
  const files = (name: string) => ({
    Dockerfile: `${NODE}COPY . .\nRUN cat name > out; sleep 0.2; cat name >> out\n`,
    name,
    common: 'c',
  });
  const names = ['one', 'two', 'two', 'three'];
  const outcomes = await Promise.all(
    names.map((name, index) => kaniko.build(files(name), [`--destination=registry.test/a/concurrent:${index}`])),
  );
  expect(outcomes.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0]);
  for (const [index, name] of names.entries()) {
    expect(await kaniko.read('app/out', `registry.test/a/concurrent:${index}`)).toBe(name + name);
  }
  expect(outcomes[1]?.digest).toBe(outcomes[2]?.digest);
});

test('a build that is ended leaves no folder; what a killed one left, the next removes', async () => {
  const context = await kaniko.archive({ Dockerfile: `${NODE}RUN echo here; exec sleep 60\n` });
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const child = spawn(
      process.execPath,
      [
        join(import.meta.dirname, '../../../local/kaniko/main.ts'),
        `--context=tar://${context}`,
        '--destination=registry.test/a/ended:1',
      ],
      {
        cwd: kaniko.directory,
        env: { ...process.env, KNATIVE_LAMBDA_DIRECTORY: kaniko.directory },
        stdio: ['ignore', 'pipe', 'ignore'],
        detached: true,
      },
    );
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const ended = new Promise((resolve) => child.once('exit', resolve));
    process.kill(-(child.pid ?? 0), signal);
    await ended;
    const left = readdirSync(join(kaniko.directory, 'builds'));
    expect(left).toHaveLength(signal === 'SIGTERM' ? 0 : 1);
  }
  expect((await kaniko.build({ Dockerfile: NODE })).exitCode).toBe(0);
  expect(readdirSync(join(kaniko.directory, 'builds'))).toEqual([]);
});

describe('an archive that is not what it should be', () => {
  test.each([
    { case: 'a name with ..', files: { '../escaped': 'x' } },
    { case: 'a name with .. in the middle', files: { 'a/../../escaped': 'x' } },
    { case: 'an absolute name', files: { '/tmp/escaped': 'x' } },
    { case: 'a link to an absolute path', files: { link: { type: 'symlink' as const, link: '/etc' } } },
    { case: 'a link within', files: { 'a/link': { type: 'symlink' as const, link: 'b' } } },
    { case: 'a hard link', files: { a: 'a', b: { type: 'link' as const, link: 'a' } } },
    { case: 'a device', files: { dev: { type: 'character-device' as const } } },
  ])('is refused: $case', async ({ files }) => {
    const outcome = await kaniko.build({ Dockerfile: 'FROM scratch\nCOPY . .\n', ...files });
    expect(outcome.exitCode).toBe(1);
    expect(outcome.output).toContain('error building image: unpacking the build context: entry ');
    expect(existsSync(join(kaniko.directory, 'builds/escaped'))).toBe(false);
    expect(existsSync('/tmp/escaped')).toBe(false);
  });

  test.each([
    { case: 'no archive at all', content: 'hello' },
    { case: 'a broken one', content: '\x1f\x8bgarbage' },
  ])('$case', async ({ content }) => {
    const path = join(kaniko.directory, 'broken.tar.gz');
    writeFileSync(path, content, 'latin1');
    const outcome = await kaniko.run([`--context=tar://${path}`, '--destination=registry.test/a/broken:1']);
    expect(outcome.exitCode).toBe(1);
    expect(outcome.output).toMatch(/^error building image: /m);
  });
});
