/** In which order the builder's functions are deployed. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { writeComposition } from '#deploy/compose.ts';
import { deployFunctions } from '#deploy/deploy-functions.ts';
import { planDeployment } from '#deploy/plan.ts';
import type { Run } from '#deploy/run.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { IMAGE, type Project, project, SETTINGS } from './world.ts';

vi.mock('node:timers/promises', () => ({ setTimeout: async () => undefined }));

let here: Project;
beforeEach(() => {
  here = project();
});
afterEach(() => here.remove());

/** What is done, in order; `live`: whether there is an older installation. */
async function deployed(deployer: 'func' | 'kubectl', { live }: { live: boolean }): Promise<string[]> {
  const settings = here.write('dev.env', SETTINGS);
  const { plan } = planDeployment(here.root, { ENV: 'dev', IMAGE, SETTINGS: settings, DEPLOYER: deployer });
  if (!plan) {
    throw new Error('no plan');
  }
  const objects = writeComposition(plan.environment, plan.composition, { withFunctions: false });
  const services = plan.composition.services.map((service) => {
    const old = structuredClone(service);
    old['spec'].template.spec.containers[0].image = 'registry.example/old';
    return old;
  });
  const ready = (object: KubeObject) => ({
    ...object,
    metadata: { ...object.metadata, generation: 1 },
    status: { observedGeneration: 1, conditions: [{ type: 'Ready', status: 'True' }] },
  });
  const done: string[] = [];
  const run: Run = async (program, args, { input } = {}) => {
    const line = [program, ...args].join(' ');
    const ok = (value: unknown) => ({ code: 0, stdout: JSON.stringify(value), stderr: '' });
    if (line.startsWith('kubectl get services.serving.knative.dev -n')) {
      return ok({ items: live ? services : [] });
    }
    if (line.startsWith('kubectl get')) {
      done.push('ready?');
      return ok({ items: [...objects, ...plan.composition.services].map(ready) });
    }
    const patched = /patch services.serving.knative.dev (\S+)/.exec(line)?.[1];
    if (patched) {
      done.push(patched);
    } else if (line.startsWith('kubectl apply')) {
      done.push(input ? JSON.parse(String(input)).metadata.name : 'everything');
    }
    return ok({});
  };
  await deployFunctions(run, plan, { objects, force: false, say: () => undefined, timeout: 1000 });
  return done;
}

describe('over an older installation', () => {
  test.each(['func', 'kubectl'] as const)(
    'the door is Ready before any other function changes: %s',
    async (deployer) => {
      const done = await deployed(deployer, { live: true });
      expect(done.slice(0, 2)).toEqual(['parser-events', 'ready?']);
      expect(done.slice(2)).toEqual(
        deployer === 'kubectl' ? ['everything'] : expect.arrayContaining(['build-complete']),
      );
      expect(done.filter((name) => name === 'parser-events')).toHaveLength(1);
    },
  );
});

test.each(['func', 'kubectl'] as const)('the first time nothing waits for the door: %s', async (deployer) => {
  const done = await deployed(deployer, { live: false });
  expect(done).not.toContain('ready?');
  expect(done).toEqual(deployer === 'kubectl' ? ['everything'] : expect.arrayContaining(['parser-events', 'sweep']));
});
