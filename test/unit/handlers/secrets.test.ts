/** Secrets of functions: refused before anything is deployed, and followed when they are rotated. */
import { describe, expect, test } from 'vitest';
import { buildComplete } from '#functions/build-complete/handler.ts';
import { sweepSecrets } from '#functions/sweep/handler.ts';
import type { Parameters } from '#shared/events/parameters.ts';
import { observedAt } from '#shared/specs/annotations.ts';
import { functionName, labelValue } from '#shared/specs/names.ts';
import { SECRETS_VERSION } from '#shared/specs/secrets.ts';
import { FUNCTIONS_NAMESPACE, SECRETS } from '#test/fakes/cluster.ts';
import type { Steps } from '#test/fakes/stepped.ts';
import { SweptWorld } from './sweep-world.ts';
import { ACME, type Asked, functionSettings, MIDDLE, nameOf, successClaim } from './world.ts';

const NAME = functionName(ACME);
const CANARY = 'canary-9f1c';
const FOR_ACME = { 'knative-lambda/secret-for': 'functions', 'knative-lambda/third-party-id': 'acme' };
const parameters: Parameters = {
  secrets: [
    { name: 'db', key: 'password', env: 'DB_PASSWORD' },
    { name: 'db', key: 'ca', file: 'ca' },
  ],
};

class SecretWorld extends SweptWorld {
  secret(keys: string[], labels: Record<string, string> = FOR_ACME, name = 'db', annotations = {}): this {
    const data = Object.fromEntries(keys.map((key) => [key, Buffer.from(`${CANARY} ${key}`).toString('base64')]));
    const metadata = { name, namespace: FUNCTIONS_NAMESPACE, labels, annotations };
    this.cluster.storage.create({ apiVersion: 'v1', kind: 'Secret', metadata, data });
    return this;
  }

  change(name: string, change: object): this {
    const secret = this.cluster.storage.get(SECRETS, FUNCTIONS_NAMESPACE, name);
    this.cluster.storage.update({ ...secret, ...change } as never);
    return this;
  }

  async ended(claim: Asked = {}, steps?: Steps) {
    await this.succeeded({ parameters, ...claim });
    const identity = claim.identity ?? ACME;
    return await buildComplete(successClaim({ job_name: nameOf(claim.content, identity), ...claim }), {
      ...this.deps(steps),
      settings: functionSettings,
    });
  }

  async version(name = NAME): Promise<string | undefined> {
    return (await this.cluster.getService(name))?.spec.template.metadata.annotations[SECRETS_VERSION];
  }

  async looked(): Promise<void> {
    await sweepSecrets(this.sweepDependencies(), { log: this.log() });
  }
}

const refused = (reason: string, ...says: string[]) => ({
  type: 'lifecycle.build.failed',
  data: {
    ...ACME,
    status: 'failed',
    reason,
    error_message: expect.stringMatching(new RegExp(says.map((word) => `(?=.*${word})`).join(''))),
  },
});

describe('at a deployment', () => {
  test('labelled for the tenant and with the keys: deployed with their version', async () => {
    const world = new SecretWorld().secret(['password', 'ca']);
    expect(await world.ended()).toMatchObject({ type: 'lifecycle.build.completed' });
    expect(await world.version()).toMatch(/^[0-9a-f]{32}$/);
  });

  test.each([
    {
      case: 'no Secret',
      given: () => undefined,
      reply: refused(
        'SecretNotFound',
        'no Secret db',
        'key password',
        'kubectl create secret generic db -n functions --from-file=password=FILE',
        'kubectl label secret db',
      ),
    },
    {
      case: 'no key',
      given: (world: SecretWorld) => world.secret(['password']),
      reply: refused('SecretNotFound', 'Secret db has no key ca', 'kubectl patch secret db -n functions'),
    },
    {
      case: 'no labels',
      given: (world: SecretWorld) => world.secret(['password', 'ca'], {}),
      reply: refused(
        'SecretForbidden',
        'Secret db',
        'key password',
        'not labelled for tenant acme',
        'kubectl label secret db -n functions knative-lambda/secret-for=functions knative-lambda/third-party-id=acme',
      ),
    },
    {
      case: "another tenant's",
      given: (world: SecretWorld) =>
        world.secret(['theirs'], { ...FOR_ACME, 'knative-lambda/third-party-id': 'mallory' }),
      reply: refused('SecretForbidden', 'not labelled for tenant acme'),
    },
    {
      case: 'not meant for functions',
      given: (world: SecretWorld) => world.secret(['password', 'ca'], { 'knative-lambda/third-party-id': 'acme' }),
      reply: refused('SecretForbidden', 'secret-for=functions'),
    },
  ])('$case: refused, and nothing is deployed or told of it', async ({ given, reply }) => {
    const world = new SecretWorld();
    given(world);
    const answer = await world.ended();
    expect(answer).toMatchObject(reply);
    expect(JSON.stringify(answer)).not.toMatch(/mallory|theirs/);
    expect(world.cluster.services.keys()).toEqual([]);
    expect(world.cluster.triggers.keys()).toEqual([]);
    // The build itself is not lost: the same source is deployed without another.
    expect((await world.cluster.getJob(nameOf()))?.metadata?.finalizers).toEqual([]);
    expect(Object.keys((world.state() as { objects: object }).objects)).toEqual([expect.stringMatching(/^builds\//)]);
  });

  test('of a tenant whose id is no label: the annotation has to say it, and the command does', async () => {
    const identity = { third_party_id: '-'.repeat(70), parser_id: 'p1' };
    const labels = { ...FOR_ACME, 'knative-lambda/third-party-id': labelValue(identity.third_party_id) };
    const annotations = { 'knative-lambda/third-party-id': identity.third_party_id };
    const bare = new SecretWorld().secret(['password', 'ca'], labels);
    expect(await bare.ended({ identity })).toMatchObject({
      data: {
        reason: 'SecretForbidden',
        error_message: expect.stringContaining(
          `kubectl annotate secret db -n functions knative-lambda/third-party-id=${identity.third_party_id}`,
        ),
      },
    });
    const world = new SecretWorld().secret(['password', 'ca'], labels, 'db', annotations);
    expect(await world.ended({ identity })).toMatchObject({ type: 'lifecycle.build.completed' });
  });

  test('many mistakes are told in one short message, the same one once', async () => {
    const secrets = Array.from({ length: 50 }, (_, index) => ({ name: `s${index}`, key: 'k', env: `A${index}` }));
    const again = [...secrets.slice(0, 49), { name: 's0', key: 'k', file: 'again' }];
    const { data } = (await new SecretWorld().ended({ parameters: { secrets: again } })) as {
      data: { error_message: string };
    };
    expect(data.error_message).toContain('and 44 more');
    expect(data.error_message.length).toBeLessThan(2000);
  });

  test('refused once, deployed when the Secret is there; refused again when the label goes, and the function stays', async () => {
    const world = new SecretWorld();
    await world.ended();
    world.secret(['password', 'ca']);
    expect(await world.ended()).toMatchObject({ type: 'lifecycle.build.completed' });
    const before = await world.version();
    world.change('db', { metadata: { name: 'db', namespace: FUNCTIONS_NAMESPACE, labels: {} } });
    expect(await world.ended()).toMatchObject(refused('SecretForbidden', 'not labelled'));
    expect(await world.version()).toBe(before);
  });

  test('a function without Secrets asks for none', async () => {
    const world = new SecretWorld();
    const steps: Steps = { calls: [] };
    await world.ended({ parameters: {} }, steps);
    expect(steps.calls.filter((call) => call.includes('Secret'))).toEqual([]);
    expect((await world.cluster.getService(NAME))?.metadata.labels).not.toHaveProperty(['knative-lambda/uses-secrets']);
  });
});

describe('a rotation', () => {
  const OTHER = { ...ACME, parser_id: 'other' };
  const data = { password: Buffer.from(`${CANARY} new`).toString('base64'), ca: '' };

  async function deployed(): Promise<SecretWorld> {
    const world = new SecretWorld().secret(['password', 'ca']).secret(['k'], FOR_ACME, 'api');
    await world.ended();
    await world.ended({
      content: 'two',
      identity: OTHER,
      parameters: { secrets: [{ name: 'api', key: 'k', env: 'A' }] },
    });
    await world.looked();
    return world;
  }

  test('changes the template of the functions that refer to it, once, and nothing else', async () => {
    const world = await deployed();
    const [first, other] = [await world.version(), await world.version(functionName(OTHER))];
    const before = await world.cluster.getService(NAME);
    await world.looked();
    expect(await world.cluster.getService(NAME)).toEqual(before);

    world.change('db', { data });
    await world.looked();
    const after = await world.cluster.getService(NAME);
    expect(await world.version()).not.toBe(first);
    expect(await world.version(functionName(OTHER))).toBe(other);
    expect(world.lines).toMatchObject([{ swept: { secrets_rotated: 1 }, objects: [`secrets_rotated ${NAME}`] }]);
    expect(observedAt(after ?? {})).toBe(Date.parse(MIDDLE));
    const second = (await world.version()) ?? '';
    expect(JSON.stringify(after?.spec).replace(second, first ?? '')).toBe(JSON.stringify(before?.spec));

    await world.looked();
    expect(await world.cluster.getService(NAME)).toEqual(after);
    // What is deployed then says the same.
    expect(await world.ended({ content: 'three' })).toMatchObject({ type: 'lifecycle.build.completed' });
    expect(await world.version()).toBe(second);
  });

  test('is found by the sweep of every minute too', async () => {
    const world = await deployed();
    world.later(5).change('db', { data });
    expect(await world.swept()).toMatchObject({ secrets_rotated: 1 });
    expect(await world.swept()).not.toHaveProperty('secrets_rotated');
  });

  test.each([
    {
      case: 'deleted',
      change: (world: SecretWorld) => world.cluster.storage.remove(SECRETS, FUNCTIONS_NAMESPACE, 'db'),
    },
    {
      case: "another tenant's",
      change: (world: SecretWorld) => {
        const labels = { ...FOR_ACME, 'knative-lambda/third-party-id': 'mallory' };
        return world.change('db', { metadata: { name: 'db', namespace: FUNCTIONS_NAMESPACE, labels }, data });
      },
    },
  ])('to one that is $case leaves the revision as it is', async ({ change }) => {
    const world = await deployed();
    const before = await world.cluster.getService(NAME);
    change(world);
    await world.looked();
    expect(await world.cluster.getService(NAME)).toEqual(before);
  });

  test('does not set back what is deployed meanwhile', async () => {
    for (let step = 1; ; step++) {
      const world = await deployed();
      world.change('db', { data });
      let deployedAs: unknown;
      const steps: Steps = {
        calls: [],
        before: async (at) => {
          if (at === step) {
            world.change('db', { data: { ...data, ca: 'bmV3' } });
            await world.ended({ content: 'newer', observed_at: '2026-01-02T11:40:00.000Z' });
            deployedAs = await world.version();
          }
        },
      };
      await sweepSecrets(world.sweepDependencies(steps), { log: world.log() });
      if (steps.calls.length < step) {
        expect(step).toBeGreaterThan(3);
        break;
      }
      expect([step, await world.version()]).toEqual([step, deployedAs]);
      await world.looked();
      expect([step, await world.version()]).toEqual([step, deployedAs]);
    }
  });

  test('of values nothing is in Services, Jobs, Triggers, S3 or logs', async () => {
    const world = await deployed();
    world.change('db', { data });
    await world.looked();
    const everything = JSON.stringify([world.state(), world.lines, world.sent]);
    expect(everything).not.toContain(CANARY);
    expect(everything).not.toContain(Buffer.from(CANARY).toString('base64').slice(0, 12));
  });
});
