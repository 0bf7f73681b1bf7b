/**
 * The work of the sidecar: waits until Kaniko ends, keeps its log, sends build.complete after a success, and saves what
 * was downloaded.
 */
import type { CloudEvent } from 'cloudevents';
import { outcomeOf } from '#shared/builds/outcome.ts';
import { terminalCloudEvent } from '#shared/builds/terminal-event.ts';
import type { Cluster } from '#shared/clients/cluster.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { redactCredentials } from '#shared/redact-credentials.ts';
import { KANIKO } from '#shared/specs/build-pod/kaniko.ts';
import { retry } from './retry.ts';
import { watchKaniko } from './watch-kaniko.ts';

/** SIGTERM usually comes first. Polling is for the case that it does not. */
const POLL_MILLISECONDS = 1000;
/** The Kubernetes API cuts a longer log at its end. */
const LOG_LIMIT_BYTES = 10 * 1024 * 1024;

export interface MonitorDependencies {
  cluster: Pick<Cluster, 'getPod' | 'getJob' | 'readLog'>;
  store: Pick<ObjectStore, 'write'>;
  send: (event: CloudEvent<unknown>) => Promise<boolean>;
  /** Undefined where nothing is kept. */
  saveDownloads?: ((signal: AbortSignal) => Promise<unknown>) | undefined;
  log: (line: string) => void;
}

export interface MonitoredBuild {
  pod: string;
  job: string;
  logBucket: string;
  logKey: string;
}

/**
 * `asked` and `signal` as in watchKaniko. Never throws: a build must not fail because its log or its event is lost.
 * cluster-events sends the event if the sidecar could not.
 */
export async function monitorBuild(
  deps: MonitorDependencies,
  build: MonitoredBuild,
  { asked, signal }: { asked: AbortSignal; signal: AbortSignal },
): Promise<void> {
  const { cluster, log } = deps;
  const ended = await watchKaniko(cluster, {
    pod: build.pod,
    container: KANIKO,
    interval: POLL_MILLISECONDS,
    asked,
    signal,
    log,
  });
  if (!ended) {
    log('the pod went before Kaniko was seen to end');
    return;
  }
  log(`kaniko exited ${ended.exitCode}`);
  await Promise.all([
    // Until the time after SIGTERM is over: S3 may be away for a moment, and the log is what tells why a build failed.
    retry(() => keepLog(deps, build), signal, log).catch((error: Error) =>
      log(`the build log is not kept: ${error.message}`),
    ),
    // A failed attempt does not end the Job, which may try again. cluster-events tells when the Job has failed.
    ended.exitCode === 0
      ? sendTerminalEvent(deps, build).catch((error: Error) => log(`build.complete is not sent: ${error.message}`))
      : undefined,
  ]);
  // Last: nobody waits for it. Kaniko has ended, and with it every command of the user's.
  if (ended.exitCode === 0) {
    await deps
      .saveDownloads?.(signal)
      .catch((error: Error) => log(`what was downloaded is not kept: ${error.message}`));
  }
}

async function keepLog(
  { cluster, store, log }: MonitorDependencies,
  { pod, logBucket, logKey }: MonitoredBuild,
): Promise<void> {
  const text = await cluster.readLog(pod, KANIKO, LOG_LIMIT_BYTES);
  await store.write(logBucket, logKey, redactCredentials(text), 'text/plain; charset=utf-8');
  log(`kept the build log as s3://${logBucket}/${logKey}`);
}

async function sendTerminalEvent(
  { cluster, send, log }: MonitorDependencies,
  { pod, job: name }: MonitoredBuild,
): Promise<void> {
  const [job, own] = await Promise.all([cluster.getJob(name), cluster.getPod(pod)]);
  const result = job && own && outcomeOf(job, [own]);
  if (!job || result?.status !== 'success') {
    // Somebody ended the Job during Kaniko's last step.
    log(`build.complete is left to cluster-events: ${result ? `the Job is ${result.status}` : 'the Job is gone'}`);
    return;
  }
  const sent = await send(terminalCloudEvent(job, result));
  log(sent ? 'sent build.complete' : 'time ran out before the broker took build.complete; cluster-events sends it');
}
