/** A CloudEvent between ingress and subscriber: its attributes by name, and its data as the very bytes that came. */

export interface BrokerEvent {
  /**
   * Context attributes and extensions. Binary HTTP knows strings alone; structured JSON brings numbers and booleans,
   * which stay what they are and so do not match a filter, whose values are strings.
   */
  attributes: Record<string, string | number | boolean>;
  data: Buffer;
}

/** What is no CloudEvent, or no valid one. The message says why. */
export class InvalidEvent extends Error {
  override readonly name = 'InvalidEvent';
}
