/** The authorities of one's own that the settings name: whether they are there, and are certificates. */
import { X509Certificate } from 'node:crypto';
import { CA_KEY } from '#shared/specs/build-pod/volumes.ts';
import type { Environment } from './environment.ts';
import type { Run } from './run.ts';
import type { Settings } from './settings.ts';

interface Named {
  setting: string;
  kind: 'ConfigMap' | 'Secret';
  name: string | undefined;
  namespace: string;
  key: string;
}

/** Without them pods would never start, or trust nobody whom they need. */
export async function authorityProblems(
  run: Run,
  { namespace, buildsNamespace }: Environment,
  { caConfigMap, rabbitmq }: Settings,
  config: Record<string, string>,
): Promise<string[]> {
  const named: Named[] = [
    { setting: 'CA_CONFIG_MAP', kind: 'ConfigMap', name: caConfigMap, namespace, key: CA_KEY },
    {
      setting: 'BUILD_CA_CONFIG_MAP',
      kind: 'ConfigMap',
      name: config['BUILD_CA_CONFIG_MAP'],
      namespace: buildsNamespace,
      key: CA_KEY,
    },
    { setting: 'RABBITMQ_CA_SECRET', kind: 'Secret', name: rabbitmq?.caSecretName, namespace, key: 'ca.crt' },
  ];
  const problems = await Promise.all(named.map((one) => (one.name ? problemOf(run, one) : undefined)));
  return problems.filter((problem) => problem !== undefined);
}

async function problemOf(run: Run, { setting, kind, name, namespace, key }: Named): Promise<string | undefined> {
  const what = `${setting}=${name}`;
  const arguments_ = ['get', kind.toLowerCase(), name ?? '', '-n', namespace, '-o', 'json'];
  const { code, stdout, stderr } = await run('kubectl', arguments_);
  if (code !== 0) {
    const make = `kubectl create ${kind === 'Secret' ? 'secret generic' : 'configmap'} ${name} -n ${namespace} --from-file=${key}=authority.pem`;
    return /not found/i.test(stderr)
      ? `${what}: there is no such ${kind} in namespace ${namespace}: ${make} (and before it kubectl create namespace ${namespace}, where there is none)`
      : `${what}: ${kind} ${name} of namespace ${namespace} could not be read: ${stderr.trim().split('\n')[0]}`;
  }
  const value: string | undefined = JSON.parse(stdout).data?.[key];
  if (value === undefined) {
    return `${what}: ${kind} ${name} of namespace ${namespace} has no key ${key}`;
  }
  const why = whyNoAuthorities(kind === 'Secret' ? Buffer.from(value, 'base64').toString() : value);
  return why && `${what}: ${key} in ${kind} ${name} of namespace ${namespace} ${why}`;
}

/** Undefined where it is a list of certificates in PEM that are valid now. */
export function whyNoAuthorities(bundle: string, now = new Date()): string | undefined {
  const certificates = bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (certificates.length === 0) {
    return 'holds no certificate in PEM (-----BEGIN CERTIFICATE-----)';
  }
  for (const [index, text] of certificates.entries()) {
    try {
      const { subject, validTo, validToDate } = new X509Certificate(text);
      if (validToDate < now) {
        return `holds a certificate that is valid no more (${subject.replaceAll('\n', ', ')}, until ${validTo}): replace it`;
      }
    } catch {
      return `holds a certificate that cannot be read, the ${index + 1}. of ${certificates.length}`;
    }
  }
  return undefined;
}
