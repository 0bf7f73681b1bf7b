/** The whole of it: a Job with the kaniko image builds an image, and a pod runs that image. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startJobController } from '#local/jobs/job-controller.ts';
import { kanikoImage } from '#local/kaniko/kaniko-image.ts';
import { Kaniko } from '#test/unit/kaniko/run-kaniko.ts';
import { startNode, type TestNode, terminated } from '#test/unit/kubelet/start-node.ts';

let node: TestNode;
let controller: { close(): void };
let archives: Kaniko;
beforeAll(() => {
  node = startNode();
  controller = startJobController({ storage: node.storage, backoffSeconds: 0.01 });
  node.images.register('registry.test/kaniko:1', kanikoImage(node.directory));
  archives = new Kaniko();
});
afterAll(async () => {
  controller.close();
  await node.close();
  archives.close();
});

async function runJob(name: string, dockerfile: string): Promise<ReturnType<TestNode['get']>> {
  const archive = await archives.archive({
    '.knative-lambda/Dockerfile': dockerfile,
    'main.mjs': `import { createServer } from 'node:http';
      createServer((request, response) => response.end('hello from ' + process.env.NAME)).listen(process.env.PORT);`,
  });
  const volumeMounts = [{ name: 'context', mountPath: '/context' }];
  node.storage.create({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace: 'ns' },
    spec: {
      backoffLimit: 0,
      template: {
        spec: {
          restartPolicy: 'Never',
          volumes: [{ name: 'context', emptyDir: {} }],
          initContainers: [node.sh(`cp ${archive} /context/context.tar.gz`, { name: 'fetch', volumeMounts })],
          containers: [
            {
              name: 'kaniko',
              image: 'registry.test/kaniko:1',
              args: [
                '--context=tar:///context/context.tar.gz',
                '--dockerfile=.knative-lambda/Dockerfile',
                '--destination=registry.test/fn:tag-$(POD_NAME)',
                '--digest-file=/dev/termination-log',
                '--cache=true',
                '--cache-repo=registry.test/fn/cache',
              ],
              env: [{ name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
              terminationMessagePolicy: 'FallbackToLogsOnError',
              volumeMounts,
            },
          ],
        },
      },
    },
  });
  const done = () =>
    (node.storage.get('jobs.batch', 'ns', name)?.['status']?.conditions ?? []).some(
      ({ type }: { type: string }) => type === 'Complete' || type === 'Failed',
    );
  await expect.poll(done, { timeout: 20_000 }).toBe(true);
  const [pod] = node.storage.list('pods', { namespace: 'ns', labelSelector: `job-name=${name}` });
  return node.get(pod?.metadata.name ?? '');
}

test('digest in the termination message; the image serves by that digest', async () => {
  const pod = await runJob(
    'build',
    'FROM registry.test/node:24\nWORKDIR /app\nENV NAME=image\nCOPY . .\nRUN node --check main.mjs || exit 66\nCMD ["node", "/app/main.mjs"]\n',
  );
  const digest = terminated(pod?.status.containerStatuses[0])?.message;
  expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);

  node.pod('serves', {
    containers: [
      { name: 'user-container', image: `registry.test/fn@${digest}`, readinessProbe: { tcpSocket: { port: 0 } } },
    ],
  });
  const serving = await node.until('serves', ({ status }) => status.containerStatuses[0]?.ready === true);
  expect(serving.status.containerStatuses[0]?.imageID).toBe(digest);
  const port = serving.metadata.annotations?.['local.knative-lambda/port'];
  expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('hello from image');
});

test('a failed step’s exit code and the end of the log', async () => {
  const pod = await runJob('broken', 'FROM registry.test/node:24\nCOPY . .\nRUN node --check absent.mjs || exit 66\n');
  expect(terminated(pod?.status.containerStatuses[0])).toMatchObject({ exitCode: 66, reason: 'Error' });
  expect(terminated(pod?.status.containerStatuses[0])?.message).toContain('error building image: ');
});
