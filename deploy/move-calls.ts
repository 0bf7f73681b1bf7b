/**
 * Moves the functions of an older installation to the door: each had a Trigger of its own, which brought its calls past
 * it. Nothing is lost: first the door makes their calls, then an old Trigger goes, once its queue is empty.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { KnativeObject } from '#shared/clients/cluster.ts';
import { MINUTE, SECOND } from '#shared/durations.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { readJson } from '#shared/read-json.ts';
import { DELIVERY_ANNOTATION, isOwnTrigger } from '#shared/specs/delivery.ts';
import { FUNCTIONS } from '#shared/specs/labels.ts';
import type { Environment } from './environment.ts';
import { kubectl, type Run } from './run.ts';
import { RABBITMQ_SECRET } from './secrets.ts';
import type { Settings } from './settings.ts';

/** Longer than the door relies on what it knows of a Service. */
const KNOWN_FOR = 7 * SECOND;
/** How long queues are waited for. sweep removes what is left, a quarter of an hour after it has seen it. */
const PATIENCE = 2 * MINUTE;
const PAUSE = 2 * SECOND;
/** Its Trigger brought answers to be counted. Whoever makes a call counts its answer. */
const FORMER = 'parser-events-complete';
const ASKER = 'knative-lambda-queues';

interface Moving {
  environment: Environment;
  settings: Settings;
  image: string;
  say: (line: string) => void;
}

export async function moveCalls(run: Run, moving: Moving): Promise<void> {
  const { environment, say } = moving;
  const where = ['-n', environment.namespace];
  await kubectl(run, ['delete', 'triggers.eventing.knative.dev', FORMER, ...where, '--ignore-not-found']);
  const services = await list(run, 'services.serving.knative.dev', environment);
  const triggers = (await list(run, 'triggers.eventing.knative.dev', environment)).filter(
    (one) => !isOwnTrigger(one as KnativeObject),
  );
  const former = services.filter(({ metadata }) => !metadata.annotations?.[DELIVERY_ANNOTATION]);
  if (former.length === 0 && triggers.length === 0) {
    return;
  }
  say('Moving the calls of functions to the door …');
  for (const { metadata } of former) {
    const annotation = `${DELIVERY_ANNOTATION}=shared`;
    await kubectl(run, [
      'annotate',
      'services.serving.knative.dev',
      metadata.name,
      annotation,
      ...where,
      '--overwrite',
    ]);
    say(`  ${metadata.name}: called by the door`);
  }
  await sleep(KNOWN_FOR);
  await removeDrained(run, triggers, moving);
}

async function removeDrained(run: Run, triggers: KubeObject[], moving: Moving): Promise<void> {
  const { environment, say } = moving;
  const names = new Set(triggers.map(({ metadata }) => metadata.name));
  const until = Date.now() + PATIENCE;
  let why = 'still hold calls';
  try {
    await startAsker(run, moving);
    while (names.size > 0 && Date.now() < until) {
      const waiting = await askQueues(run, environment);
      for (const name of [...names].filter((name) => (waiting.get(name) ?? 0) === 0)) {
        await kubectl(run, ['delete', 'triggers.eventing.knative.dev', name, '-n', environment.namespace]);
        names.delete(name);
        say(`  ${name}: its Trigger is gone`);
      }
      await sleep(names.size > 0 ? PAUSE : 0);
    }
  } catch (error) {
    why = `could not be asked for: ${error instanceof Error ? error.message : error}`;
  } finally {
    await run('kubectl', ['delete', 'pod', ASKER, '-n', environment.namespace, '--ignore-not-found', '--wait=false']);
  }
  if (names.size > 0) {
    say(
      `  The queues of ${[...names].join(', ')} ${why}. Until their Triggers are gone, a call of these functions is made twice, with one answer's id. Run make deploy again, or leave it to sweep, which removes them within twenty minutes.`,
    );
  }
}

/** RabbitMQ is reached from inside the cluster alone, and its password stays there. */
async function startAsker(run: Run, { environment, settings, image }: Moving): Promise<void> {
  const { namespace } = environment;
  const secret = settings.rabbitmq ? RABBITMQ_SECRET : 'rabbitmq-default-user';
  const fromSecret = (name: string, key: string) => ({ name, valueFrom: { secretKeyRef: { name: secret, key } } });
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: ASKER, namespace, labels: { 'app.kubernetes.io/part-of': 'knative-lambda' } },
    spec: {
      restartPolicy: 'Never',
      activeDeadlineSeconds: 600,
      automountServiceAccountToken: false,
      ...(settings.registryConfig ? { imagePullSecrets: [{ name: 'knative-lambda-registry' }] } : {}),
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'node',
          image,
          command: ['node', '-e', 'setTimeout(() => undefined, 600_000)'],
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
  await run('kubectl', ['delete', 'pod', ASKER, '-n', namespace, '--ignore-not-found']);
  await kubectl(run, ['create', '-f', '-'], { input: JSON.stringify(pod) });
  await kubectl(run, ['wait', `pod/${ASKER}`, '-n', namespace, '--for=condition=Ready', '--timeout=60s']);
}

/** Of every virtual host: a queue is called {namespace}.{Trigger}.{uid of its Broker}. */
const ASK = `
const { URI, USERNAME, PASSWORD } = process.env;
const authorization = 'Basic ' + Buffer.from(USERNAME.trim() + ':' + PASSWORD.trim()).toString('base64');
const url = new URL('/api/queues?columns=name,messages&disable_stats=false', URI.trim());
fetch(url, { headers: { authorization } })
  .then((answer) => (answer.ok ? answer.text() : Promise.reject(new Error('RabbitMQ answered ' + answer.status))))
  .then((text) => console.log(text))
  .catch((error) => { console.error(error.cause?.message ?? error.message); process.exit(1); });
`;

/** Messages, waiting or being delivered, by the Trigger's name. */
async function askQueues(run: Run, { namespace }: Environment): Promise<Map<string, number>> {
  const answer = await kubectl(run, ['exec', ASKER, '-n', namespace, '--', 'node', '-e', ASK]);
  const queues = readJson(answer);
  if (!Array.isArray(queues)) {
    throw new Error('RabbitMQ did not answer with its queues');
  }
  return new Map(
    queues
      .filter(({ name }) => String(name).startsWith(`${namespace}.`))
      .map(({ name, messages }) => [String(name).split('.')[1] ?? '', Number(messages ?? 1)]),
  );
}

async function list(run: Run, kind: string, { namespace }: Environment): Promise<KubeObject[]> {
  return JSON.parse(await kubectl(run, ['get', kind, '-n', namespace, '-l', FUNCTIONS, '-o', 'json'])).items;
}
