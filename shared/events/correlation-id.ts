/** What names the chain of events that an event belongs to. */
import { correlationId } from './build-start.ts';
import { deriveId } from './event.ts';

export interface Correlated {
  id: string;
  source: string;
  /** The extension. Senders may write a number or a boolean. */
  correlationid?: unknown;
  data?: unknown;
}

/**
 * The extension, else data.correlation_id, else the event's own id: the first that job.start and build.complete can carry, so that a chain does not
 * break in its middle over what was let in at its start. Derived where none can be.
 */
export function correlationIdOf({ id, source, correlationid, data }: Correlated): string {
  const extension = correlationid === undefined ? undefined : String(correlationid);
  const fromData = (data as { correlation_id?: unknown } | null | undefined)?.correlation_id;
  const usable = [extension, fromData, id].find((value) => correlationId.safeParse(value).success);
  return typeof usable === 'string' ? usable : deriveId('correlation', source, id);
}
