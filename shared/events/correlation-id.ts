/** The id that all events of one chain share. */
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
 * The extension, else data.correlation_id, else the event's own id: the first of them that is valid in job.start and
 * build.complete, since a chain must not break in its middle at an id that was accepted at its start. If none is valid,
 * an id is derived.
 */
export function correlationIdOf({ id, source, correlationid, data }: Correlated): string {
  const extension = correlationid === undefined ? undefined : String(correlationid);
  const fromData = (data as { correlation_id?: unknown } | null | undefined)?.correlation_id;
  const usable = [extension, fromData, id].find((value) => correlationId.safeParse(value).success);
  return typeof usable === 'string' ? usable : deriveId('correlation', source, id);
}
