/** The labels and annotations that tie Serving's objects together. */

export const SERVICE = 'serving.knative.dev/service';
export const CONFIGURATION = 'serving.knative.dev/configuration';
export const GENERATION = 'serving.knative.dev/configurationGeneration';
export const REVISION = 'serving.knative.dev/revision';
export const REVISION_UID = 'serving.knative.dev/revisionUID';
export const SERVICE_UID = 'serving.knative.dev/serviceUID';
export const PROGRESS_DEADLINE = 'serving.knative.dev/progress-deadline';
/** Ours: tells whether a Service's template differs from what its newest revision was made of. */
export const TEMPLATE_HASH = 'local.knative-lambda/template-hash';
/** Ours: the loopback port at which the kubelet let the pod listen. */
export const PORT = 'local.knative-lambda/port';

export const SERVICES = 'services.serving.knative.dev';
export const REVISIONS = 'revisions.serving.knative.dev';
export const PODS = 'pods';
