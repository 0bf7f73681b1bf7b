/**
 * The extension by which recorder gets an event. One Trigger on it costs one dispatcher pod, where one for each type
 * would cost a dozen.
 */
export const RECORDED = 'recorded';
export const IS_RECORDED = { [RECORDED]: 'true' } as const;

/** The extension of a parser.complete that is kept: how the call went, as JSON (`callRecordSchema` of the history). */
export const CALL_RECORD = 'callrecord';

/** Calls are many: the door marks those that are kept. Everything else of ours is recorded. */
export function isAlwaysRecorded(type: string): boolean {
  return !type.startsWith('parser.');
}
