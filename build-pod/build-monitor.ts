/**
 * The sidecar of a build. It starts before Kaniko, ends after it, and is the only container of the pod with a token for
 * the Kubernetes API.
 */
import type { CloudEvent } from 'cloudevents';
import * as z from 'zod';
import { createCluster } from '#shared/clients/kubernetes.ts';
import { createObjectStore } from '#shared/clients/s3.ts';
import { say } from '#shared/say.ts';
import { parseConfig } from '#shared/settings/parse-config.ts';
import { fieldsFor } from '#shared/settings/select.ts';
import { downloadsAddress, downloadsFields } from './downloads-address.ts';
import { monitorBuild } from './monitor.ts';
import { saveDownloads } from './save-downloads.ts';
import { sendEvent } from './send-event.ts';

/** Below the pod's grace period of 30 s: the sidecar must end before it is killed. */
const GRACE_MILLISECONDS = 20_000;

const schema = z.object({
  ...fieldsFor('build-monitor'),
  NAMESPACE: z.string().min(1),
  POD_NAME: z.string().min(1),
  JOB_NAME: z.string().min(1),
  LOG_BUCKET: z.string().min(1),
  LOG_KEY: z.string().min(1),
  ...downloadsFields,
});

const asked = new AbortController();
const stop = new AbortController();
process.once('SIGTERM', () => {
  say('asked to end');
  asked.abort();
  setTimeout(() => stop.abort(), GRACE_MILLISECONDS).unref();
});

try {
  const { own: settings } = parseConfig(schema, process.env);
  const { NAMESPACE, POD_NAME: pod, JOB_NAME: job, LOG_BUCKET: logBucket, LOG_KEY: logKey, BROKER_URL } = settings;
  const store = createObjectStore(settings);
  const downloads = downloadsAddress(settings);
  const deps = {
    store,
    cluster: createCluster({ NAMESPACE, BUILDS_NAMESPACE: NAMESPACE }),
    send: (event: CloudEvent<unknown>) => sendEvent(BROKER_URL, event, stop.signal, say),
    saveDownloads:
      downloads && ((signal: AbortSignal) => saveDownloads({ store, log: say, now: Date.now }, downloads, signal)),
    log: say,
  };
  await monitorBuild(deps, { pod, job, logBucket, logKey }, { asked: asked.signal, signal: stop.signal });
} catch (error) {
  // Kubernetes restarts a sidecar that fails, and the build would wait for it. Without a sidecar the build goes on, and
  // cluster-events sends its build.complete later.
  say(`not monitoring: ${(error as Error).message}`);
}
process.exit(0);
