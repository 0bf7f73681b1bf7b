/** How the functions of an older installation come to be called by the door. */
import { beforeEach, expect, test, vi } from 'vitest';
import { environmentOf, ROOT } from '#deploy/environment.ts';
import { moveCalls } from '#deploy/move-calls.ts';
import type { Run } from '#deploy/run.ts';
import { IMAGE } from './world.ts';

const slept: number[] = [];
vi.mock('node:timers/promises', () => ({ setTimeout: async (milliseconds: number) => void slept.push(milliseconds) }));

const environment = environmentOf('dev', ROOT);
const object = (name: string, annotations: object, spec: object = {}) => ({ metadata: { name, annotations }, spec });
const old = (name: string) =>
  object(name, {}, { filter: { attributes: { type: 'parser.start', subject: `acme/${name}` } } });
const own = (name: string) => object(name, {}, { filter: { attributes: { deliverylane: 'own' } } });

/** A cluster of functions; `queues` answers each question in turn, and the last one again. */
class Cluster {
  calls: string[] = [];
  said: string[] = [];
  services: ReturnType<typeof object>[] = [];
  triggers: ReturnType<typeof object>[] = [];
  queues: (Record<string, number> | 'unreachable')[] = [{}];
  /** Whoever else uses this RabbitMQ. */
  others: object[] = [];
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
    if (line.startsWith('get brokers')) {
      return { code: 0, stdout: 'uid', stderr: '' };
    }
    if (line.startsWith('annotate')) {
      this.services = this.services.map((service) =>
        args.includes(service.metadata.name)
          ? object(service.metadata.name, { 'knative-lambda/delivery': 'shared' })
          : service,
      );
    }
    if (line.startsWith('delete triggers')) {
      this.triggers = this.triggers.filter(({ metadata }) => !args.includes(metadata.name));
    }
    if (line.startsWith('exec')) {
      const [answer = {}] = this.queues.length > 1 ? this.queues.splice(0, 1) : this.queues;
      return answer === 'unreachable'
        ? { code: 1, stdout: '', stderr: 'connect ECONNREFUSED' }
        : ok([
            ...Object.entries(answer).map(([name, messages]) => ({
              name: `${environment.namespace}.${name}.uid`,
              messages,
            })),
            ...this.others,
          ]);
    }
    return ok({});
  };
  move = () =>
    moveCalls(this.run, { environment, settings: { config: {} }, image: IMAGE }, (line) => this.said.push(line));
  names = () => this.triggers.map(({ metadata }) => metadata.name);
  indexOf = (beginning: string) => this.calls.findIndex((call) => call.startsWith(beginning));
}

let cluster: Cluster;
beforeEach(() => {
  slept.length = 0;
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
  cluster.triggers = [old('fn-a'), old('fn-b'), own('fn-c')];
  cluster.queues = [{ 'fn-a': 0, 'fn-b': 3 }, { 'fn-b': 1 }, { 'fn-b': 0 }];
  await cluster.move();
  const order = ['create', 'annotate', 'exec', 'delete triggers.eventing.knative.dev fn-a'].map(cluster.indexOf);
  expect(order.every((index) => index > 0)).toBe(true);
  expect(order.toSorted((a, b) => a - b)).toEqual(order);
  expect(cluster.calls.filter((call) => call.startsWith('exec'))).toHaveLength(3);
  expect(cluster.names()).toEqual(['fn-c']);
  expect(cluster.said).toEqual([
    'Moving the calls of functions to the door …',
    '  2 functions are called by the door from now on',
    '  old Triggers: 1 of 2 are gone',
    '  old Triggers: 2 of 2 are gone',
  ]);
  expect(cluster.calls.at(-1)).toContain('delete pod knative-lambda-queues');
});

test('the queues are asked for when the door knows, and what RabbitMQ says is newer than that', async () => {
  cluster.services = [object('fn-a', {})];
  cluster.triggers = [old('fn-a')];
  cluster.queues = [{ 'fn-a': 0 }];
  await cluster.move();
  expect(slept[0]).toBeGreaterThanOrEqual(15_000);
});

test('two hundred functions take a few commands, none of which waits for RabbitMQ to clean up', async () => {
  const names = Array.from({ length: 200 }, (_, index) => `fn-${index}`);
  cluster.services = names.map((name) => object(name, {}));
  cluster.triggers = names.map(old);
  cluster.queues = [Object.fromEntries(names.map((name) => [name, 0]))];
  await cluster.move();
  expect(cluster.names()).toEqual([]);
  expect(cluster.calls.filter((call) => /^(annotate|delete triggers)/.test(call)).length).toBeLessThan(12);
  const deletions = cluster.calls.filter((call) => call.startsWith('delete triggers'));
  expect(deletions.filter((call) => !call.includes('--wait=false'))).toEqual([]);
});

test.each([
  { case: 'RabbitMQ does not name it', answer: {}, others: [] },
  { case: 'its numbers are not known', answer: {}, others: [{ name: `${environment.namespace}.fn-a.uid` }] },
  {
    case: 'the empty one is that of another Broker',
    answer: { 'fn-a': 2 },
    others: [{ name: `${environment.namespace}.fn-a.another`, messages: 0 }],
  },
])('a Trigger stays where it is not known that its queue is empty: $case', async ({ answer, others }) => {
  cluster.triggers = [old('fn-a')];
  cluster.queues = [answer as Record<string, number>];
  cluster.others = others;
  const began = Date.now();
  const now = vi.spyOn(Date, 'now').mockImplementation(() => began + cluster.calls.length * 10_000);
  await cluster.move();
  now.mockRestore();
  expect(cluster.names()).toEqual(['fn-a']);
  expect(cluster.said.at(-1)).toMatch(/fn-a stay: their queues are not empty.*make deploy again.*sweep/s);
});

test('where RabbitMQ cannot be asked the Triggers stay, and it is said what happens to them', async () => {
  cluster.services = [object('fn-a', {})];
  cluster.triggers = [old('fn-a')];
  cluster.queues = ['unreachable'];
  await cluster.move();
  expect(cluster.names()).toEqual(['fn-a']);
  expect(cluster.services).toMatchObject([{ metadata: { annotations: { 'knative-lambda/delivery': 'shared' } } }]);
  expect(cluster.said.at(-1)).toMatch(/fn-a stay: .*ECONNREFUSED.*make deploy again/s);
  expect(cluster.calls.at(-1)).toContain('delete pod');
});

test('RabbitMQ may be away for a moment', async () => {
  cluster.triggers = [old('fn-a')];
  cluster.queues = ['unreachable', 'unreachable', { 'fn-a': 0 }];
  await cluster.move();
  expect(cluster.names()).toEqual([]);
});

test('a function that cannot be annotated is told, and its Trigger stays', async () => {
  cluster.services = [object('fn-a', {})];
  cluster.triggers = [old('fn-a')];
  const { run } = cluster;
  cluster.run = async (program, args) =>
    args[0] === 'annotate' ? { code: 1, stdout: '', stderr: 'the server is away' } : await run(program, args);
  await expect(cluster.move()).rejects.toThrow(/1 functions are still called by their own Triggers.*server is away/s);
  expect(cluster.names()).toEqual(['fn-a']);
  expect(cluster.calls.at(-1)).toContain('delete pod');
});
