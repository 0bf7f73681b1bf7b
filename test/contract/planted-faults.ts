/** Faults that people make and that happen to them, as a platform sees them: what is planted, and what names it. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import { answering, slowToBuild } from './sources.ts';
import { until } from './until.ts';
import type { World } from './world.ts';

/** What is asked about. */
export interface Asked {
  about: 'build' | 'call' | 'function' | 'letter';
  id?: string;
}

export interface Fault {
  name: string;
  language?: 'python' | 'go';
  /** It cannot be planted in a cluster. */
  onLaptop?: true;
  plant: (world: World, identity: Identity) => Promise<Asked>;
  /** Names the cause, and no other one. */
  cause: RegExp;
  /** What mends it. */
  command: RegExp;
  /** In what is to be done: what the command alone does not say. */
  say?: RegExp;
  /** In the evidence: the words of whoever knows it. */
  evidence?: RegExp;
}

type Files = Record<string, string | Buffer>;

const ENDS = ['lifecycle.build.failed', 'lifecycle.function.failed', 'lifecycle.function.ready', 'event.rejected'];
const DEPLOY = /^kn-lambda deploy/;
const handler = (body: string) => ({ 'parser.mjs': `export async function handler(event) {\n  ${body}\n}\n` });
/** Of the example in Go: all that it needs can be downloaded. */
const MODULE = Object.fromEntries(
  ['go.mod', 'go.sum'].map((name) => [
    name,
    readFileSync(new URL(`../../examples/go/${name}`, import.meta.url), 'utf8'),
  ]),
);
const manifest = (fields: object) => JSON.stringify({ name: 'x', version: '1.0.0', ...fields });

/** Builds it, and waits for whatever becomes of that. */
async function build(world: World, identity: Identity, files: Files, parameters?: object): Promise<Asked> {
  await world.upload(identity, files);
  const id = `build-${randomUUID()}`;
  const data = { ...identity, correlation_id: id, ...(parameters ? { parameters } : {}) };
  const before = world.events.length;
  await world.send({ type: 'build.start', id, subject: subjectOf(identity), extensions: { correlationid: id }, data });
  await until(
    `an end of ${subjectOf(identity)}`,
    () =>
      world.events.slice(before).find(({ type, subject }) => subject === subjectOf(identity) && ENDS.includes(type)),
    240,
    () => world.story(identity),
  );
  return { about: 'build', id };
}

/** Calls it, and waits for the answer or the refusal. */
async function call(world: World, identity: Identity, data: object = {}): Promise<Asked> {
  const id = `call-${randomUUID()}`;
  await world.send({ type: 'parser.start', id, subject: subjectOf(identity), data });
  await until(
    `an answer to ${id}`,
    () => world.events.find((event) => event['causationid'] === id && event.type !== 'parser.deliver'),
    120,
  );
  return { about: 'call', id };
}

/** Calls it, and waits for nothing: the call is tried again for a minute. */
async function send(world: World, identity: Identity): Promise<Asked> {
  const id = `call-${randomUUID()}`;
  await world.send({ type: 'parser.start', id, subject: subjectOf(identity), data: {} });
  return { about: 'call', id };
}

const crashed =
  (files: Files): Fault['plant'] =>
  async (world, identity) => {
    await build(world, identity, files);
    return await send(world, identity);
  };

/** An image with Node.js in it, of which the source says itself what it starts. */
async function server(world: World, command: string, code: string): Promise<Files> {
  const base = (await world.config())['BASE_IMAGE_NODE'] ?? '';
  return {
    Dockerfile: `FROM ${base}\nWORKDIR /app\nCOPY server.mjs .\nUSER 65532:65532\nCMD ${command}\n`,
    'server.mjs': code,
  };
}

const LISTEN = "import { createServer } from 'node:http';\nconst server = createServer((request, response) => {";

const built =
  (files: Files, parameters?: object): Fault['plant'] =>
  (world, identity) =>
    build(world, identity, files, parameters);

const called =
  (body: string, parameters?: object): Fault['plant'] =>
  async (world, identity) => {
    await build(world, identity, handler(body), parameters);
    return await call(world, identity);
  };

/** Works, and then its next version does not. */
const changed =
  (files: Files): Fault['plant'] =>
  async (world, identity) => {
    await build(world, identity, answering('before'));
    await build(world, identity, files);
    return { about: 'function' };
  };

const ofFunction = async (asked: Promise<Asked>): Promise<Asked> => {
  await asked;
  return { about: 'function' };
};

const secret = (name: string, labels: object, values: Record<string, string>) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, labels },
  stringData: values,
});

async function withSecret(world: World, identity: Identity, labels: object, key = 'password'): Promise<Asked> {
  const name = `s-${identity.parser_id}`;
  const object = secret(name, labels, { [key]: 'x' });
  await world.create({ ...object, metadata: { ...object.metadata, namespace: world.platform.namespace } } as never);
  return await build(world, identity, answering('x'), { secrets: [{ name, key: 'password', env: 'PASSWORD' }] });
}

const labelsFor = (tenant: string) => ({
  'knative-lambda/secret-for': 'functions',
  'knative-lambda/third-party-id': tenant,
});

export const FAULTS: Fault[] = [
  // Build.
  { name: 'nothing was uploaded', plant: built({}), cause: /nothing|no (?:file|source|object)/i, command: DEPLOY },
  {
    name: 'no language is recognised',
    plant: built({ 'notes.txt': 'x' }),
    cause: /language.*notes\.txt|notes\.txt.*language/,
    command: DEPLOY,
  },
  {
    name: 'two languages at once',
    plant: built({ 'parser.py': 'def handler(event): pass\n', 'parser.js': 'exports.handler = () => 1;\n' }),
    cause: /(?=.*python)(?=.*node)/i,
    command: DEPLOY,
  },
  {
    name: 'the handler that is named is not there',
    plant: built(answering('x'), { handler: 'other.run' }),
    cause: /other/,
    command: DEPLOY,
  },
  {
    name: 'the file has no handler',
    plant: built({ 'parser.mjs': 'export const work = 1;\n' }),
    cause: /parser\.mjs.*work/,
    command: DEPLOY,
  },
  {
    name: 'the usual file has another function',
    language: 'python',
    plant: built({ 'handler.py': 'def greet(event):\n    return 1\n' }),
    cause: /handler\.py has greet/,
    command: DEPLOY,
    say: /to handler\.py/,
  },
  {
    name: 'a Dockerfile copies a file that was not uploaded',
    plant: async (world, identity) => {
      const files = await server(world, '["node", "server.mjs"]', '');
      return await build(world, identity, { Dockerfile: files['Dockerfile'] ?? '', 'notes.txt': 'x' });
    },
    cause: /server\.mjs/,
    command: DEPLOY,
  },
  {
    name: 'package.json is no JSON',
    plant: built({ ...answering('x'), 'package.json': '{ "name": ' }),
    cause: /package\.json/,
    command: DEPLOY,
  },
  {
    name: 'a key with control characters of overlay file systems',
    plant: built({ ...answering('x'), '.wh.parser.mjs': 'x' }),
    cause: /\.wh\.parser\.mjs/,
    command: DEPLOY,
  },
  {
    name: 'a dependency is not there',
    plant: built({
      ...answering('x'),
      'package.json': manifest({ dependencies: { lost: 'file:./not-uploaded.tgz' } }),
    }),
    cause: /not-uploaded|lost/,
    command: DEPLOY,
  },
  {
    name: 'a script of the installation fails',
    plant: built({
      ...answering('x'),
      'package.json': manifest({ scripts: { postinstall: 'echo "the mine is closed" >&2 && exit 3' } }),
    }),
    cause: /the mine is closed|postinstall/,
    command: DEPLOY,
  },
  {
    name: 'its parameters are wrong',
    plant: async (world, identity) => ({
      ...(await build(world, identity, answering('x'), { timeout_seconds: 'long' })),
    }),
    cause: /parameters\.timeout_seconds/,
    command: DEPLOY,
  },
  {
    name: 'the function was deleted while it was built',
    plant: async (world, identity) => {
      await world.upload(identity, slowToBuild('x', 600));
      const id = `build-${randomUUID()}`;
      await world.send({ type: 'build.start', data: { ...identity, correlation_id: id } });
      await world.seen('lifecycle.build.started', identity, undefined, 120);
      await world.send({ type: 'service.delete', data: identity });
      await world.seen('lifecycle.build.failed', identity, undefined, 60);
      return { about: 'build', id };
    },
    cause: /service\.delete arrived|was deleted/,
    command: DEPLOY,
  },
  {
    name: 'Python that is none',
    language: 'python',
    plant: built({ 'parser.py': 'def handler(event):\n    return event[\n' }),
    cause: /parser\.py.*(?:SyntaxError|was never closed)/,
    command: DEPLOY,
  },
  {
    name: 'a Python module that nobody has declared',
    language: 'python',
    plant: built({ 'parser.py': 'import lost_module\n\n\ndef handler(event):\n    return 1\n' }),
    cause: /lost_module/,
    command: DEPLOY,
    say: /requirements\.txt/,
  },
  // Deploy.
  {
    name: 'a syntax error',
    plant: built({ 'parser.mjs': 'export function handler(event) {\n  const a = ;\n}\n' }),
    cause: /parser\.mjs:2: SyntaxError.*const a = ;/,
    command: DEPLOY,
  },
  {
    name: 'a syntax error in a file that is imported',
    plant: built({
      'parser.mjs': "import { a } from './lib/a.mjs';\nexport const handler = () => a;\n",
      'lib/a.mjs': 'export const b = 1;\nexport const a = { b: };\n',
    }),
    cause: /lib\/a\.mjs:2: SyntaxError/,
    command: DEPLOY,
  },
  {
    name: 'an import has no such name',
    plant: built({
      'parser.mjs': "import { rows } from './rows.mjs';\nexport const handler = () => rows;\n",
      'rows.mjs': 'export const row = 1;\n',
    }),
    cause: /parser\.mjs:1: SyntaxError.*'rows'/,
    command: DEPLOY,
  },
  {
    name: 'a package that package.json does not name',
    plant: built({ 'parser.mjs': "import 'lost-package';\nexport const handler = () => 1;\n" }),
    cause: /lost-package/,
    command: DEPLOY,
    say: /package\.json/,
  },
  {
    name: 'an exception while it is loaded',
    plant: built({ 'parser.mjs': "\nthrow new Error('no such table');\nexport const handler = () => 1;\n" }),
    cause: /parser\.mjs:2: Error: no such table/,
    command: DEPLOY,
  },
  {
    name: 'a variable that is not set',
    plant: built({ 'parser.mjs': 'const host = process.env.NOT_SET.trim();\nexport const handler = () => host;\n' }),
    cause: /parser\.mjs:1: TypeError/,
    command: DEPLOY,
  },
  {
    name: 'it ends its own process',
    plant: built({ 'parser.mjs': 'process.exit(0);\nexport const handler = () => 1;\n' }),
    cause: /process\.exit/,
    command: DEPLOY,
  },
  {
    name: 'a Secret is not there',
    plant: built(answering('x'), { secrets: [{ name: 'nowhere', key: 'k', env: 'K' }] }),
    cause: /no Secret nowhere/,
    command: /^kubectl create secret generic nowhere/,
  },
  {
    name: 'a Secret is for nobody',
    plant: (world, identity) => withSecret(world, identity, {}),
    cause: /not labelled for tenant/,
    command: /^kubectl label secret/,
  },
  {
    name: 'a Secret has another key',
    plant: (world, identity) => withSecret(world, identity, labelsFor(identity.third_party_id), 'other'),
    cause: /has no key password/,
    command: /^kubectl patch secret/,
  },
  {
    name: 'the newest version does not start, and the one before answers',
    plant: changed({ 'parser.mjs': "throw new Error('not today');\nexport const handler = () => 1;\n" }),
    cause: /answers as before.*not today/,
    command: DEPLOY,
  },
  {
    name: 'the newest build failed, and the version before answers',
    plant: changed({ ...answering('x'), 'package.json': '{' }),
    cause: /newest build failed, and \S+ answers as before.*package\.json/,
    command: DEPLOY,
  },
  {
    name: 'a server listens on another port',
    plant: async (world, identity) => {
      const code = `${LISTEN} response.end(); });\nserver.listen(0, () => console.log('the wrong door'));\n`;
      await world.upload(identity, await server(world, '["node", "server.mjs"]', code));
      await world.send({ type: 'build.start', data: { ...identity, correlation_id: `build-${randomUUID()}` } });
      await world.seen('lifecycle.build.completed', identity, undefined, 240);
      return { about: 'function' };
    },
    cause: /nothing in it listens on the port in \$PORT/,
    command: DEPLOY,
    say: /PORT/,
    evidence: /the wrong door/,
  },
  {
    name: 'a Dockerfile starts a program that is not there',
    plant: async (world, identity) => {
      await build(world, identity, await server(world, '["nodee", "server.mjs"]', ''));
      return { about: 'function' };
    },
    cause: /nodee/,
    command: DEPLOY,
    say: /CMD or ENTRYPOINT/,
  },
  {
    name: 'a loop outside of the handler',
    language: 'python',
    plant: async (world, identity) => {
      const code = 'import time\n\nwhile True:\n    time.sleep(1)\n\n\ndef handler(event):\n    return 1\n';
      await world.upload(identity, { 'parser.py': code });
      await world.send({ type: 'build.start', data: { ...identity, correlation_id: `build-${randomUUID()}` } });
      await world.seen('lifecycle.function.failed', identity, undefined, 240);
      return { about: 'function' };
    },
    cause: /parser\.py:\d+: the import of parser\.py does not end/,
    command: DEPLOY,
  },
  // Run.
  {
    name: 'an exception in a call',
    plant: called('const rows = undefined;\n  return rows.map((row) => row.id);'),
    cause: /TypeError: Cannot read properties of undefined \(reading 'map'\)/,
    command: /^kn-lambda logs \S+ --call /,
    evidence: /at handler \(parser\.mjs:3/,
  },
  {
    name: 'what is thrown is no error',
    plant: called("throw 'out of stock';"),
    cause: /out of stock/,
    command: /^kn-lambda logs \S+ --call /,
  },
  {
    name: 'its process ends in a call, by an error outside of the handler',
    plant: crashed(
      handler(
        "setTimeout(() => { throw new RangeError('late rows'); }, 10);\n  await new Promise((done) => setTimeout(done, 500));",
      ),
    ),
    cause: /process ended during the call.*with exit code 1: RangeError: late rows/,
    command: /^kn-lambda logs/,
    say: /deploy again/,
    evidence: /parser\.mjs:2/,
  },
  {
    name: 'a Python function that ends its process in a call',
    language: 'python',
    plant: crashed({
      'parser.py': "import os\n\n\ndef handler(event):\n    print('farewell', flush=True)\n    os._exit(3)\n",
    }),
    cause: /process ended during the call.*with exit code 3/,
    command: /^kn-lambda logs/,
    evidence: /farewell/,
  },
  {
    name: 'a panic in a goroutine',
    language: 'go',
    plant: crashed({
      ...MODULE,
      'parser.go':
        'package f\n\nimport (\n\t"context"\n\t"time"\n\n\tcloudevents "github.com/cloudevents/sdk-go/v2"\n)\n\nfunc Handle(ctx context.Context, event cloudevents.Event) (any, error) {\n\tgo func() { panic("no such row") }()\n\ttime.Sleep(time.Second)\n\treturn 1, nil\n}\n',
    }),
    cause: /process ended during the call.*with exit code 2: panic: no such row/,
    command: /^kn-lambda logs/,
    evidence: /parser\.go:\d+/,
  },
  {
    name: 'its process is killed in a call, and has said nothing',
    // No signal from within a container ends its first process.
    onLaptop: true,
    plant: crashed(
      handler("process.kill(process.pid, 'SIGKILL');\n  await new Promise((done) => setTimeout(done, 500));"),
    ),
    cause: /process ended during the call.*by signal SIGKILL/,
    command: /^kn-lambda logs/,
    say: /memory/,
  },
  {
    name: 'its process ends after the answer',
    plant: async (world, identity) => {
      await build(
        world,
        identity,
        handler("setTimeout(() => { throw new Error('an afterthought'); }, 1500);\n  return 1;"),
      );
      await call(world, identity);
      return { about: 'function' };
    },
    cause: /process ended by itself, with exit code 1: Error: an afterthought/,
    command: /^kn-lambda logs/,
  },
  {
    name: 'a server closes the connection without an answer',
    plant: async (world, identity) => {
      const code = `${LISTEN} request.socket.destroy(); });\nserver.listen(Number(process.env.PORT));\n`;
      return await crashed(await server(world, '["node", "server.mjs"]', code))(world, identity);
    },
    cause: /broke the connection during the call.*and its process goes on/,
    command: /^kn-lambda logs/,
    say: /answer every request/,
  },
  {
    name: 'the dead letter of a call in which the process ended',
    plant: async (world, identity) => {
      await build(
        world,
        identity,
        handler(
          "setTimeout(() => { throw new Error('never again'); }, 10);\n  await new Promise((done) => setTimeout(done, 500));",
        ),
      );
      await send(world, identity);
      let id = '';
      const token = world.platform.tokens?.operator;
      const query = new URLSearchParams({ ...identity, state: 'open' });
      await until(
        'the dead letter',
        async () => {
          const { json } = await world.api(`/dead-letters?${query}`, token ? { token } : {});
          id = json.items?.[0]?.id ?? '';
          return id !== '';
        },
        360,
      );
      return { about: 'letter', id };
    },
    cause: /process ended during the call, with exit code 1: Error: never again/,
    command: /^kn-lambda logs/,
    say: /replay the letter/,
  },
  {
    name: 'too slow',
    plant: called('await new Promise((resolve) => setTimeout(resolve, 60_000));', { timeout_seconds: 1 }),
    cause: /did not answer within its 1 s/,
    command: DEPLOY,
  },
  {
    name: 'an answer that is larger than an event may be',
    plant: called("return 'x'.repeat(1_200_000);"),
    cause: /larger than the 1 MiB/,
    command: DEPLOY,
  },
  {
    name: 'all calls of a function fail',
    plant: (world, identity) => ofFunction(called("throw new RangeError('out of rows');")(world, identity)),
    cause: /last failed call: the handler raised RangeError: out of rows/,
    command: /^kn-lambda logs \S+ --call /,
  },
  {
    name: 'a call of a function that never was',
    plant: (world, identity) => call(world, identity),
    cause: /no such function/,
    command: /^kn-lambda list/,
  },
  {
    name: 'a call of a function that was deleted',
    plant: async (world, identity) => {
      await build(world, identity, answering('x'));
      await world.send({ type: 'service.delete', data: identity });
      await world.seen('lifecycle.function.deleted', identity);
      return await call(world, identity);
    },
    cause: /was deleted at/,
    command: /^kn-lambda (?:list|deploy)/,
  },
  {
    name: 'a function that was deleted',
    plant: async (world, identity) => {
      await build(world, identity, answering('x'));
      await world.send({ type: 'service.delete', data: identity });
      await world.seen('lifecycle.function.deleted', identity);
      await until('it to be gone', async () => (await world.services(identity)).length === 0);
      return { about: 'function' };
    },
    cause: /was deleted \d+ s ago/,
    command: DEPLOY,
  },
  {
    name: 'a name that is mistyped',
    plant: async () => ({ about: 'function' }),
    cause: /there is no function/,
    command: /^kn-lambda list/,
  },
  {
    name: 'a build that nobody knows',
    plant: async () => ({ about: 'build', id: `build-${randomUUID()}` }),
    cause: /no build of this id is recorded/,
    command: DEPLOY,
  },
  // Platform.
  {
    name: "the function's image is gone",
    plant: async (world, identity) => {
      await build(world, identity, answering('x'));
      const [service] = await world.services(identity);
      const { template } = service?.spec ?? {};
      const [container] = template.spec.containers;
      const image = String(container.image).replace(/sha256:.*/, `sha256:${'0'.repeat(64)}`);
      await world.patch({
        apiVersion: 'serving.knative.dev/v1',
        kind: 'Service',
        metadata: { name: service?.metadata?.name ?? '', namespace: world.platform.namespace },
        spec: { template: { ...template, spec: { ...template.spec, containers: [{ ...container, image }] } } },
      });
      return { about: 'function' };
    },
    cause: /image/i,
    command: /^kn-lambda (?:deploy --force|doctor)/,
  },
  {
    name: 'a Secret is deleted while the function sleeps',
    plant: async (world, identity) => {
      await withSecret(world, identity, labelsFor(identity.third_party_id));
      const selector = `serving.knative.dev/service=${(await world.services(identity))[0]?.metadata?.name}`;
      await until('it to sleep', async () => (await world.pods(selector)).length === 0, 120);
      await world.remove('v1', 'Secret', `s-${identity.parser_id}`);
      await world.send({ type: 'parser.start', subject: subjectOf(identity), data: {} });
      await until('a pod that waits', async () => (await world.pods(selector)).length > 0, 60);
      return { about: 'function' };
    },
    cause: /s-planted/,
    command: /^kn-lambda secrets/,
  },
];
