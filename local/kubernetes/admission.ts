/** Admission of Knative's kinds: what its validating webhooks refuse. */

import type { KubeObject } from '#shared/kubernetes/object.ts';
import type { Resource } from '#shared/kubernetes/resource-table.ts';
import { sameValue } from '#shared/kubernetes/same-value.ts';
import { admitService } from './admit-service.ts';
import { KnativeProblems } from './knative-problems.ts';
import type { AnyFields } from './pod-spec-of.ts';

const SERVING = 'validation.webhook.serving.knative.dev';
const EVENTING = 'validation.webhook.eventing.knative.dev';
const RABBITMQ = 'validation.webhook.rabbitmq.eventing.knative.dev';
const BROKER_CLASS = 'eventing.knative.dev/broker.class';
const PARALLELISM = 'rabbitmq.eventing.knative.dev/parallelism';

/** Throws ApiError 400 with the webhook's own words. */
export function admit(resource: Resource, object: KubeObject, current?: KubeObject): void {
  const { group, kind } = resource;
  const problems = new KnativeProblems();
  if (group === 'serving.knative.dev') {
    if (kind === 'Service') {
      admitService(object, problems);
    }
    // A Revision is a snapshot: whatever it was made from, it stays.
    if (kind === 'Revision' && current && !sameValue(object['spec'], current['spec'])) {
      problems.immutable('spec');
    }
    problems.throwFor(SERVING);
  }
  if (group === 'sources.knative.dev') {
    admitSource(object, problems);
  }
  if (group === 'eventing.knative.dev' && kind === 'Trigger') {
    admitTrigger(object, current, problems);
  }
  if (group === 'eventing.knative.dev' && kind === 'Broker') {
    admitBroker(object, current, problems);
  }
  problems.throwFor(EVENTING);
  if (group === 'eventing.knative.dev' && kind === 'Trigger') {
    admitRabbitmqTrigger(object, current, problems);
  }
  if (group === 'eventing.knative.dev' && kind !== 'Trigger' && current) {
    // Stricter than Knative itself, which lets a Broker's delivery change: the RabbitMQ implementation could not follow.
    const rabbitmq = kind !== 'Broker' || current.metadata.annotations?.[BROKER_CLASS] === 'RabbitMQBroker';
    if (rabbitmq && !sameValue(object['spec'], current['spec'])) {
      problems.immutable('spec');
    }
  }
  problems.throwFor(RABBITMQ);
}

function admitBroker({ metadata, spec }: KubeObject, current: KubeObject | undefined, problems: KnativeProblems): void {
  if (spec?.config) {
    reference(spec.config, 'spec.config', problems);
  }
  if (spec?.delivery) {
    delivery(spec.delivery, 'spec.delivery', problems);
  }
  if (current && current.metadata.annotations?.[BROKER_CLASS] !== metadata.annotations?.[BROKER_CLASS]) {
    problems.add('Immutable annotations changed (-old +new)', 'annotations');
  }
}

function admitTrigger({ spec = {} }: KubeObject, current: KubeObject | undefined, problems: KnativeProblems): void {
  if (!spec.broker && !spec.brokerRef) {
    problems.missing('spec.broker');
  }
  for (const [name, value] of Object.entries(spec.filter?.attributes ?? {})) {
    const rule = 'Attribute name must start with a letter and can only contain lowercase alphanumeric';
    const path = `spec.filter.attributes[${name}]`;
    if (!/^[a-z][a-z0-9]*$/.test(name)) {
      problems.add(`invalid key name ${JSON.stringify(name)}`, path, rule);
    }
    if (typeof value !== 'string') {
      problems.invalid(JSON.stringify(value), path, 'attribute values are strings');
    }
  }
  destination(spec.subscriber, 'spec.subscriber', problems);
  if (spec.delivery) {
    delivery(spec.delivery, 'spec.delivery', problems);
  }
  if (current && spec.broker !== current['spec']?.broker) {
    problems.immutable('spec, broker');
  }
}

function admitRabbitmqTrigger(
  { metadata, spec }: KubeObject,
  current: KubeObject | undefined,
  problems: KnativeProblems,
): void {
  const parallelism = metadata.annotations?.[PARALLELISM];
  if (parallelism !== undefined) {
    if (!/^[+-]?\d+$/.test(parallelism)) {
      problems.invalid(parallelism, PARALLELISM);
    } else if (Number(parallelism) < 1 || Number(parallelism) > 1000) {
      problems.outOfBounds(parallelism, 1, 1000, PARALLELISM);
    }
  }
  if (current && !sameValue(spec?.filter, current['spec']?.filter)) {
    problems.immutable('spec, filter');
  }
}

function admitSource({ kind, spec = {} }: KubeObject, problems: KnativeProblems): void {
  destination(spec.sink, 'spec.sink', problems);
  if (kind === 'ApiServerSource') {
    if (!['Reference', 'Resource'].includes(spec.mode)) {
      problems.invalid(spec.mode, 'spec.mode');
    }
    if (!spec.resources?.length) {
      problems.missing('spec.resources');
    }
    for (const [index, resource] of ((spec.resources ?? []) as AnyFields[]).entries()) {
      if (!resource['apiVersion']) {
        problems.invalid('', `spec.resources[${index}].apiVersion`);
      }
      if (!resource['kind']) {
        problems.missing(`spec.resources[${index}].kind`);
      }
    }
    return;
  }
  const fields = String(spec.schedule)
    .replace(/^(CRON_)?TZ=\S+\s+/, '')
    .trim();
  if (fields.includes('@every')) {
    problems.invalid('unsupported descriptor @every', 'spec.schedule');
  } else if (!fields.startsWith('@') && ![5, 6].includes(fields.split(/\s+/).length)) {
    const count = fields.split(/\s+/).length;
    problems.invalid(`expected 5 to 6 fields, found ${count}: [${fields}]`, 'spec.schedule');
  }
  if (spec.data && spec.dataBase64) {
    problems.add('expected exactly one, got both', 'spec.data, spec.dataBase64');
  }
}

function destination(value: AnyFields | undefined, path: string, problems: KnativeProblems): void {
  if (!value?.['ref'] && !value?.['uri']) {
    problems.add('expected at least one, got none', `${path}.ref, ${path}.uri`);
  } else if (value['ref']) {
    reference(value['ref'], `${path}.ref`, problems);
  } else if (!/^[a-z][a-z0-9+.-]*:\/\/[^/]/i.test(value['uri'])) {
    const why = 'Relative URI is not allowed when Ref and [apiVersion, kind, name] is absent';
    problems.invalid(why, `${path}.uri`);
  }
}

function reference(value: AnyFields, path: string, problems: KnativeProblems): void {
  for (const field of ['name', 'apiVersion', 'kind']) {
    if (!value[field]) {
      problems.missing(`${path}.${field}`);
    }
  }
}

function delivery(value: AnyFields, path: string, problems: KnativeProblems): void {
  const { retry, backoffPolicy, backoffDelay, timeout, deadLetterSink } = value;
  const duration = /^P(?!$)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=\d)(\d+(\.\d+)?H)?(\d+(\.\d+)?M)?(\d+(\.\d+)?S)?)?$/;
  if (deadLetterSink) {
    destination(deadLetterSink, `${path}.deadLetterSink`, problems);
  }
  if (retry !== undefined && (!Number.isInteger(retry) || retry < 0)) {
    problems.invalid(retry, `${path}.retry`);
  }
  if (backoffPolicy !== undefined && !['linear', 'exponential'].includes(backoffPolicy)) {
    problems.invalid(backoffPolicy, `${path}.backoffPolicy`);
  }
  if (backoffDelay !== undefined && !duration.test(backoffDelay)) {
    problems.invalid(backoffDelay, `${path}.backoffDelay`);
  }
  if (timeout !== undefined && !duration.test(timeout)) {
    problems.invalid(timeout, `${path}.timeout`);
  }
  if (value['retryAfterMax'] !== undefined) {
    problems.disallowed(`${path}.retryAfterMax`);
  }
}
