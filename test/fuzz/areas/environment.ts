/** parameters.env, any names and values: refused at the door, or given to the container as they were written. */
import * as fc from 'fast-check';
import { expandVariables } from '#local/kubelet/expand-variables.ts';
import { parametersSchema } from '#shared/events/parameters.ts';
import { type Build, readBuild } from '#shared/specs/annotations.ts';
import { kanikoJob } from '#shared/specs/kaniko-job.ts';
import { knativeService } from '#shared/specs/knative-service.ts';
import { schemaProblems } from '#test/fixtures/crds/schema-problems.ts';
import { type Area, quick } from '#test/fuzz/area.ts';
import { hostileText } from '#test/fuzz/hostile.ts';
import { functionSettings, imageOf, jobSettings, jobStartEvent } from '#test/unit/handlers/world.ts';

const name = fc.oneof(
  { weight: 4, arbitrary: fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,10}$/) },
  fc.constantFrom(
    'PORT',
    'K_SERVICE',
    'LD_PRELOAD',
    'NODE_OPTIONS',
    'PYTHONPATH',
    'BASH_ENV',
    'SERVICE_NAME',
    'PATH',
    '__proto__',
    'constructor',
    'toString',
  ),
  hostileText,
);
const value = fc.oneof(
  hostileText,
  fc
    .array(fc.constantFrom('$', '$$', '(', ')', '$(A)', '$$(A)', '$(SERVICE_NAME)', 'a', '\\', '"', '\n'), {
      maxLength: 8,
    })
    .map((parts) => parts.join('')),
);

/** Members by definition, so that one called __proto__ is one. */
const env = fc.array(fc.tuple(name, value), { maxLength: 12 }).map((pairs) => {
  const made = {};
  for (const [key, text] of [...pairs, ['A', 'other'] as const]) {
    Object.defineProperty(made, key, { value: text, enumerable: true, configurable: true, writable: true });
  }
  return made as Record<string, string>;
});

const RESERVED = /^(PORT|NODE_OPTIONS|PYTHONPATH|BASH_ENV|K_.*|LD_.*|__proto__)$/;

export const environment: Area = {
  name: 'environment variables',
  share: 7,
  async start() {
    const property = fc.asyncProperty(env as fc.Arbitrary<unknown>, async (given) => {
      await quick(() => check(given as Record<string, string>));
    });
    return { property, close: async () => undefined };
  },
};

function check(given: Record<string, string>): void {
  const parsed = parametersSchema.safeParse({ env: given });
  const isRight = Object.entries(given).every(
    ([key, text]) =>
      /^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(key) &&
      !RESERVED.test(key) &&
      text.length <= 32_768 &&
      !text.includes('\0') &&
      text.isWellFormed(),
  );
  const isLong = JSON.stringify(given).length > 60_000;
  if (parsed.success !== isRight && !isLong) {
    throw new Error(`${parsed.success ? 'took' : 'refused'} ${JSON.stringify(given)}: ${parsed.error?.message}`);
  }
  if (!parsed.success) {
    return;
  }
  const job = kanikoJob(jobStartEvent({ parameters: parsed.data }), jobSettings);
  const build = readBuild(job) as Build;
  const service = knativeService(build, imageOf(), functionSettings);
  const problems = schemaProblems(service);
  const bytes = Buffer.byteLength(JSON.stringify(service.metadata.annotations));
  if (problems.length > 0 || bytes > 256 * 1024) {
    throw new Error(`made a Service that is refused: ${problems} (${bytes} bytes of annotations)`);
  }
  const variables: { name: string; value: string }[] = service.spec.template.spec.containers[0].env;
  const known = Object.fromEntries(variables.map((variable) => [variable.name, variable.value]));
  if (new Set(variables.map((variable) => variable.name)).size !== variables.length) {
    throw new Error('has a name twice');
  }
  for (const [key, text] of Object.entries(given)) {
    const got = expandVariables(known[key] ?? '', known);
    if (got !== text) {
      throw new Error(`${key} is ${JSON.stringify(got)}, not ${JSON.stringify(text)}`);
    }
  }
}
