/** OpenAPI without schemas: as much as kubectl needs to leave the checking of fields to the server. */
import { createHash } from 'node:crypto';
import { apiVersionOf } from '#shared/kubernetes/resource.ts';
import type { Resource } from '#shared/kubernetes/resource-table.ts';
import { RESOURCES } from '#shared/kubernetes/resource-table.ts';

const INFO = { title: 'Knative Lambda embedded Kubernetes', version: 'v1.32.0' };

/**
 * kubectl downloads schemas and checks by itself unless it finds that PATCH takes the parameter `fieldValidation`. We name the parameter,
 * and check no fields: a field that Kubernetes would not know is kept.
 */
const FIELD_VALIDATION = { name: 'fieldValidation', in: 'query', schema: { type: 'string' } };

const byPath = Map.groupBy(RESOURCES, (resource) => (resource.group ? `apis/${apiVersionOf(resource)}` : 'api/v1'));

/** `/openapi/v3` */
export function openApiIndex(): unknown {
  const paths = [...byPath].map(([path, resources]) => {
    const hash = createHash('sha256').update(JSON.stringify(resources)).digest('hex');
    return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }];
  });
  return { paths: Object.fromEntries(paths) };
}

/** `/openapi/v3/{api/v1|apis/group/version}`; undefined where there is no such version. */
export function openApiOf(path: string): unknown {
  const resources = byPath.get(path);
  if (!resources) {
    return undefined;
  }
  const paths = resources.map((resource) => [objectPath(path, resource), { patch: patchOperation(resource) }]);
  return { openapi: '3.0.0', info: INFO, paths: Object.fromEntries(paths), components: { schemas: {} } };
}

/** `/openapi/v2` */
export function openApiV2(): unknown {
  return { swagger: '2.0', info: INFO, paths: {}, definitions: {} };
}

/** The same as kubectl asks for it: a protobuf Document whose one field, the first, says "2.0". It then has no schema to check against. */
export function openApiV2Protobuf(): Buffer {
  const version = Buffer.from('2.0');
  return Buffer.concat([Buffer.from([0x0a, version.length]), version]);
}

function objectPath(path: string, { namespaced, plural }: Resource): string {
  return `/${path}/${namespaced ? 'namespaces/{namespace}/' : ''}${plural}/{name}`;
}

function patchOperation({ group, version, kind }: Resource): object {
  return {
    parameters: [FIELD_VALIDATION],
    'x-kubernetes-action': 'patch',
    'x-kubernetes-group-version-kind': { group, version, kind },
    responses: { 200: { description: 'OK' } },
  };
}
