/** Reads and writes the W3C `traceparent`, which works with and without an SDK. */
import { randomBytes } from 'node:crypto';

export interface Traceparent {
  /** 32 hex digits, not all zero. */
  traceId: string;
  /** 16 hex digits, not all zero. */
  spanId: string;
  /** 1: the sender records its spans. */
  flags: number;
}

const PATTERN = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Undefined for an invalid traceparent, which must not make the event fail. */
export function parseTraceparent(value: unknown): Traceparent | undefined {
  const match = typeof value === 'string' && value.length <= 512 ? PATTERN.exec(value.trim()) : null;
  const [, version, traceId, spanId, flags, rest] = match ?? [];
  if (!traceId || !spanId || !flags || (version === '00' && rest !== undefined)) {
    return undefined;
  }
  return { traceId, spanId, flags: Number.parseInt(flags, 16) & 1 };
}

export function formatTraceparent({ traceId, spanId, flags }: Traceparent): string {
  return `00-${traceId}-${spanId}-0${flags & 1}`;
}

/** Flags are 0, since nobody records the span that it names. */
export function newTraceparent(): Traceparent {
  return { traceId: randomBytes(16).toString('hex'), spanId: randomBytes(8).toString('hex'), flags: 0 };
}
