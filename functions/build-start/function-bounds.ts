/** The most that one function may ask for: what is larger takes the cluster from everybody else. */
import type { Parameters } from '#shared/events/parameters.ts';
import type { Problem } from '#shared/events/problem.ts';
import { parseQuantity } from '#shared/kubernetes/quantity.ts';
import { functionResources } from '#shared/specs/function-resources.ts';

export interface FunctionBounds {
  /** Quantities of Kubernetes, for each pod. */
  cpu: string;
  memory: string;
  pods: number;
  /** Pods that never go. */
  minPods: number;
}

export function boundProblems({ resources, scaling }: Parameters, bounds: FunctionBounds): Problem[] {
  const { requests, limits } = functionResources(resources);
  const ofResources = (['cpu', 'memory'] as const).flatMap((name) =>
    Object.entries({ requests, limits }).flatMap(([kind, list]) =>
      (parseQuantity(list[name]) ?? 0) > (parseQuantity(bounds[name]) ?? 0)
        ? [problem(`resources.${kind}.${name}`, list[name], bounds[name], `MAX_FUNCTION_${name.toUpperCase()}`)]
        : [],
    ),
  );
  const { max = 0, min = 0 } = scaling ?? {};
  return [
    ...ofResources,
    ...(max > bounds.pods ? [problem('scaling.max', max, bounds.pods, 'MAX_FUNCTION_PODS')] : []),
    ...(min > bounds.minPods ? [problem('scaling.min', min, bounds.minPods, 'MAX_FUNCTION_MIN_PODS')] : []),
  ];
}

function problem(field: string, asked: string | number, most: string | number, setting: string): Problem {
  const message = `is ${asked}, but a function may have at most ${most}: ask for less, or have ${setting} raised`;
  return { path: `data.parameters.${field}`, message };
}
