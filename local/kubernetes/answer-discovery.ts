/** Every path that names no object: discovery, OpenAPI, version and health. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Answer } from './api-request.ts';
import { aggregated, coreVersions, group, groupList, resourceList } from './discovery.ts';
import { negotiate } from './media-type.ts';
import { openApiIndex, openApiOf, openApiV2, openApiV2Protobuf } from './openapi.ts';

const PROTOBUF = 'application/com.github.proto-openapi.spec.v2';
const VERSION = {
  major: '1',
  minor: '32',
  gitVersion: 'v1.32.0+knative-lambda',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: '',
  platform: `${process.platform}/${process.arch}`,
};

/** Undefined where the path is none of these. */
export function answerDiscovery(segments: string[], headers: IncomingHttpHeaders): Answer | undefined {
  const [first = '', second, third] = segments;
  if (['healthz', 'livez', 'readyz'].includes(first)) {
    return { code: 200, body: 'ok', contentType: 'text/plain' };
  }
  if (first === 'version' && segments.length === 1) {
    return { code: 200, body: VERSION };
  }
  if (first === 'openapi') {
    if (second === 'v2' && segments.length === 2) {
      return headers.accept?.includes(PROTOBUF) ? binary() : { code: 200, body: openApiV2() };
    }
    if (second !== 'v3') {
      return undefined;
    }
    return found(segments.length === 2 ? openApiIndex() : openApiOf(segments.slice(2).join('/')));
  }
  if (first === 'api') {
    if (segments.length === 1) {
      return versions(true, headers);
    }
    return segments.length === 2 && second === 'v1' ? found(resourceList('v1')) : undefined;
  }
  if (first !== 'apis') {
    return undefined;
  }
  if (segments.length === 1) {
    return versions(false, headers);
  }
  if (segments.length === 2) {
    return found(group(second ?? ''));
  }
  return segments.length === 3 ? found(resourceList(`${second}/${third}`)) : undefined;
}

function versions(core: boolean, headers: IncomingHttpHeaders): Answer {
  const { as, version } = negotiate(headers.accept, ['APIGroupDiscoveryList']);
  if (as === 'Object') {
    return { code: 200, body: core ? coreVersions() : groupList() };
  }
  const contentType = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
  return { code: 200, body: aggregated(core, version), contentType };
}

function binary(): Answer {
  return { code: 200, body: openApiV2Protobuf(), contentType: `${PROTOBUF}.v1.0+protobuf` };
}

function found(body: unknown): Answer | undefined {
  return body === undefined ? undefined : { code: 200, body };
}
