/** With REQUIRE_TLS=yes: every connection that would be plain although it could be encrypted. */
import type { KubeObject } from '#shared/kubernetes/object.ts';
import type { Run } from './run.ts';
import type { Settings } from './settings.ts';

/** What the settings and the overlay say. A proxy of builds is left out: through it goes TLS from end to end. */
export function tlsProblems(config: Record<string, string>, overlay: KubeObject[], settings: Settings): string[] {
  if (!settings.requireTls) {
    return [];
  }
  const plain = (['S3_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'] as const).filter((key) =>
    config[key]?.startsWith('http:'),
  );
  const registry = config['IMAGE_REGISTRY']?.split('/')[0] ?? '';
  return [
    ...plain.map((key) => `${key} begins with http:, which REQUIRE_TLS=yes forbids: give an https address`),
    ...(/\.local(:\d+)?$/.test(registry)
      ? [`IMAGE_REGISTRY is at ${registry}: Kaniko speaks plain HTTP to names that end in .local, so use another name`]
      : []),
    ...rabbitmqProblems(overlay, settings),
  ];
}

function rabbitmqProblems(overlay: KubeObject[], { rabbitmq }: Settings): string[] {
  if (!rabbitmq) {
    const cluster = overlay.find(({ kind }) => kind === 'RabbitmqCluster');
    return cluster && !cluster['spec'].tls?.secretName
      ? [
          'RabbitmqCluster rabbitmq has no spec.tls.secretName: name a Secret with its certificate, by a patch of the overlay',
        ]
      : [];
  }
  if (!rabbitmq.uri.startsWith('https:')) {
    return [
      'RABBITMQ_URI begins with http:, and then the Broker speaks plain AMQP: give an https address, and RABBITMQ_PORT=5671',
    ];
  }
  return rabbitmq.port
    ? []
    : ['RABBITMQ_PORT is not set: the Broker would speak AMQPS to 5672. Set the port of AMQPS, as a rule 5671'];
}

/** What the cluster says, and what nobody can see from outside. */
export async function tlsOfCluster(run: Run): Promise<{ problems: string[]; notes: string[] }> {
  const notes = [
    'Secrets: whether they are encrypted at rest cannot be seen from here. Ask whoever runs the cluster (EncryptionConfiguration, or the key of the managed service)',
    'Broker: its ingress has no TLS (the RabbitMQ Broker has no transport encryption). Between nodes only the network itself can encrypt, by WireGuard or IPsec',
  ];
  const { code, stdout } = await run('kubectl', [
    'get',
    'configmap',
    'config-network',
    '-n',
    'knative-serving',
    '-o',
    'jsonpath={.data.system-internal-tls}',
  ]);
  if (code !== 0) {
    return {
      problems: [],
      notes: [...notes, 'Knative: config-network cannot be read, so system-internal-tls is unknown'],
    };
  }
  return /^enabled$/i.test(stdout.trim())
    ? { problems: [], notes }
    : {
        problems: [
          'Knative calls functions in plain HTTP: set system-internal-tls: Enabled in ConfigMap config-network of knative-serving (it needs cert-manager)',
        ],
        notes,
      };
}
