/** Asks RabbitMQ how much waits in the queues of Triggers, from a pod: it need not be reachable from anywhere else. */
import { readJson } from '#shared/read-json.ts';
import { REGISTRY_SECRET } from '#shared/specs/build-pod/settings.ts';
import type { Environment } from './environment.ts';
import { kubectl, type Run } from './run.ts';
import { RABBITMQ_SECRET } from './secrets.ts';
import type { Settings } from './settings.ts';

export interface QueueSource {
  environment: Environment;
  settings: Settings;
  /** Has node in it. */
  image: string;
}

const ASKER = 'knative-lambda-queues';
/** The NetworkPolicy `queues` is for it. */
const LABELS = { 'app.kubernetes.io/part-of': 'knative-lambda', 'app.kubernetes.io/component': 'queues' };
/** Longer than anybody asks. */
const LIFE_SECONDS = 600;

/** RabbitMQ's password stays in the cluster. */
export async function startAsker(run: Run, { environment, settings, image }: QueueSource): Promise<void> {
  const { namespace } = environment;
  const secret = settings.rabbitmq ? RABBITMQ_SECRET : 'rabbitmq-default-user';
  const fromSecret = (name: string, key: string) => ({ name, valueFrom: { secretKeyRef: { name: secret, key } } });
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: ASKER, namespace, labels: LABELS },
    spec: {
      restartPolicy: 'Never',
      activeDeadlineSeconds: LIFE_SECONDS,
      terminationGracePeriodSeconds: 1,
      automountServiceAccountToken: false,
      ...(settings.registryConfig ? { imagePullSecrets: [{ name: REGISTRY_SECRET }] } : {}),
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'node',
          image,
          command: ['node', '-e', `setTimeout(() => undefined, ${LIFE_SECONDS}_000)`],
          env: [
            fromSecret('USERNAME', 'username'),
            fromSecret('PASSWORD', 'password'),
            settings.rabbitmq
              ? fromSecret('URI', 'uri')
              : { name: 'URI', value: `http://rabbitmq.${namespace}.svc:15672` },
          ],
          resources: { requests: { cpu: '10m', memory: '64Mi' }, limits: { cpu: '500m', memory: '256Mi' } },
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        },
      ],
    },
  };
  // An interrupted deployment leaves one behind.
  await run('kubectl', ['delete', 'pod', ASKER, '-n', namespace, '--ignore-not-found']);
  await kubectl(run, ['create', '-f', '-'], { input: JSON.stringify(pod) });
  await kubectl(run, ['wait', `pod/${ASKER}`, '-n', namespace, '--for=condition=Ready', '--timeout=60s']);
}

export async function stopAsker(run: Run, { namespace }: Environment): Promise<void> {
  await run('kubectl', ['delete', 'pod', ASKER, '-n', namespace, '--ignore-not-found', '--wait=false']);
}

const ASK = `
const { URI, USERNAME, PASSWORD } = process.env;
const authorization = 'Basic ' + Buffer.from(USERNAME.trim() + ':' + PASSWORD.trim()).toString('base64');
const url = new URL('/api/queues?columns=name,messages&disable_stats=false', URI.trim());
fetch(url, { headers: { authorization }, signal: AbortSignal.timeout(15_000) })
  .then((answer) => (answer.ok ? answer.text() : Promise.reject(new Error('RabbitMQ answered ' + answer.status))))
  .then((text) => console.log(text))
  .catch((error) => { console.error(error.cause?.message ?? error.message); process.exit(1); });
`;

/**
 * Messages, waiting or being delivered, by the Trigger's name. A queue that RabbitMQ does not name, or whose numbers it
 * does not know, is not in it. Of every virtual host: the Broker's uid is in a queue's name.
 */
export async function askQueues(run: Run, { namespace }: Environment): Promise<Map<string, number>> {
  const uid = ['get', 'brokers.eventing.knative.dev', 'default', '-n', namespace, '-o', 'jsonpath={.metadata.uid}'];
  const end = `.${(await kubectl(run, uid)).trim()}`;
  const queues = readJson(await kubectl(run, ['exec', ASKER, '-n', namespace, '--', 'node', '-e', ASK]));
  if (!Array.isArray(queues) || end === '.') {
    throw new Error('RabbitMQ did not answer with its queues, or there is no Broker');
  }
  const start = `${namespace}.`;
  const ours = queues.filter(
    ({ name, messages }) => typeof messages === 'number' && name.startsWith(start) && name.endsWith(end),
  );
  return new Map(ours.map(({ name, messages }) => [name.slice(start.length, -end.length), messages]));
}
