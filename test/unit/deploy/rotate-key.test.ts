/** Keys are changed so that at no moment a function signs with one that another does not know. */
import { expect, test } from 'vitest';
import { rotateKey } from '#deploy/rotate-key.ts';
import type { Run } from '#deploy/run.ts';

const key = (id: string) => `${id}:${Buffer.alloc(32, id).toString('base64')}`;
const encoded = (text: string) => Buffer.from(text).toString('base64');

/** A Secret, and the Services of all functions, each Ready at once. */
class World {
  data: Record<string, string> = { EVENT_KEY: encoded(key('k0')), EVENT_KEY_OTHER: encoded(key('kx')) };
  /** Every state of the Secret, and after it what the pods know. */
  readonly history: string[] = [];
  readonly known = new Map<string, string>();
  stopsAt = Number.POSITIVE_INFINITY;
  commands = 0;

  readonly run: Run = async (_, args, options) => {
    this.commands += 1;
    if (this.commands > this.stopsAt) {
      throw new Error('stopped');
    }
    const [verb, kind = '', name = ''] = args;
    const ok = (stdout: object | string = '') => ({
      code: 0,
      stdout: typeof stdout === 'string' ? stdout : JSON.stringify(stdout),
      stderr: '',
    });
    if (verb === 'get' && kind === 'secret') {
      return ok({ data: this.data });
    }
    if (verb === 'apply') {
      this.data = JSON.parse(String(options?.input)).data;
      this.history.push(Object.values(this.data).map(idOf).join(' '));
      return ok();
    }
    if (verb === 'patch') {
      const patch = JSON.parse(args.at(-1) ?? '');
      this.known.set(name, patch.spec.template.metadata.annotations['knative-lambda/event-keys']);
      return ok();
    }
    const items = [...this.known.keys()].map((service) => ({
      kind: 'Service',
      metadata: { name: service, generation: 1 },
      status: { observedGeneration: 1, conditions: [{ type: 'Ready', status: 'True' }] },
    }));
    return ok({ items });
  };
}

function idOf(key: string): string {
  return Buffer.from(key, 'base64').toString().split(':')[0] ?? '';
}

test('all learn the new key, then all sign with it, and the former one still counts', async () => {
  const world = new World();

  await rotateKey(world.run, 'ns', () => undefined);

  expect(world.history).toEqual([expect.stringMatching(/^k0 k\w{8}$/), expect.stringMatching(/^k\w{8} k0$/)]);
  expect(world.known.size).toBeGreaterThan(9);
  expect(new Set(world.known.values())).toEqual(new Set([world.history[1]?.replace(' ', '.')]));
});

test('where it is stopped, at any command, the next one makes all know what the Secret says before it changes it', async () => {
  const whole = new World();
  await rotateKey(whole.run, 'ns', () => undefined);
  for (let stopsAt = 1; stopsAt < whole.commands; stopsAt += 3) {
    const world = new World();
    world.stopsAt = stopsAt;
    await rotateKey(world.run, 'ns', () => undefined).catch(() => undefined);
    const signing = new Set([...world.known.values()].map((keys) => keys.split('.')[0]));
    const held = Object.values(world.data).map(idOf);
    // Whatever a function signs with now, the Secret still has.
    expect([...signing].filter((key) => !held.includes(key ?? ''))).toEqual([]);
    world.stopsAt = Number.POSITIVE_INFINITY;
    const before = world.history.length;
    const run: Run = async (program, args, options) => {
      if (args[0] === 'apply' && world.history.length === before) {
        expect(new Set(world.known.values())).toEqual(new Set([Object.values(world.data).map(idOf).join('.')]));
      }
      return await world.run(program, args, options);
    };
    await rotateKey(run, 'ns', () => undefined);
    expect(new Set(world.known.values()).size).toBe(1);
  }
});

test.each([{}, { EVENT_KEY: '' }, { EVENT_KEY: encoded('no id') }, { OTHER: encoded(key('k0')) }])(
  'a Secret that holds %j is refused with what to do, and nothing is changed',
  async (data) => {
    const world = new World();
    world.data = data as World['data'];

    await expect(rotateKey(world.run, 'ns', () => undefined)).rejects.toThrow(
      /knative-lambda-keys.*no EVENT_KEY.*make deploy/,
    );

    expect(world.history).toEqual([]);
    expect(world.known.size).toBe(0);
  },
);
