/** Of a version whose container neither ended nor became ready: Knative has nothing more to say about it. */

import { PORT } from '#shared/specs/knative-service.ts';

const NEVER_READY = /Initial scale was never achieved|ProgressDeadlineExceeded/;

/** Undefined where Knative says something else. */
export function neverReadyOf(told: string, language: string | undefined): string | undefined {
  if (!NEVER_READY.test(told)) {
    return undefined;
  }
  // On a laptop each pod has a port of its own.
  return language === 'docker'
    ? `its container ran until the time to start was over, and nothing in it listened on the port in $PORT (${PORT} in a cluster)`
    : 'its code was still being loaded when the time to start was over';
}
