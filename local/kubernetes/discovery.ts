/**
 * Every path that names no object: which groups, versions and kinds there are, OpenAPI without schemas, version and
 * health.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { apiVersionOf } from '#shared/kubernetes/resource.ts';
import { RESOURCES, type Resource } from '#shared/kubernetes/resource-table.ts';
import type { Answer } from './api-request.ts';

const VERSION = { major: '1', minor: '32', gitVersion: 'v1.32.0+knative-lambda' };
const INFO = { title: 'Knative Lambda embedded Kubernetes', version: VERSION.gitVersion };
const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const PROTOBUF = 'application/com.github.proto-openapi.spec.v2';
/** A protobuf Document whose one field, the first, says "2.0": kubectl then has no schema to check against. */
const OPENAPI_V2 = Buffer.from([0x0a, 3, ...Buffer.from('2.0')]);

const pathOf = (resource: Resource) => (resource.group ? `apis/${apiVersionOf(resource)}` : 'api/v1');
const byPath = Map.groupBy(RESOURCES, pathOf);
const byGroup = Map.groupBy(
  RESOURCES.filter(({ group }) => group !== ''),
  ({ group }) => group,
);

/** Undefined where the path is none of these. */
export function answerDiscovery(segments: string[], { accept = '' }: IncomingHttpHeaders): Answer | undefined {
  const path = segments.join('/');
  if (['healthz', 'livez', 'readyz'].includes(path)) {
    return { code: 200, body: 'ok', contentType: 'text/plain' };
  }
  if (path === 'openapi/v2') {
    return accept.includes(PROTOBUF)
      ? { code: 200, body: OPENAPI_V2, contentType: `${PROTOBUF}.v1.0+protobuf` }
      : { code: 200, body: { swagger: '2.0', info: INFO, paths: {} } };
  }
  const body = documentAt(path);
  return body && { code: 200, body };
}

function documentAt(path: string): object | undefined {
  switch (path) {
    case 'version':
      return VERSION;
    case 'api':
      return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
    case 'apis':
      return { kind: 'APIGroupList', apiVersion: 'v1', groups: [...byGroup].map(describeGroup) };
    case 'openapi/v3': {
      const paths = [...byPath.keys()].map((key) => [key, { serverRelativeURL: `/openapi/v3/${key}` }]);
      return { paths: Object.fromEntries(paths) };
    }
  }
  const resources = byPath.get(path.replace(/^openapi\/v3\//, ''));
  if (resources !== undefined) {
    return path.startsWith('openapi/') ? openApiOf(resources) : resourceList(resources);
  }
  const [, group = ''] = /^apis\/([^/]+)$/.exec(path) ?? [];
  const found = byGroup.get(group);
  return found && { kind: 'APIGroup', apiVersion: 'v1', ...describeGroup([group, found]) };
}

function describeGroup([name, resources]: [string, Resource[]]): object {
  const versions = [...new Set(resources.map(({ version }) => version))].sort();
  const described = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: described, preferredVersion: described[0] };
}

function resourceList(resources: Resource[]): object {
  const groupVersion = resources[0] && apiVersionOf(resources[0]);
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: resources.flatMap(describeResource) };
}

function describeResource(resource: Resource): object[] {
  const { plural: name, singular: singularName, namespaced, kind, shortNames, categories } = resource;
  const part = (subresource: string, verbs: string[]) => ({
    ...{ name: `${name}/${subresource}`, singularName: '', namespaced, kind, verbs },
  });
  return [
    { name, singularName, namespaced, kind, verbs: VERBS, shortNames, categories },
    ...(resource.hasStatus ? [part('status', ['get', 'patch', 'update'])] : []),
    ...(kind === 'Pod' ? [part('log', ['get'])] : []),
  ];
}

/**
 * kubectl downloads schemas and checks by itself unless it finds that PATCH takes the parameter `fieldValidation`. So
 * we name the parameter; it has no effect.
 */
function openApiOf(resources: Resource[]): object {
  const paths = resources.map((resource) => {
    const { group, version, kind, namespaced, plural } = resource;
    const patch = {
      parameters: [{ name: 'fieldValidation', in: 'query', schema: { type: 'string' } }],
      'x-kubernetes-action': 'patch',
      'x-kubernetes-group-version-kind': { group, version, kind },
      responses: { 200: { description: 'OK' } },
    };
    return [`/${pathOf(resource)}/${namespaced ? 'namespaces/{namespace}/' : ''}${plural}/{name}`, { patch }];
  });
  return { openapi: '3.0.0', info: INFO, paths: Object.fromEntries(paths), components: { schemas: {} } };
}
