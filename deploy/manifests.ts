/**
 * `make manifests`: writes the whole deployment but its Secrets as files for `kubectl apply -k`. No cluster is asked.
 */
import { relative } from 'node:path';
import { say, sayError } from '#shared/say.ts';
import { writeComposition } from './compose.ts';
import { ROOT } from './environment.ts';
import { planDeployment } from './plan.ts';
import { secretsOf } from './secrets.ts';

const { plan, problems } = planDeployment(ROOT, process.env);
if (!plan) {
  sayError(`Not written:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
  process.exit(1);
}
const { environment, settings, composition } = plan;
const objects = writeComposition(environment, composition, { withFunctions: true });
const folder = relative(process.cwd(), environment.folder);
const secrets = secretsOf(environment, settings).map(({ metadata, type, data }) => {
  const labels = Object.entries(metadata.labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return `  Secret ${metadata.namespace}/${metadata.name}, type ${type}, keys ${Object.keys(data).join(', ')}, labels ${labels.join(', ')}`;
});
const { namespace, buildsNamespace } = environment;
if (!settings.s3) {
  secrets.unshift(`  Secret ${namespace}/knative-lambda-s3, empty, for pods that have an identity of their own`);
}
say(`${objects.length} objects in ${folder}. Secrets are in no file; before the first time make
  kubectl create namespace ${namespace}; kubectl create namespace ${buildsNamespace}
${secrets.join('\n')}
and then, each time:
  kubectl apply --server-side -k ${folder}`);
