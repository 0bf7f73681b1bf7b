/** How the functions of an older installation come to be called by the door. */
import { beforeEach, expect, test, vi } from 'vitest';
import { environmentOf, ROOT } from '#deploy/environment.ts';
import { moveCalls } from '#deploy/move-calls.ts';
import type { Run } from '#deploy/run.ts';
import { IMAGE } from './world.ts';

vi.mock('node:timers/promises', () => ({ setTimeout: async () => undefined }));

const environment = environmentOf('dev', ROOT);
const object = (name: string, annotations: object, spec: object = {}) => ({ metadata: { name, annotations }, spec });
const old = (name: string) =>
  object(name, {}, { filter: { attributes: { type: 'parser.start', subject: `acme/${name}` } } });
const own = (name: string) => object(name, {}, { filter: { attributes: { deliverylane: 'own' } } });

/** A cluster of functions; `queues` answers each question in turn, and the last one again. */
class Cluster {
  calls: string[] = [];
  said: string[] = [];
  services: object[] = [];
  triggers: object[] = [];
  queues: (Record<string, number> | 'unreachable')[] = [{}];
  run: Run = async (_, args) => {
    const line = args.join(' ');
    this.calls.push(line);
    const ok = (stdout: unknown) => ({ code: 0, stdout: JSON.stringify(stdout), stderr: '' });
    if (line.startsWith('get services')) {
      return ok({ items: this.services });
    }
    if (line.startsWith('get triggers')) {
      return ok({ items: this.triggers });
    }
    if (line.startsWith('exec')) {
      const [answer = {}] = this.queues.length > 1 ? this.queues.splice(0, 1) : this.queues;
      return answer === 'unreachable'
        ? { code: 1, stdout: '', stderr: 'connect ECONNREFUSED' }
        : ok(
            Object.entries(answer).map(([name, messages]) => ({
              name: `${environment.namespace}.${name}.uid`,
              messages,
            })),
          );
    }
    return ok({});
  };
  move = () =>
    moveCalls(this.run, { environment, settings: { config: {} }, image: IMAGE, say: (line) => this.said.push(line) });
  indexOf = (beginning: string) => this.calls.findIndex((call) => call.startsWith(beginning));
}

let cluster: Cluster;
beforeEach(() => {
  cluster = new Cluster();
});

test('a new installation has nothing to move, and says nothing', async () => {
  cluster.services = [object('fn-a', { 'knative-lambda/delivery': 'own' })];
  cluster.triggers = [own('fn-a')];
  await cluster.move();
  expect(cluster.said).toEqual([]);
  expect(cluster.calls.filter((call) => /annotate|exec|delete .*fn-a/.test(call))).toEqual([]);
});

test('first the door makes the calls, then each old Trigger goes when its queue is empty', async () => {
  cluster.services = [object('fn-a', {}), object('fn-b', {})];
  cluster.triggers = [old('fn-a'), old('fn-b')];
  cluster.queues = [{ 'fn-a': 0, 'fn-b': 3 }, { 'fn-b': 1 }, { 'fn-b': 0 }];
  await cluster.move();
  const [a, b] = ['fn-a', 'fn-b'].map((name) => cluster.indexOf(`delete triggers.eventing.knative.dev ${name}`));
  expect(cluster.indexOf('annotate services.serving.knative.dev fn-b knative-lambda/delivery=shared')).toBeLessThan(
    a ?? 0,
  );
  expect(a).toBeGreaterThan(0);
  expect(b).toBeGreaterThan((a ?? 0) + 2);
  expect(cluster.calls.at(-1)).toContain('delete pod knative-lambda-queues');
});

test('where RabbitMQ cannot be asked the Triggers stay, and it is said what happens to them', async () => {
  cluster.triggers = [old('fn-a')];
  cluster.queues = ['unreachable'];
  await cluster.move();
  expect(cluster.indexOf('delete triggers.eventing.knative.dev fn-a')).toBe(-1);
  expect(cluster.said.at(-1)).toMatch(/fn-a could not be asked for.*ECONNREFUSED.*make deploy again/s);
  expect(cluster.calls.at(-1)).toContain('delete pod');
});

test('queues that never empty do not hold up the deployment', async () => {
  cluster.triggers = [old('fn-a')];
  cluster.queues = [{ 'fn-a': 5 }];
  const began = Date.now();
  const now = vi.spyOn(Date, 'now').mockImplementation(() => began + cluster.calls.length * 20_000);
  await cluster.move();
  now.mockRestore();
  expect(cluster.said.at(-1)).toContain('still hold calls');
});
