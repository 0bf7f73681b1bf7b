/** The safeguards that keep the promise, each with the change to the code that takes it out. */

export interface Safeguard {
  name: string;
  file: string;
  find: string;
  replace: string;
}

const builds = 'shared/builds/';

export const SAFEGUARDS: Safeguard[] = [
  {
    name: 'the compare-and-swap of the Lease',
    file: `${builds}admit.ts`,
    find: 'metadata: { ...lease.metadata, annotations }',
    replace: 'metadata: { ...lease.metadata, resourceVersion: undefined as never, annotations }',
  },
  {
    name: 'a grant counts as running before its Job does',
    file: `${builds}admit.ts`,
    find: 'const running = [...admitted.filter(holdsSlot), ...pending];',
    replace: 'const running = admitted.filter(holdsSlot);',
  },
  {
    name: 'a Job that is being deleted holds its slot until its pods have gone',
    file: `${builds}admission.ts`,
    find: "(job.metadata.finalizers ?? []).includes('foregroundDeletion')",
    replace: 'false',
  },
  {
    name: 'an event’s id is derived from its cause',
    file: 'shared/events/event.ts',
    find: 'deriveId(cause.source, cause.id, event.type)',
    replace: 'deriveId(cause.source, cause.id, event.type, String(Date.now()))',
  },
  {
    name: 'a terminal event’s id is derived from the request',
    file: `${builds}terminal-event.ts`,
    find: "return deriveId(SOURCE, jobStartId, 'build.complete');",
    replace: "return deriveId(SOURCE, jobStartId, 'build.complete', String(Math.floor(Date.now() / 5000)));",
  },
  {
    name: 'a Job’s name is derived from what it builds',
    file: 'shared/specs/names.ts',
    find: 'deriveId(third_party_id, parser_id, buildKey).slice(0, 10)',
    replace: 'deriveId(third_party_id, parser_id, buildKey, String(Math.floor(Date.now() / 5000))).slice(0, 10)',
  },
  {
    name: 'the finalizer of a Job',
    file: 'shared/specs/kaniko-job.ts',
    find: 'finalizers: [TERMINAL_EVENT_FINALIZER]',
    replace: 'finalizers: []',
  },
  {
    name: 'the finalizer goes last',
    file: 'functions/build-complete/handler.ts',
    find: '  const confirmation = await confirm(event, deps);\n',
    replace:
      "  const confirmation = await confirm(event, deps);\n  if ('job' in confirmation && confirmation.job) {\n    await releaseJob(deps.cluster, confirmation.job, deps.now());\n  }\n",
  },
  {
    name: 'the order of observed_at, at a deployment',
    file: 'functions/build-complete/deploy.ts',
    find: 'observedAt(existing) > observedAt(desired)',
    replace: 'false',
  },
  {
    name: 'a deployment names the resourceVersion that it rests on',
    file: 'functions/build-complete/deploy.ts',
    find: '{ ...metadata, resourceVersion } });',
    replace: '{ ...metadata, ...(resourceVersion ? {} : {}) } });',
  },
  {
    name: 'a first deployment says that it is the first',
    file: 'functions/build-complete/deploy.ts',
    find: '{ ...metadata, resourceVersion } });',
    replace: '{ ...metadata, ...(existing ? { resourceVersion } : {}) } });',
  },
  {
    name: 'a deletion names the resourceVersion that it rests on',
    file: 'shared/requests/remove-function.ts',
    find: 'await cluster.deleteService(name, versionOf(service));',
    replace: 'await cluster.deleteService(name);',
  },
  {
    name: 'the tombstone',
    file: 'shared/requests/tombstone.ts',
    find: 'return tombstone !== undefined && Date.parse(tombstone.time) >= observedAt;',
    replace: 'return tombstone !== undefined && observedAt < 0;',
  },
  {
    name: 'sweep',
    file: 'functions/sweep/handler.ts',
    find: '  for (const [name, step] of Object.entries(steps)) {',
    replace: '  for (const [name, step] of Object.entries(steps).slice(0, 0)) {',
  },
  {
    name: 'sweep tells ends that were lost',
    file: 'functions/sweep/handler.ts',
    find: '    resendTerminalEvents,\n',
    replace: '',
  },
  {
    name: 'sweep lets waiting builds run',
    file: 'functions/sweep/handler.ts',
    find: '    admitWaiting,\n',
    replace: '',
  },
  {
    name: 'sweep sends again what was asked for and lost',
    file: 'functions/sweep/handler.ts',
    find: '    resendRequests,\n',
    replace: '',
  },
  {
    name: 'sweep removes functions that were deleted',
    file: 'functions/sweep/handler.ts',
    find: '    removeDeletedFunctions,\n',
    replace: '',
  },
  {
    name: 'sweep makes functions whole',
    file: 'functions/sweep/handler.ts',
    find: '    reconcileTriggers,\n',
    replace: '',
  },
  {
    name: 'a request is kept until somebody answers for it',
    file: 'shared/requests/request.ts',
    find: 'const body = JSON.stringify({ event: event.original.toJSON() });',
    replace: 'const body = JSON.stringify({ event: event.original.toJSON() });\n  if (body) return;',
  },
  {
    name: 'what a request was answered stands',
    file: 'shared/requests/outcome.ts',
    find: 'return outcomeSchema.safeParse(readJson(text)).data',
    replace: 'return outcomeSchema.safeParse(readJson(text && undefined)).data',
  },
  {
    name: 'create-if-absent of that answer',
    file: 'shared/requests/outcome.ts',
    find: "if (await store.create(where.bucket, outcomeKey(where), JSON.stringify(outcome), 'application/json')) {",
    replace:
      "if ((await store.write(where.bucket, outcomeKey(where), JSON.stringify(outcome), 'application/json')) === undefined) {",
  },
  {
    name: 'build-complete remembers whose a Job was',
    file: 'functions/build-complete/handler.ts',
    find: '    await recordOutcome(deps.store, where, { end: event.id, reply: startedReplyOf(job) });\n',
    replace: '    startedReplyOf(job);\n',
  },
  {
    name: 'an end is processed only for the Job that it is of',
    file: 'functions/build-complete/confirm.ts',
    find: 'if (job && build && terminalId(build.event_id) === event.id) {',
    replace: 'if (job && build && terminalId(build.event_id) !== undefined) {',
  },
];
