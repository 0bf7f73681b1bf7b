/** What somebody has spoilt in the platform's files costs what was spoilt, and no more. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { QueueLog } from '#local/broker/queue-log.ts';
import { ImageStore } from '#local/kubelet/images.ts';
import { createStorage } from '#local/kubernetes/storage.ts';
import { registerPlatformImages } from '#local/run/platform-images.ts';
import { ObjectFiles } from '#local/s3/object-files.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'damaged-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Puts garbage in place of the line that holds `text`. */
function spoil(file: string, text: string): void {
  const lines = readFileSync(file, 'utf8').split('\n');
  writeFileSync(file, lines.map((line) => (line.includes(text) ? '\u0000{"put":' : line)).join('\n'));
}

const configMap = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' } });

test.each(['"name":"spoilt"', '"name":"default"'])('objects, with %s unreadable', (text) => {
  const file = join(directory, 'objects.jsonl');
  const before = createStorage(file);
  for (const name of ['first', 'spoilt', 'last']) {
    before.create(configMap(name));
  }
  before.close();
  spoil(file, text);
  appendFileSync(file, '{}\n{"put":{}}\n{"discard":null}\n');

  const after = createStorage(file);

  const names = after.list('configmaps').map(({ metadata }) => metadata.name);
  expect(names).toEqual(text.includes('spoilt') ? ['first', 'last'] : ['first', 'last', 'spoilt']);
  expect(after.get('namespaces', undefined, 'default')).toBeDefined();
  expect(existsSync(`${file}.broken`)).toBe(true);
  after.close();
});

test('queues', () => {
  const file = join(directory, 'queues.jsonl');
  const before = new QueueLog(file);
  for (const body of ['first', 'spoilt', 'last']) {
    before.open('q').add({ headers: {}, body: Buffer.from(body) });
  }
  before.close();
  spoil(file, Buffer.from('spoilt').toString('base64'));
  appendFileSync(file, '{}\n{"queue":"q","add":9}\n');

  const after = new QueueLog(file);

  const left = [...after.open('q').messages()].map(([, { body }]) => body.toString());
  expect(left).toEqual(['first', 'last']);
  after.close();
});

test('S3: the bodies of lines that are missing stay', () => {
  const body = (name: string) => {
    writeFileSync(join(directory, 'bodies', name), name);
    return { file: name, etag: '"e"', size: name.length };
  };
  const before = new ObjectFiles(directory);
  before.createBucket('b');
  before.put('b', 'first', body('f1'), {});
  before.put('b', 'spoilt', body('f2'), {});
  before.close();
  const file = join(directory, 'objects.jsonl');
  spoil(file, '"make"');
  spoil(file, '"spoilt"');

  const after = new ObjectFiles(directory);

  expect([...after.objectsOf('b').keys()]).toEqual(['first']);
  expect(readdirSync(join(directory, 'bodies')).sort()).toEqual(['f1', 'f2']);
  after.close();
});

test('dist/ may be replaced under a platform that runs', () => {
  const root = join(directory, 'project');
  const image = 'knative-lambda-builder';
  const config = { BUILDER_IMAGE: image, KANIKO_IMAGE: 'kaniko' };
  mkdirWith(join(root, 'dist'), 'main.js', 'of the first');
  const images = new ImageStore(directory);
  registerPlatformImages(images, { root, directory, config });

  rmSync(join(root, 'dist'), { recursive: true });
  mkdirWith(join(root, 'dist'), 'main.js', 'of the second');

  return images.resolve(image).then((found) => {
    expect(readFileSync(join(found?.rootfs ?? '', 'app/main.js'), 'utf8')).toBe('of the first');
  });
});

function mkdirWith(folder: string, name: string, content: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), content);
}
