/** What a container is told: environment, volumes, paths, token. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startNode, type TestNode } from './start-node.ts';

let node: TestNode;
beforeAll(() => {
  node = startNode();
  const data = { KEY: 'value', OTHER: 'two words' };
  node.storage.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'ns' }, data });
  const secret = { PASSWORD: Buffer.from('geheim').toString('base64') };
  const odd = { ODD: Buffer.from(PATH_LIKE).toString('base64') };
  node.storage.create({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'odd', namespace: 'ns' }, data: odd });
  node.storage.create({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'keys', namespace: 'ns' }, data: secret });
});
afterAll(async () => {
  await node.close();
});

let count = 0;
async function output(script: string, container: Record<string, unknown> = {}, spec: Record<string, unknown> = {}) {
  const name = `env-${count++}`;
  node.pod(name, { restartPolicy: 'Never', ...spec, containers: [node.sh(script, container)] });
  await node.until(name, ({ status }) => ['Succeeded', 'Failed'].includes(status.phase));
  return (await node.log(name)).replace(/\n$/, '');
}

/** Looks like a path of the pod, and like a variable. */
const PATH_LIKE = '/etc/keys/PASSWORD $(PORT)';

describe('environment', () => {
  test.each([
    { case: 'value', env: [{ name: 'A', value: 'x y' }], is: 'x y' },
    { case: 'no value', env: [{ name: 'A' }], is: '' },
    {
      case: 'what stands before it',
      env: [
        { name: 'B', value: 'b' },
        { name: 'A', value: '<$(B)>' },
      ],
      is: '<b>',
    },
    {
      case: 'what stands after it stays as written',
      env: [
        { name: 'A', value: '$(B)' },
        { name: 'B', value: 'b' },
      ],
      is: '$(B)',
    },
    { case: 'escaped', env: [{ name: 'A', value: '$$(PORT)' }], is: '$(PORT)' },
    {
      case: 'configMapKeyRef',
      env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'settings', key: 'OTHER' } } }],
      is: 'two words',
    },
    {
      case: 'secretKeyRef',
      env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'keys', key: 'PASSWORD' } } }],
      is: 'geheim',
    },
    {
      case: 'an optional key that is missing leaves it unset',
      env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'settings', key: 'NONE', optional: true } } }],
      is: 'unset',
    },
    {
      case: 'fieldRef',
      env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } }],
      is: 'ns',
    },
  ])('$case', async ({ env, is }) => {
    expect(await output('printenv A || echo unset', { env })).toBe(is);
  });

  test('envFrom, with a prefix, and env over it', async () => {
    const envFrom = [{ configMapRef: { name: 'settings' } }, { prefix: 'S_', secretRef: { name: 'keys' } }];
    const env = [{ name: 'OTHER', value: '$(KEY)!' }];
    expect(await output('echo $KEY $OTHER $S_PASSWORD', { envFrom, env })).toBe('value value! geheim');
  });

  test('an optional source that is missing', async () => {
    expect(await output('echo fine', { envFrom: [{ secretRef: { name: 'absent', optional: true } }] })).toBe('fine');
  });

  test('nothing of the platform’s own beyond the list', async () => {
    process.env['AWS_SECRET_ACCESS_KEY'] = 'must-not-leak';
    process.env['npm_config_//registry/:_authToken'] = 'must-not-leak';
    try {
      const names = (await output('env')).split('\n').map((line) => line.split('=')[0]);
      const allowed =
        /^(PATH|HOME|TMPDIR|LANG|LC_ALL|TZ|PWD|OLDPWD|SHLVL|_|HOST|PORT|METRICS_PORT|KUBECONFIG|(https?|no|all)_proxy|(SSL|NODE_EXTRA|REQUESTS|CURL)_\w+|NODE_COMPILE_CACHE_PORTABLE|npm_\w+|NPM_\w+|PIP_\w+|PYENV_\w+|GO[A-Z]+)$/i;
      expect(names.filter((name) => !allowed.test(name ?? ''))).toEqual([]);
      expect(await output('env')).not.toContain('must-not-leak');
    } finally {
      delete process.env['AWS_SECRET_ACCESS_KEY'];
      delete process.env['npm_config_//registry/:_authToken'];
    }
  });

  test('the pod’s port wins over one that the spec names, and arguments may use it', async () => {
    expect(
      await output('[ "$PORT" = "$(PORT)" ] && [ "$PORT" != 8080 ] && echo same', {
        env: [{ name: 'PORT', value: '8080' }],
      }),
    ).toBe('same');
  });

  test('node is the one that runs the platform', async () => {
    expect(await output('node -p process.version')).toBe(process.version);
  });
});

describe('volumes', () => {
  test('ConfigMaps, Secrets and the downward API as files', async () => {
    const spec = {
      volumes: [
        { name: 'c', configMap: { name: 'settings', items: [{ key: 'KEY', path: 'deep/file' }] } },
        { name: 's', secret: { secretName: 'keys' } },
        {
          name: 'd',
          projected: {
            sources: [{ downwardAPI: { items: [{ path: 'name', fieldRef: { fieldPath: 'metadata.uid' } }] } }],
          },
        },
      ],
    };
    const volumeMounts = [
      { name: 'c', mountPath: '/etc/settings/' },
      { name: 's', mountPath: '/etc/keys' },
      { name: 'd', mountPath: '/etc/pod' },
    ];
    expect(
      await output('cat /etc/settings/deep/file /etc/keys/PASSWORD; wc -c < /etc/pod/name', { volumeMounts }, spec),
    ).toBe('valuegeheim36');
  });

  test('a Secret as a variable is what it is, also where it looks like a mounted path', async () => {
    const spec = { volumes: [{ name: 's', secret: { secretName: 'keys' } }] };
    const volumeMounts = [{ name: 's', mountPath: '/etc/keys' }];
    const env = [{ name: 'ODD', valueFrom: { secretKeyRef: { name: 'odd', key: 'ODD' } } }];
    expect(await output('printenv ODD', { volumeMounts, env }, spec)).toBe(PATH_LIKE);
  });

  test('files of volumes are for their owner alone', async () => {
    const spec = { volumes: [{ name: 's', projected: { sources: [{ secret: { name: 'keys' } }] } }] };
    const volumeMounts = [{ name: 's', mountPath: '/etc/keys' }];
    expect(await output('ls -l /etc/keys/PASSWORD', { volumeMounts }, spec)).toMatch(/^-rw------- /);
  });

  test('subPath, and paths in environment values', async () => {
    const spec = { volumes: [{ name: 'c', configMap: { name: 'settings' } }] };
    const volumeMounts = [{ name: 'c', mountPath: '/conf/one', subPath: 'KEY' }];
    expect(await output('cat "$FILE"', { volumeMounts, env: [{ name: 'FILE', value: '/conf/one' }] }, spec)).toBe(
      'value',
    );
  });

  test('a missing Secret holds the pod back until it is there', async () => {
    node.pod('waits', {
      restartPolicy: 'Never',
      volumes: [{ name: 's', secret: { secretName: 'late' } }],
      containers: [node.sh('cat /s/k', { volumeMounts: [{ name: 's', mountPath: '/s' }] })],
    });
    const pod = await node.until('waits', ({ status }) => status.message !== undefined);
    expect(pod.status).toMatchObject({
      phase: 'Pending',
      message: 'MountVolume.SetUp failed: secret "late" not found',
    });
    const data = { k: Buffer.from('now').toString('base64') };
    node.storage.create({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'late', namespace: 'ns' }, data });
    await node.until('waits', ({ status }) => status.phase === 'Succeeded');
    expect(await node.log('waits')).toBe('now');
  });
});

describe('the API’s address', () => {
  const token = {
    volumes: [{ name: 'token', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } }],
  };
  const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
  test.each([
    { case: 'by default', spec: {}, container: {}, is: '/somewhere/kubeconfig' },
    { case: 'not where the pod opts out', spec: { automountServiceAccountToken: false }, container: {}, is: 'unset' },
    {
      case: 'where the pod opts out and this container mounts a projected token',
      spec: { automountServiceAccountToken: false, ...token },
      container: { volumeMounts: [{ name: 'token', mountPath }] },
      is: '/somewhere/kubeconfig',
    },
    {
      case: 'not where something else is mounted over it',
      spec: { volumes: [{ name: 'token', emptyDir: {} }] },
      container: { volumeMounts: [{ name: 'token', mountPath }] },
      is: 'unset',
    },
  ])('$case', async ({ spec, container, is }) => {
    expect(await output('printenv KUBECONFIG || echo unset', container, spec)).toBe(is);
  });
});

describe('termination messages', () => {
  const last = async (script: string, container: Record<string, unknown>) => {
    const name = `message-${count++}`;
    node.pod(name, { restartPolicy: 'Never', containers: [node.sh(script, container)] });
    const pod = await node.until(name, ({ status }) => ['Succeeded', 'Failed'].includes(status.phase));
    const state = pod.status.containerStatuses[0]?.state;
    return state !== undefined && 'terminated' in state ? state.terminated.message : undefined;
  };
  const terminationMessagePolicy = 'FallbackToLogsOnError';

  test('what is written to the termination log', async () => {
    expect(await last('printf sha256:abc > /dev/termination-log', {})).toBe('sha256:abc');
  });
  test('at another path, at most 4096 bytes', async () => {
    const message = await last('head -c 5000 /dev/zero | tr "\\\\0" x > /tmp/mine', {
      terminationMessagePath: '/tmp/mine',
    });
    expect(message).toBe('x'.repeat(4096));
  });
  test('the output’s last 80 lines after a failure', async () => {
    const message = await last('seq 1 100; exit 1', { terminationMessagePolicy });
    expect(message?.split('\n').slice(0, 2)).toEqual(['21', '22']);
    expect(message?.endsWith('100\n')).toBe(true);
  });
  test('the output’s last 2048 bytes after a failure', async () => {
    const message = await last('head -c 3000 /dev/zero | tr "\\\\0" y; exit 1', { terminationMessagePolicy });
    expect(message).toBe('y'.repeat(2048));
  });
  test.each([
    { case: 'after a success', script: 'echo text', container: { terminationMessagePolicy } },
    { case: 'without the policy', script: 'echo text; exit 1', container: {} },
  ])('nothing $case', async ({ script, container }) => {
    expect(await last(script, container)).toBeUndefined();
  });
});

test('the working directory is the image’s, or the container’s', async () => {
  expect(await output('pwd -P')).toBe(join(node.directory, 'app'));
  expect(await output('basename $(pwd)', { workingDir: '/app/made' })).toBe('made');
});
