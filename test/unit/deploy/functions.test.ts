/** When a builder function is deployed again, and how far. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { compose } from '#deploy/compose.ts';
import { deployFunction, functionStep } from '#deploy/deploy-function.ts';
import { environmentOf, ROOT } from '#deploy/environment.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { renderOverlay } from '#shared/manifests/render-overlay.ts';
import { IMAGE, scripted } from './world.ts';

const dev = environmentOf('dev', ROOT);

const composition = (image = IMAGE) =>
  compose(ROOT, dev, renderOverlay(dev.overlay), { config: { LOG_LEVEL: 'warn' } }, image);
const { patchOf, services } = composition();
const wanted = services[0] as KubeObject;
const patch = patchOf(wanted.metadata.name);

/** As Serving's webhook and the API server leave it. */
function live(change: (service: KubeObject) => void = () => {}): KubeObject {
  const service = structuredClone(wanted);
  service.metadata.annotations = { ...service.metadata.annotations, 'serving.knative.dev/creator': 'me', x: 'y' };
  const { template } = service['spec'];
  template.spec.enableServiceLinks = false;
  template.spec.timeoutSeconds = 300;
  const [container] = template.spec.containers;
  container.readinessProbe.successThreshold = 1;
  container.env.unshift({ name: 'BUILT', value: '20261122T225543' });
  container.resources.requests.memory = '131072Ki';
  change(service);
  return service;
}

const memory = (wanted as KubeObject)['spec'].template.spec.containers[0].resources.requests.memory;

describe('functionStep', () => {
  test('does nothing where the live Service says the same, whatever was defaulted and whenever it was built', () => {
    expect(memory).toBe('128Mi');
    expect(functionStep(live(), wanted, patch)).toBe('nothing');
  });

  test('deploys what is not there', () => {
    expect(functionStep(undefined, wanted, patch)).toBe('deploy');
  });

  test.each<{ case: string; change: (service: KubeObject) => void }>([
    {
      case: 'the settings’ checksum',
      change: ({ spec }) => (spec.template.metadata.annotations['knative-lambda/config'] = 'old'),
    },
    {
      case: 'all that func.yaml cannot say',
      change: ({ spec }) => {
        delete spec.template.metadata.annotations['autoscaling.knative.dev/scale-down-delay'];
        delete spec.template.metadata.annotations['knative-lambda/config'];
      },
    },
    {
      case: 'the read-only root file system',
      change: ({ spec }) => delete spec.template.spec.containers[0].securityContext.readOnlyRootFilesystem,
    },
    { case: 'the time-out', change: ({ spec }) => (spec.template.spec.timeoutSeconds = 60) },
  ])('patches where only $case is missing or old', ({ change }) => {
    expect(functionStep(live(change), wanted, patch)).toBe('patch');
  });

  test.each<{ case: string; change: (service: KubeObject) => void }>([
    { case: 'the image', change: ({ spec }) => (spec.template.spec.containers[0].image = 'old') },
    { case: 'a limit', change: ({ spec }) => (spec.template.spec.containers[0].resources.limits.memory = '1Gi') },
    {
      case: 'a variable too many',
      change: ({ spec }) => spec.template.spec.containers[0].env.push({ name: 'A', value: 'b' }),
    },
    { case: 'a Secret too few', change: ({ spec }) => spec.template.spec.containers[0].envFrom.pop() },
    { case: 'an annotation too many', change: ({ spec }) => (spec.template.metadata.annotations.a = 'b') },
    { case: 'a label', change: ({ metadata }) => (metadata.labels = {}) },
    {
      case: 'the scale',
      change: ({ spec }) => (spec.template.metadata.annotations['autoscaling.knative.dev/max-scale'] = '1'),
    },
    { case: 'the security context', change: ({ spec }) => delete spec.template.spec.containers[0].securityContext },
    { case: 'the account', change: ({ spec }) => (spec.template.spec.serviceAccountName = 'default') },
  ])('deploys where $case differs', ({ change }) => {
    expect(functionStep(live(change), wanted, patch)).toBe('deploy');
  });

  test('ignores what Dapr and kubectl leave', () => {
    const service = live(({ metadata, spec }) => {
      metadata.annotations = { ...metadata.annotations, 'kubectl.kubernetes.io/last-applied-configuration': '{}' };
      spec.template.metadata.annotations['dapr.io/enabled'] = 'true';
    });

    expect(functionStep(service, wanted, patch)).toBe('nothing');
  });
});

describe('deployFunction', () => {
  const how = { root: ROOT, wanted, image: IMAGE, patch };
  const funcYaml = `${ROOT}/functions/${wanted.metadata.name}/func.yaml`;

  test('gives func a copy of the folder, then patches', async () => {
    const before = readFileSync(funcYaml, 'utf8');
    const run = scripted({});

    await deployFunction(run, 'deploy', how);

    const [func = '', patched = ''] = run.calls;
    const copy = /-p (\S+)/.exec(func)?.[1] ?? '';
    expect(func).toMatch(
      new RegExp(`^func deploy -p \\S+ --image ${IMAGE} --build=false --push=false -n knative-lambda-dev$`),
    );
    expect(copy).not.toContain(ROOT);
    expect(existsSync(copy)).toBe(false);
    expect(readFileSync(funcYaml, 'utf8')).toBe(before);
    expect(patched).toContain(
      `kubectl patch services.serving.knative.dev ${wanted.metadata.name} -n knative-lambda-dev --type=json`,
    );
    expect(patched).toContain('autoscaling.knative.dev~1scale-down-delay","value":"30s"');
  });

  test('goes on where func wrote what it should and only would not wait', async () => {
    const unpatched = live(({ spec }) => (spec.template.metadata.annotations['knative-lambda/config'] = 'old'));
    const run = scripted({ func: { code: 1, stderr: 'not ready' }, 'kubectl get': unpatched });

    await deployFunction(run, 'deploy', how);

    expect(run.calls.at(-1)).toContain('kubectl patch');
  });

  test.each([
    { case: 'there is no Service', got: { code: 1, stderr: 'NotFound' } },
    { case: 'the Service is the old one', got: live(({ spec }) => (spec.template.spec.containers[0].image = 'old')) },
  ])("fails with func's words where $case", async ({ got }) => {
    const run = scripted({ func: { code: 1, stderr: 'Error: no such Secret' }, 'kubectl get': got });

    await expect(deployFunction(run, 'deploy', how)).rejects.toThrow(
      /func deploy of build-complete failed: Error: no such Secret/,
    );
    expect(run.calls.some((call) => call.startsWith('kubectl patch'))).toBe(false);
  });

  test('asks nobody where there is nothing to do', async () => {
    const run = scripted({});

    await deployFunction(run, 'nothing', how);

    expect(run.calls).toEqual([]);
  });
});
