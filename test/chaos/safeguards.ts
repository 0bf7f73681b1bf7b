/** The safeguards that keep the promise, each with the change to the code that takes it out. */

export interface Safeguard {
  name: string;
  file: string;
  find: string;
  replace: string;
}

const builds = 'shared/builds/';
const door = 'functions/parser-events/';

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
    find: 'if (job && build && terminalId(build.event_id) === event.id && ',
    replace: 'if (job && build && terminalId(build.event_id) !== undefined && ',
  },
  {
    name: 'an end that is told twice is not that of a later Job',
    file: 'functions/build-complete/confirm.ts',
    find: ' && !isOfEarlierJob(data, job)',
    replace: '',
  },
  {
    name: 'a call that is handed on keeps its id',
    file: `${door}handler.ts`,
    find: '    id: event.id,\n    source: event.source,',
    replace: '    id: event.id + lane,\n    source: event.source,',
  },
  {
    name: 'a call is handed on byte for byte',
    file: `${door}handler.ts`,
    find: "data: isStructured(context.request.headers['content-type']) ? event.data : context.request.body,",
    replace: 'data: event.data,',
  },
  {
    name: 'an answer has its function’s name',
    file: `${door}handler.ts`,
    find: '    subject,\n    data,\n',
    replace: '    data,\n',
  },
  {
    name: 'the subject decides who is called',
    file: 'shared/events/route.ts',
    find: '  if (bySubject) {',
    replace: '  if (bySubject && event.data === undefined) {',
  },
  {
    name: 'functions do not see by which lane a call came',
    file: `${door}call-request.ts`,
    find: '  delete headers[',
    replace: '  void headers[',
  },
  {
    name: 'a place is left whatever happens',
    file: `${door}handler.ts`,
    find: '  } finally {\n    leave();\n  }',
    replace: "  } finally {\n    if (lane === 'own') {\n      leave();\n    }\n  }",
  },
  {
    name: 'a place on the main lane needs one that is free',
    file: `${door}handler.ts`,
    find: '? deps.places.take(lane, identity, found.capacity)',
    replace: '? () => undefined',
  },
  {
    name: 'a function has no more places than its pods',
    file: `${door}places.ts`,
    find: '(held.get(byFunction) ?? 0) >= perFunction || ',
    replace: '',
  },
  {
    name: 'a tenant has a share of the places',
    file: `${door}places.ts`,
    find: ' || (held.get(byTenant) ?? 0) >= tenantBound',
    replace: '',
  },
  {
    name: 'what passes leaves the main lane',
    file: `${door}handler.ts`,
    find: "  if (lane === 'main') {\n    return handOn(calling, 'overflow', 'passed');",
    replace: "  if (lane !== lane) {\n    return handOn(calling, 'overflow', 'passed');",
  },
  {
    name: 'what waits for its function leaves the main lane',
    file: `${door}handler.ts`,
    find: "  if (lane === 'main') {\n    return handOn(calling, 'overflow', 'not ready');",
    replace: "  if (lane !== lane) {\n    return handOn(calling, 'overflow', 'not ready');",
  },
  {
    name: 'what Kubernetes does not answer leaves the main lane',
    file: `${door}handler.ts`,
    find: "  return found ? await proceed(calling, found) : handOn(calling, 'overflow', 'look-up');",
    replace: '  return await proceed(calling, found ?? (await findFunction(route.identity, deps)));',
  },
  {
    name: 'what was known is forgotten after a call that broke',
    file: `${door}find-function.ts`,
    find: 'before.at = Math.min(before.at, now().getTime() - FRESH);',
    replace: 'before.at = Math.min(before.at, now().getTime());',
  },
  {
    name: 'a function with a Trigger of an older installation is left alone',
    file: `${door}find-function.ts`,
    find: "  if (!delivery) {\n    return { kind: 'routed' };\n  }\n",
    replace: '',
  },
  {
    name: 'after a 404 Kubernetes is asked',
    file: `${door}handler.ts`,
    find: "result.kind === 'answered' && result.status === 404",
    replace: "result.kind === 'answered' && result.status === 0",
  },
  {
    name: 'a 404 counts only where Kubernetes knows the function',
    file: `${door}handler.ts`,
    find: 'if (!wasJustSeen(identity, deps)) {',
    replace: 'if (!wasJustSeen(identity, deps) && milliseconds < 0) {',
  },
  {
    name: 'what Knative says is no answer',
    file: `${door}judge-answer.ts`,
    find: '  if (platform) {\n',
    replace: '  if (platform && status === 0) {\n',
  },
  {
    name: 'a function answers parser.complete, and nothing else',
    file: `${door}judge-answer.ts`,
    find: "  if (type !== 'parser.complete') {",
    replace: '  if (type === undefined) {',
  },
  {
    name: 'a function that is being built is waited for',
    file: `${door}find-function.ts`,
    find: 'objects.some(({ modified }) => modified.getTime() > since)',
    replace: 'objects.some(({ modified }) => modified.getTime() > since && since < 0)',
  },
  {
    name: 'calls go to a queue of their own only once it is bound',
    file: 'functions/build-complete/deploy.ts',
    find: '    if (after && bringsCalls(after)) {',
    replace: '    if (after) {',
  },
  {
    name: 'a queue is deleted only when it must be empty',
    file: 'functions/sweep/reconcile-triggers.ts',
    find: 'since >= drained',
    replace: 'since >= 0',
  },
  {
    name: 'sweep says when a queue is there',
    file: 'functions/sweep/reconcile-triggers.ts',
    find: 'bringsCalls(trigger) ? () => setDelivery',
    replace: 'bringsCalls(trigger) && trigger.kind === undefined ? () => setDelivery',
  },
  {
    name: 'the last try ends in an answer',
    file: `${door}patience.ts`,
    find: 'if (time - since >= LAST_TRY) {',
    replace: 'if (time - since >= 10 * LAST_TRY) {',
  },
  {
    name: 'a function is not given up before the last try',
    file: `${door}patience.ts`,
    find: 'if (time - since >= LAST_TRY) {',
    replace: 'if (time - since >= 0) {',
  },
  {
    name: 'the record of an image comes before its end is told',
    file: 'functions/build-start/handler.ts',
    find: '  await writeRecord(store, settings.temporaryBucket, { ...about, language, event: complete });\n',
    replace: '  void writeRecord;\n  void complete;\n  void language;\n  void store;\n  void settings;\n',
  },
  {
    name: 'an image that needed no Job ends older builds',
    file: 'functions/build-complete/handler.ts',
    find: '  if (!success.job) {\n',
    replace: "  if (!success.job && outcome.status !== 'success') {\n",
  },
  {
    name: 'code goes on the dependencies, never on the last code',
    file: 'functions/build-start/assemble-image.ts',
    find: 'manifest.layers.length - above.length;',
    replace: 'manifest.layers.length - above.length + 1;',
  },
  {
    name: 'what the dependencies depend on names their image',
    file: 'functions/build-start/assemble-image.ts',
    find: '    hash.update(JSON.stringify([path, size, etag]));\n',
    replace: '    void [path, size, etag];\n',
  },
  {
    name: 'what has no valid signature is not handled',
    file: 'shared/runtime/authenticate.ts',
    find: '  if (problem !== undefined) {',
    replace: '  if (problem !== undefined) {\n    return {};\n  }\n  if (problem !== undefined) {',
  },
  {
    name: 'a signature is of the data',
    file: 'shared/events/signature.ts',
    find: "createHash('sha256').update(data).digest('hex')",
    replace: "createHash('sha256').update('').digest('hex')",
  },
  {
    name: 'a signature counts for its tenant alone',
    file: 'shared/runtime/authenticate.ts',
    find: '  if (other !== undefined) {',
    replace: '  if (other !== undefined && maxHops < 0) {',
  },
  {
    name: 'the gateway binds the tenant',
    file: 'functions/gateway/bind.ts',
    find: '!principal.third_party_ids.includes(tenant)',
    replace: 'principal.third_party_ids.length === 0',
  },
];
