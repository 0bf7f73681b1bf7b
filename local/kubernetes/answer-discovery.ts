/** Every path that names no object: discovery, OpenAPI, version and health. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Answer } from './api-request.ts';
import { coreVersions, group, groupList, resourceList } from './discovery.ts';
import { openApiIndex, openApiOf, openApiV2, openApiV2Protobuf } from './openapi.ts';

const PROTOBUF = 'application/com.github.proto-openapi.spec.v2';
const VERSION = { major: '1', minor: '32', gitVersion: 'v1.32.0+knative-lambda' };

/** Undefined where the path is none of these. */
export function answerDiscovery(segments: string[], headers: IncomingHttpHeaders): Answer | undefined {
  const [first = '', ...rest] = segments;
  switch (first) {
    case 'healthz':
    case 'livez':
    case 'readyz':
      return { code: 200, body: 'ok', contentType: 'text/plain' };
    case 'version':
      return found(rest.length === 0 ? VERSION : undefined);
    case 'openapi':
      return openApi(rest, headers.accept ?? '');
    case 'api':
      return found(rest.length === 0 ? coreVersions() : rest.length === 1 ? resourceList(rest.join()) : undefined);
    case 'apis':
      return found(groups(rest));
    default:
      return undefined;
  }
}

function groups([name, version, ...rest]: string[]): unknown {
  if (name === undefined) {
    return groupList();
  }
  if (version === undefined) {
    return group(name);
  }
  return rest.length === 0 ? resourceList(`${name}/${version}`) : undefined;
}

function openApi([version, ...path]: string[], accept: string): Answer | undefined {
  if (version === 'v2' && path.length === 0) {
    return accept.includes(PROTOBUF)
      ? { code: 200, body: openApiV2Protobuf(), contentType: `${PROTOBUF}.v1.0+protobuf` }
      : { code: 200, body: openApiV2() };
  }
  if (version !== 'v3') {
    return undefined;
  }
  return found(path.length === 0 ? openApiIndex() : openApiOf(path.join('/')));
}

function found(body: unknown): Answer | undefined {
  return body === undefined ? undefined : { code: 200, body };
}
