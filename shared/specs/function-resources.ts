/** CPU and memory of a user's function. */
import type { Parameters } from '#shared/events/parameters.ts';
import { parseQuantity } from '#shared/kubernetes/quantity.ts';

const DEFAULTS = {
  requests: { cpu: '100m', memory: '128Mi' },
  limits: { cpu: '500m', memory: '512Mi' },
} as const;

interface Resources {
  requests: Record<'cpu' | 'memory', string>;
  limits: Record<'cpu' | 'memory', string>;
}

/**
 * The resources that were asked for, completed by defaults. Where only a request or only a limit was asked for, and the
 * other's default contradicts it, the default is adapted. Where both were asked for they are kept, and Kubernetes
 * validates them.
 */
export function functionResources(asked: Parameters['resources'] = {}): Resources {
  const resources: Resources = {
    requests: { ...DEFAULTS.requests, ...present(asked.requests) },
    limits: { ...DEFAULTS.limits, ...present(asked.limits) },
  };
  for (const name of ['cpu', 'memory'] as const) {
    const request = resources.requests[name];
    const limit = resources.limits[name];
    if ((parseQuantity(request) ?? 0) <= (parseQuantity(limit) ?? 0)) {
      continue;
    }
    if (asked.limits?.[name] === undefined) {
      resources.limits[name] = request;
    } else if (asked.requests?.[name] === undefined) {
      resources.requests[name] = limit;
    }
  }
  return resources;
}

function present(list: { cpu?: string | undefined; memory?: string | undefined } = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(list).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
