/**
 * `make rotate-key`: changes the key that signs events. First every function learns the new one, then they sign with
 * it; what the former one has signed counts until the next rotation. The same command goes on where it was stopped.
 */

import { parseSigningKey } from '#shared/events/signature.ts';
import { builderServices } from '#shared/manifests/builder-services.ts';
import { KEYS_SECRET } from '#shared/runtime/signing.ts';
import { say, sayError } from '#shared/say.ts';
import { applyDocuments, FIELD_MANAGER } from './apply.ts';
import { environmentOf, environmentProblem, ROOT } from './environment.ts';
import { kubectl, type Run, run } from './run.ts';
import { newEventKey, secret } from './secrets.ts';
import { waitUntilReady } from './wait-until-ready.ts';

/** On the pods: the ids of the keys that they know. */
const KNOWN_KEYS = 'knative-lambda/event-keys';
const TIMEOUT = Number(process.env['TIMEOUT'] || 300) * 1000;

interface Keys {
  EVENT_KEY: string;
  EVENT_KEY_OTHER?: string;
}

export async function rotateKey(using: Run, namespace: string, say: (line: string) => void): Promise<void> {
  // Of a rotation that was stopped, some functions may sign with a key that others would not know any more.
  const before = await readKeys(using, namespace);
  await roll(using, namespace, before, say);
  const fresh = newEventKey();
  say(`Every function learns the key ${idOf(fresh)} …`);
  await change(using, namespace, { EVENT_KEY: before.EVENT_KEY, EVENT_KEY_OTHER: fresh }, say);
  say(`Every function signs with it …`);
  await change(using, namespace, { EVENT_KEY: fresh, EVENT_KEY_OTHER: before.EVENT_KEY }, say);
  say(
    `Events are signed with ${idOf(fresh)}. Those that ${idOf(before.EVENT_KEY)} has signed count until the next rotation.`,
  );
}

async function change(using: Run, namespace: string, keys: Keys, say: (line: string) => void): Promise<void> {
  await applyDocuments(using, [secret(namespace, KEYS_SECRET, { ...keys })], true);
  await roll(using, namespace, keys, say);
}

/** New pods of every function, where the present ones know other keys. */
async function roll(using: Run, namespace: string, keys: Keys, say: (line: string) => void): Promise<void> {
  const known = [keys.EVENT_KEY, keys.EVENT_KEY_OTHER ?? ''].filter(Boolean).map(idOf).join('.');
  const services = builderServices(ROOT, { namespace, image: 'any' });
  const patch = JSON.stringify({ spec: { template: { metadata: { annotations: { [KNOWN_KEYS]: known } } } } });
  for (const { metadata } of services) {
    const service = ['services.serving.knative.dev', metadata.name, '-n', namespace];
    await kubectl(using, ['patch', ...service, '--type=merge', `--field-manager=${FIELD_MANAGER}`, '-p', patch]);
  }
  await waitUntilReady(using, { namespace, wanted: services, say, timeout: TIMEOUT });
}

async function readKeys(using: Run, namespace: string): Promise<Keys> {
  const secret = JSON.parse(await kubectl(using, ['get', 'secret', KEYS_SECRET, '-n', namespace, '-o', 'json']));
  const read = (key: keyof Keys) => Buffer.from(secret.data?.[key] ?? '', 'base64').toString();
  const [EVENT_KEY, EVENT_KEY_OTHER] = [read('EVENT_KEY'), read('EVENT_KEY_OTHER')];
  if (!parseSigningKey(EVENT_KEY)) {
    throw new Error(
      `Secret ${KEYS_SECRET} of namespace ${namespace} holds no EVENT_KEY of the form id:base64, so there is no key to change: delete the Secret, and \`make deploy\` makes one`,
    );
  }
  return { EVENT_KEY, ...(EVENT_KEY_OTHER ? { EVENT_KEY_OTHER } : {}) };
}

function idOf(key: string): string {
  return key.split(':')[0] ?? '';
}

if (import.meta.main) {
  const name = process.env['ENV'];
  const problem = environmentProblem(name, ROOT);
  try {
    if (problem !== undefined || name === undefined) {
      throw new Error(problem);
    }
    await rotateKey(run, environmentOf(name, ROOT).namespace, say);
  } catch (error) {
    sayError(error);
    process.exitCode = 1;
  }
}
