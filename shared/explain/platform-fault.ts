/** Whether what is waited for is a part of the platform that does not work. */
import type { Explanation } from '#shared/api/schemas.ts';
import { object } from './evidence.ts';
import type { Facts } from './facts.ts';

/** A Trigger's name goes on from that of its function. */
function isOf(name: string, whose: string): boolean {
  return name.endsWith(` ${whose}`) || name.startsWith(`Trigger ${whose}-`);
}

/** `whose`: the function of ours whose turn it is; undefined where anything may be at fault. */
export function platformFault({ platform }: Facts, whose?: string): Omit<Explanation, 'about'> | undefined {
  const isShared = (name: string) => /^(Broker|S3|Kubernetes|RabbitMQ)\b/.test(name);
  const fault = platform.find(({ object: name }) => whose === undefined || isOf(name, whose) || isShared(name));
  return (
    fault && {
      healthy: false,
      reason: 'Unavailable',
      cause: `${fault.object} does not work: ${fault.message}`,
      evidence: [object(fault.message, fault.object)],
      next: {
        say: `Let the operator mend ${fault.object}, with what doctor says; what waits goes on by itself then`,
        command: 'kn-lambda doctor',
      },
    }
  );
}
