/** The quotas of both namespaces, and what makes them bearable. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseQuantity } from '#shared/kubernetes/quantity.ts';
import { renderOverlay } from '#shared/manifests/render-overlay.ts';

const overlays = new URL('../../../eventing/overlays/', import.meta.url).pathname;

describe.each(readdirSync(overlays))('environment %s', (environment) => {
  const objects = renderOverlay(join(overlays, environment));
  const specOf = (kind: string, name: string) =>
    objects.find((object) => object.kind === kind && object.metadata.name === name)?.['spec'];

  test('bounds what all functions may have together, and the disk of each container', () => {
    expect(Object.keys(specOf('ResourceQuota', 'functions').hard)).toEqual(
      expect.arrayContaining(['pods', 'count/services.serving.knative.dev', 'requests.cpu', 'requests.memory']),
    );
    const [limits] = specOf('LimitRange', 'functions').limits;
    expect(limits.default).toEqual({ 'ephemeral-storage': expect.any(String) });
  });

  test.each(['functions', 'builds'])('states in %s a request for whatever the quota wants one of', (name) => {
    const wanted = Object.keys(specOf('ResourceQuota', name).hard).flatMap(
      (key) => (/^(requests|limits)\.(.*)/.exec(key)?.slice(1) as [string, string] | undefined) ?? [],
    );
    const [limits] = specOf('LimitRange', name).limits;
    for (let index = 0; index < wanted.length; index += 2) {
      const stated = wanted[index] === 'requests' ? limits.defaultRequest : limits.default;
      expect(parseQuantity(stated[wanted[index + 1] ?? '']), `${wanted[index]}.${wanted[index + 1]}`).toBeGreaterThan(
        0,
      );
    }
  });
});
