/** Applies namespaces, Secrets, and then everything else by `kubectl apply --server-side -k`. */
import type { KubeObject } from '#shared/kubernetes/object.ts';
import type { Environment } from './environment.ts';
import { kubectl, type Run } from './run.ts';
import { createdOnce, secretsOf } from './secrets.ts';
import type { Settings } from './settings.ts';

export const FIELD_MANAGER = 'knative-lambda-deploy';

/**
 * Fields of these managers are overwritten: we, func, or a person with the same files wrote them. Others' changes are
 * deliberate.
 */
const OURS = new Set([FIELD_MANAGER, 'func', 'kubectl', 'kubectl-client-side-apply', 'kubectl-create']);

export async function applyNamespaces(run: Run, objects: KubeObject[], force: boolean): Promise<void> {
  await applyDocuments(
    run,
    objects.filter(({ kind }) => kind === 'Namespace'),
    force,
  );
}

export async function applySecrets(run: Run, environment: Environment, settings: Settings): Promise<void> {
  // Always by force: settings replace a key that was set by hand.
  await applyDocuments(run, secretsOf(environment, settings), true);
  for (const object of createdOnce(environment, settings)) {
    const { code, stderr } = await run('kubectl', ['create', '-f', '-'], { input: JSON.stringify(object) });
    if (code !== 0 && !stderr.includes('AlreadyExists')) {
      throw new Error(`${object.kind} ${object.metadata.name} could not be created: ${stderr.trim()}`);
    }
  }
}

export async function applyFolder(run: Run, folder: string, force: boolean): Promise<string[]> {
  return await apply(run, ['-k', folder], force);
}

export async function applyDocuments(run: Run, objects: KubeObject[], force: boolean): Promise<void> {
  if (objects.length > 0) {
    const input = objects.map((object) => JSON.stringify(object)).join('\n');
    await apply(run, ['-f', '-'], force, input);
  }
}

async function apply(run: Run, what: string[], force: boolean, input?: string): Promise<string[]> {
  const args = ['apply', '--server-side', `--field-manager=${FIELD_MANAGER}`, ...what];
  const options = input === undefined ? {} : { input };
  if (force) {
    return lines(await kubectl(run, [...args, '--force-conflicts'], options));
  }
  const { code, stdout, stderr } = await run('kubectl', args, options);
  if (code === 0) {
    return lines(stdout);
  }
  const managers = [...stderr.matchAll(/conflicts? with "([^"]+)"/g)].map(([, manager]) => manager ?? '');
  if (managers.length === 0) {
    throw new Error(`kubectl ${args.join(' ')} failed: ${stderr.trim()}`);
  }
  const others = [...new Set(managers.filter((manager) => !OURS.has(manager)))];
  if (others.length > 0) {
    throw new Error(
      `${others.join(' and ')} changed fields for which these files have other values:\n${indented(stderr)}\nPut the change into the settings or the overlay, or overwrite it: FORCE=1`,
    );
  }
  return lines(await kubectl(run, [...args, '--force-conflicts'], options));
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line.trim() !== '');
}

/** kubectl's lines about conflicts, without its advice, which is about flags of kubectl. */
function indented(stderr: string): string {
  const end = stderr.search(/^(Please review|\* )/m);
  return (end < 0 ? stderr : stderr.slice(0, end)).trim().replace(/^/gm, '  ');
}
