/** The defaults of a pod's spec, in a Pod or in a template. */
import type { AnyFields } from './pod-spec-of.ts';

const VOLUMES_WITH_MODE = ['configMap', 'secret', 'projected', 'downwardAPI'];

export function setPodDefaults(spec: AnyFields, isPod: boolean): void {
  spec['restartPolicy'] ??= 'Always';
  spec['dnsPolicy'] ??= 'ClusterFirst';
  spec['terminationGracePeriodSeconds'] ??= 30;
  spec['schedulerName'] ??= 'default-scheduler';
  spec['securityContext'] ??= {};
  if (spec['serviceAccountName']) {
    spec['serviceAccount'] ??= spec['serviceAccountName'];
  }
  if (isPod) {
    spec['enableServiceLinks'] ??= true;
    spec['serviceAccountName'] ??= 'default';
    spec['serviceAccount'] ??= spec['serviceAccountName'];
  }
  for (const container of [...(spec['containers'] ?? []), ...(spec['initContainers'] ?? [])]) {
    setContainerDefaults(container);
  }
  for (const volume of spec['volumes'] ?? []) {
    for (const source of VOLUMES_WITH_MODE) {
      if (volume[source]) {
        volume[source].defaultMode ??= 0o644;
      }
    }
    if (Object.keys(volume).join() === 'name') {
      volume.emptyDir = {};
    }
  }
}

function setContainerDefaults(container: AnyFields): void {
  const image = String(container['image'] ?? '');
  container['imagePullPolicy'] ??= /(^[^:@]*|\/[^:@]*|:latest)$/.test(image) ? 'Always' : 'IfNotPresent';
  container['terminationMessagePath'] ??= '/dev/termination-log';
  container['terminationMessagePolicy'] ??= 'File';
  container['resources'] ??= {};
  const { limits, requests } = container['resources'];
  // A limit without a request is the request.
  if (limits) {
    container['resources'].requests = { ...limits, ...requests };
  }
  for (const port of container['ports'] ?? []) {
    port.protocol ??= 'TCP';
  }
  for (const variable of container['env'] ?? []) {
    if (variable.valueFrom?.fieldRef) {
      variable.valueFrom.fieldRef.apiVersion ??= 'v1';
    }
  }
  for (const name of ['readinessProbe', 'livenessProbe', 'startupProbe']) {
    const probe = container[name];
    if (!probe) {
      continue;
    }
    probe.periodSeconds ??= 10;
    probe.timeoutSeconds ??= 1;
    probe.successThreshold ??= 1;
    probe.failureThreshold ??= 3;
    if (probe.httpGet) {
      probe.httpGet.scheme ??= 'HTTP';
      probe.httpGet.path ??= '/';
    }
  }
}
