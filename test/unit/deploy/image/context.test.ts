import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';
import { expect, test } from 'vitest';
import { contextArchive, contextFiles, contextPaths } from '#deploy/image/context.ts';

const root = join(import.meta.dirname, '../../../..');
const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');

async function entriesOf(archive: Buffer) {
  const entries: { name: string; mode: number | undefined; body: Buffer }[] = [];
  const tar = extract();
  tar.end(gunzipSync(archive));
  for await (const entry of tar) {
    entries.push({ name: entry.header.name, mode: entry.header.mode, body: await buffer(entry) });
  }
  return entries;
}

test('the context is what the Dockerfile copies, and nothing else', () => {
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources]) => sources?.split(' '));
  expect(contextPaths(root).toSorted()).toEqual([...copied, 'Dockerfile', '.dockerignore'].toSorted());
});

test('it has no tests, no installed packages, no settings and nothing that was made', () => {
  const wrong = contextFiles(root).filter((path) =>
    /(^|\/)(node_modules|dist|test|\.git|\.func|\.deploy|\.env[^/]*|__pycache__)(\/|$)|\.pyc$|\.test\.ts$/.test(path),
  );
  expect(wrong).toEqual([]);
});

test('the archive holds the files as they are, behind a root that anybody may enter', async () => {
  const entries = await entriesOf(await contextArchive(root));
  const [first, ...files] = entries;
  expect(first).toMatchObject({ name: './', mode: 0o755 });
  expect(files.map(({ name }) => name)).toEqual(contextFiles(root));
  expect(files.find(({ name }) => name === 'Dockerfile')?.body.toString()).toBe(dockerfile);
});

test('the same sources make the same archive', async () => {
  const [one, two] = await Promise.all([contextArchive(root), contextArchive(root)]);
  expect(one.equals(two)).toBe(true);
});

test('the Dockerfile needs nothing that only BuildKit has, nor quotes that Kaniko cannot read', () => {
  expect(dockerfile).not.toMatch(/^# *syntax=|--mount=|--link|--parents|<<[A-Z-]/m);
  const instructions = dockerfile.split('\n').filter((line) => !line.startsWith('#'));
  expect(instructions.join('\n')).not.toContain("'");
});

test('only what the first stage made is in the image, by a numeric user, started without a shell', () => {
  const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
  expect([...last.matchAll(/^(COPY|ADD|RUN) .*/gm)].map(([line]) => line)).toEqual([
    'COPY --from=build --chown=0:0 /app /app',
  ]);
  expect(last).toMatch(/^USER 65532:65532$/m);
  expect(last).toMatch(/^ENTRYPOINT \["node", "main.js"\]$/m);
});

test('what the compile cache depends on is the same where it is made and where it is used', () => {
  const [made, used] = dockerfile.split('\nFROM ').slice(1);
  for (const setting of [/NODE_OPTIONS=\S+/, /NODE_COMPILE_CACHE=\S+/, /USER (\d+:\d+)/, /WORKDIR \/app/]) {
    expect(setting.exec(made ?? '')?.[0]).toBe(setting.exec(used ?? '')?.[0]);
    expect(setting.exec(made ?? '')).not.toBeNull();
  }
});
