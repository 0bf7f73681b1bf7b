/** Functions that were deployed before the door was: a Trigger of their own brings them their calls, past it. */
import { MINUTE } from '#shared/durations.ts';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import type { Build } from '#shared/specs/annotations.ts';
import { DELIVERY_ANNOTATION } from '#shared/specs/delivery.ts';
import { knativeService } from '#shared/specs/knative-service.ts';
import { imageRepository } from '#shared/specs/names.ts';
import { functionTrigger } from '#shared/specs/trigger.ts';
import { type InMemoryCluster, TRIGGERS } from '#test/fakes/cluster.ts';
import type { CallLedger } from './call-ledger.ts';
import { functionSettings, REGISTRY } from './settings.ts';
import { type Simulation, START } from './simulation.ts';

export function installOlder(
  simulation: Simulation,
  { cluster, calls }: { cluster: InMemoryCluster; calls: CallLedger },
  identities: Identity[],
): void {
  cluster.storage.watch(TRIGGERS, ({ type, object }) => {
    if (type === 'DELETED') {
      // The door may still take it for what it was.
      const forget = () => calls.olderTriggers.delete(subjectOf(identityOf(object)));
      simulation.at(simulation.now + 10 * MINUTE, forget, { background: true });
    }
  });
  for (const identity of identities.filter(({ parser_id }) => simulation.roll(`older ${parser_id}`) < 0.1)) {
    const build: Build = {
      ...identity,
      build_key: '0'.repeat(64),
      fingerprint: '0'.repeat(64),
      language: 'node',
      image: `${imageRepository(REGISTRY, identity)}:older`,
      priority: 5,
      parameters: {},
      event_id: `older-${identity.parser_id}`,
      correlation_id: 'older',
      observed_at: new Date(START - 1000).toISOString(),
    };
    const image = `${imageRepository(REGISTRY, identity)}@sha256:${'0'.repeat(64)}`;
    const service = knativeService(build, image, functionSettings, 'shared');
    delete service.metadata.annotations?.[DELIVERY_ANNOTATION];
    const created = cluster.storage.create(service as KubeObject);
    const trigger = functionTrigger(build, functionSettings);
    const filter = { attributes: { type: 'parser.start', subject: subjectOf(identity) } };
    const subscriber = { ref: { ...trigger.spec.subscriber.ref, name: trigger.metadata.name } };
    const { apiVersion, kind, metadata } = created;
    const owner = { apiVersion, kind, name: metadata.name, uid: metadata.uid };
    cluster.storage.create({
      ...trigger,
      metadata: { ...trigger.metadata, ownerReferences: [owner] },
      spec: { ...trigger.spec, filter, subscriber },
    } as KubeObject);
    calls.olderTriggers.add(subjectOf(identity));
  }
}

function identityOf({ metadata }: KubeObject): Identity {
  return {
    third_party_id: metadata.annotations?.['knative-lambda/third-party-id'] ?? '',
    parser_id: metadata.annotations?.['knative-lambda/parser-id'] ?? '',
  };
}
