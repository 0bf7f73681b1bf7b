/** Starts the gateway with a real Broker, Kubernetes and S3. */
import { randomUUID } from 'node:crypto';
import { MINUTE, SECOND } from '#shared/durations.ts';
import { createHourOfCalls } from '#shared/history/hour-of-calls.ts';
import { defineFunction } from '#shared/runtime/define-function.ts';
import { configFor } from '#shared/settings/select.ts';
import { createEventFeed } from './api/event-feed.ts';
import { createLastBuilds } from './api/last-builds.ts';
import { createLastCrashes } from './api/last-crashes.ts';
import { createBuildingTenants, createNeverDeployed } from './api/never-deployed.ts';
import { createReadHour } from './api/numbers.ts';
import { createPodLooks } from './api/pod-looks.ts';
import { createSnapshot } from './api/snapshot.ts';
import { API_ROUTES } from './api/table.ts';
import { CLIENT_EVENTS } from './bind.ts';
import { gateway } from './handler.ts';
import { PAGE_ROUTE, servePage } from './page.ts';
import { createRates } from './rates.ts';
import { readPrincipals } from './read-principals.ts';
import { VERSION } from './version.ts';

/** A page asks for several things where a client sends one event. */
const READS_PER_EVENT = 50;
const UPLOAD_TIME = 15 * MINUTE;

await defineFunction({
  name: 'gateway',
  config: configFor('gateway'),
  events: CLIENT_EVENTS,
  answers: 'clients',
  // The page is whatever is no API: it comes last.
  routes: [...API_ROUTES, PAGE_ROUTE],
  dependencies: async (config) => {
    const [
      { createBroker },
      { createCluster },
      { createObjectStore },
      { createPresignUpload, uploadOrigins },
      { createStreamPodLog },
      { createInstallationSource },
      { createIdentitySource },
      { createVerifyToken },
    ] = await Promise.all([
      import('#shared/clients/broker.ts'),
      import('#shared/clients/kubernetes.ts'),
      import('#shared/clients/s3.ts'),
      import('#shared/clients/presigned-uploads.ts'),
      import('#shared/clients/pod-log-stream.ts'),
      import('#shared/clients/installation.ts'),
      import('#shared/clients/identity-source.ts'),
      import('./tokens.ts'),
    ]);
    const source = createIdentitySource(config);
    const cluster = createCluster(config);
    const store = createObjectStore(config);
    const hour = createReadHour(createHourOfCalls(store, config.TEMPORARY_BUCKET));
    return {
      broker: createBroker(config),
      principals: readPrincipals(source.principals),
      verify: createVerifyToken(source),
      rates: createRates(),
      reads: createRates(READS_PER_EVENT),
      authentication: config.AUTHENTICATION,
      sourcePrefix: config.SOURCE_PREFIX,
      cluster,
      store,
      streamLog: createStreamPodLog(),
      podsOf: createPodLooks(cluster),
      installation: createInstallationSource(config),
      probeId: randomUUID,
      eventFeed: createEventFeed(store, config.TEMPORARY_BUCKET),
      presign: createPresignUpload(config, UPLOAD_TIME / SECOND),
      hour,
      snapshot: createSnapshot(cluster, {
        hour,
        lastBuilds: createLastBuilds(store, config.TEMPORARY_BUCKET),
        lastCrashes: createLastCrashes(store, config.TEMPORARY_BUCKET),
        buildingTenants: createBuildingTenants(store, config.TEMPORARY_BUCKET),
        neverDeployed: createNeverDeployed(store, config.TEMPORARY_BUCKET),
      }),
      sourceBucket: config.SOURCE_BUCKET,
      temporaryBucket: config.TEMPORARY_BUCKET,
      sourceLimits: { maxBytes: config.MAX_SOURCE_BYTES, maxFiles: config.MAX_SOURCE_FILES },
      namespace: config.NAMESPACE,
      buildsNamespace: config.BUILDS_NAMESPACE,
      platform: config.PLATFORM,
      version: VERSION,
      now: () => new Date(),
      page: servePage({ uploadOrigins: uploadOrigins(config) }),
    };
  },
  handle: gateway,
});
